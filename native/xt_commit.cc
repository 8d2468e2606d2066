// A legacy table changed by libiptc: the lock, the table as it is, the commands, the commit.
#include "xt_commit.h"

#include <net/if.h>
#include <netinet/in.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <libiptc/libiptc.h>
// It does not say itself that it is C.
extern "C" {
#include <libiptc/libip6tc.h>
}

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <mutex>
#include <new>

#include "xt_entry.h"
#include "xt_lock.h"
#include "xt_walk.h"

namespace nflink {
namespace {

/** libiptc keeps the function at work in a static pointer (iptc_fn): one thread at a time. */
std::mutex& libiptc_mutex() {
  static std::mutex mutex;
  return mutex;
}

/** A writer without the lock changed the number of entries between our look and our commit. */
constexpr int kTries = 10;

/** The functions of libiptc for one family; their shapes are alike but for the entry. */
struct Ip {
  using Entry = ipt_entry;
  static constexpr auto init = iptc_init;
  static constexpr auto free = iptc_free;
  static constexpr auto is_chain = iptc_is_chain;
  static constexpr auto builtin = iptc_builtin;
  static constexpr auto first_chain = iptc_first_chain;
  static constexpr auto next_chain = iptc_next_chain;
  static constexpr auto first_rule = iptc_first_rule;
  static constexpr auto next_rule = iptc_next_rule;
  static constexpr auto get_target = iptc_get_target;
  static constexpr auto get_policy = iptc_get_policy;
  static constexpr auto append = iptc_append_entry;
  static constexpr auto insert = iptc_insert_entry;
  static constexpr auto replace = iptc_replace_entry;
  static constexpr auto check = iptc_check_entry;
  static constexpr auto remove = iptc_delete_entry;
  static constexpr auto remove_at = iptc_delete_num_entry;
  static constexpr auto flush = iptc_flush_entries;
  static constexpr auto zero = iptc_zero_entries;
  static constexpr auto zero_at = iptc_zero_counter;
  static constexpr auto create = iptc_create_chain;
  static constexpr auto remove_chain = iptc_delete_chain;
  static constexpr auto rename = iptc_rename_chain;
  static constexpr auto set_policy = iptc_set_policy;
  static constexpr auto commit = iptc_commit;
};
struct Ip6 {
  using Entry = ip6t_entry;
  static constexpr auto init = ip6tc_init;
  static constexpr auto free = ip6tc_free;
  static constexpr auto is_chain = ip6tc_is_chain;
  static constexpr auto builtin = ip6tc_builtin;
  static constexpr auto first_chain = ip6tc_first_chain;
  static constexpr auto next_chain = ip6tc_next_chain;
  static constexpr auto first_rule = ip6tc_first_rule;
  static constexpr auto next_rule = ip6tc_next_rule;
  static constexpr auto get_target = ip6tc_get_target;
  static constexpr auto get_policy = ip6tc_get_policy;
  static constexpr auto append = ip6tc_append_entry;
  static constexpr auto insert = ip6tc_insert_entry;
  static constexpr auto replace = ip6tc_replace_entry;
  static constexpr auto check = ip6tc_check_entry;
  static constexpr auto remove = ip6tc_delete_entry;
  static constexpr auto remove_at = ip6tc_delete_num_entry;
  static constexpr auto flush = ip6tc_flush_entries;
  static constexpr auto zero = ip6tc_zero_entries;
  static constexpr auto zero_at = ip6tc_zero_counter;
  static constexpr auto create = ip6tc_create_chain;
  static constexpr auto remove_chain = ip6tc_delete_chain;
  static constexpr auto rename = ip6tc_rename_chain;
  static constexpr auto set_policy = ip6tc_set_policy;
  static constexpr auto commit = ip6tc_commit;
};

/** One table under libiptc, with what its functions say as refusals. */
template <typename Api>
class Table {
 public:
  using Refusal = XtCommitReply::Refusal;
  using Entry = typename Api::Entry;

  ~Table() {
    if (handle_ != nullptr) Api::free(handle_);
  }
  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  MaybeFailure open(const std::string& name) {
    errno = 0;
    handle_ = Api::init(name.c_str());
    // libiptc sets no errno where the kernel is not of its version.
    if (handle_ == nullptr) return Failure{"iptc_init", errno != 0 ? errno : EPROTO};
    return std::nullopt;
  }

  /** Does one command; `done` says whether there was something to do. Throws std::bad_alloc. */
  std::optional<Refusal> apply(size_t index, const XtCommands::Command& c, bool& done) {
    done = true;
    const auto refuse = [index](const char* reason, int error) { return Refusal{index, reason, error}; };
    const auto check = [index](int result) {
      return result != 0 ? std::nullopt : std::optional<Refusal>(Refusal{index, "", errno});
    };
    const bool conditional = (c.flags & kXtConditional) != 0;
    const bool may_lack = conditional && c.verb == XtVerb::kDelete;
    const auto* entry = static_cast<const Entry*>(c.entry);
    unsigned char* mask = c.mask;
    const bool needs_chain = c.chain != nullptr && c.verb != XtVerb::kNewChain && c.verb != XtVerb::kDeclareChain;
    if (needs_chain && Api::is_chain(c.chain, handle_) == 0) {
      done = false;
      return may_lack ? std::nullopt : std::optional(refuse("chain", ENOENT));
    }
    if (entry != nullptr) {
      const char* to = target_name(entry);
      const bool chain = *to != '\0' && Api::is_chain(to, handle_) != 0;
      if ((c.flags & kXtJump) != 0) {
        done = false;
        if (!chain) return may_lack ? std::nullopt : std::optional(refuse("jump", ENOENT));
        if (Api::builtin(to, handle_) != 0) return may_lack ? std::nullopt : std::optional(refuse("builtin", EINVAL));
        done = true;
      } else if (chain) {
        // libiptc makes a jump of it and writes a verdict into a target that may have no room for one.
        if ((c.flags & kXtBareTarget) == 0) return refuse("clash", EINVAL);
        entry = make_jump(entry, mask);
      }
    }
    switch (c.verb) {
      case XtVerb::kAppend:
      case XtVerb::kInsert:
        if (conditional && Api::check(c.chain, entry, mask, handle_) != 0) {
          done = false;
          return std::nullopt;
        }
        if (c.verb == XtVerb::kAppend) return check(Api::append(c.chain, entry, handle_));
        return check(Api::insert(c.chain, entry, c.number - 1, handle_));
      case XtVerb::kReplace:
        return check(Api::replace(c.chain, entry, c.number - 1, handle_));
      case XtVerb::kDelete:
        if (Api::remove(c.chain, entry, mask, handle_) != 0) return std::nullopt;
        if (errno != ENOENT) return refuse("", errno);
        if (!conditional) return refuse("rule", ENOENT);
        done = false;
        return std::nullopt;
      case XtVerb::kCheck:
        done = false;
        if (Api::check(c.chain, entry, mask, handle_) != 0) return std::nullopt;
        return errno == ENOENT ? refuse("rule", ENOENT) : refuse("", errno);
      case XtVerb::kDeleteAt:
        return check(Api::remove_at(c.chain, c.number - 1, handle_));
      case XtVerb::kNewChain:
        if (conditional && Api::is_chain(c.chain, handle_) != 0) {
          done = false;
          return std::nullopt;
        }
        return check(Api::create(c.chain, handle_));
      case XtVerb::kDeclareChain:
        // Where the table began anew, one that is there was declared before.
        if (!began_ && Api::is_chain(c.chain, handle_) != 0) return check(Api::flush(c.chain, handle_));
        return check(Api::create(c.chain, handle_));
      case XtVerb::kDeleteChain:
        return check(Api::remove_chain(c.chain, handle_));
      case XtVerb::kFlushChain:
        if (c.chain != nullptr) return check(Api::flush(c.chain, handle_));
        return for_each(index, Api::flush);
      case XtVerb::kZero:
        if (c.chain != nullptr) return check(Api::zero(c.chain, handle_));
        return for_each(index, Api::zero);
      case XtVerb::kZeroAt:
        return check(Api::zero_at(c.chain, c.number, handle_));
      case XtVerb::kBegin:
        began_ = true;
        if (auto refusal = for_each(index, Api::flush)) return refusal;
        return delete_user_chains(index);
      case XtVerb::kDeleteUserChains:
        done = has_user_chains();
        return delete_user_chains(index);
      case XtVerb::kRenameChain:
        return rename(index, c);
      case XtVerb::kSetPolicy:
        return set_policy(index, c);
    }
    return refuse("", EINVAL);
  }

  bool commit() { return Api::commit(handle_) != 0; }

  /** Whether both hold the same chains, policies and rules; counters don't count. Throws std::bad_alloc. */
  bool same_rules(Table& other) {
    const auto mine = chains();
    if (mine != other.chains()) return false;
    for (const auto& chain : mine) {
      if (Api::builtin(chain.c_str(), handle_) != 0 && policy(chain) != other.policy(chain)) return false;
      const Entry* a = Api::first_rule(chain.c_str(), handle_);
      const Entry* b = other.first_rule(chain);
      while (a != nullptr && b != nullptr) {
        if (!same_entry(a, Api::get_target(a, handle_), b, Api::get_target(b, other.handle_))) return false;
        a = Api::next_rule(a, handle_);
        b = Api::next_rule(b, other.handle_);
      }
      if (a != b) return false;
    }
    return true;
  }

 private:
  static const xt_entry_target* target_of(const Entry* entry) {
    return reinterpret_cast<const xt_entry_target*>(reinterpret_cast<const uint8_t*>(entry) + entry->target_offset);
  }
  static const char* target_name(const Entry* entry) { return target_of(entry)->u.user.name; }

  /** A copy whose target is a jump to the chain of the target's name; its mask, where there is one, likewise. */
  const Entry* make_jump(const Entry* entry, unsigned char*& mask) {
    const size_t head = entry->target_offset;
    const size_t size = head + kXtVerdict;
    jump_.assign((size + 7) / 8, 0);
    auto* copy = reinterpret_cast<Entry*>(jump_.data());
    std::memcpy(static_cast<void*>(copy), entry, head);
    copy->next_offset = static_cast<uint16_t>(size);
    auto* target = reinterpret_cast<xt_entry_target*>(reinterpret_cast<uint8_t*>(copy) + head);
    target->u.target_size = kXtVerdict;
    std::strncpy(target->u.user.name, target_name(entry), sizeof target->u.user.name - 1);
    if (mask != nullptr) {
      jump_mask_.assign(mask, mask + head);
      jump_mask_.resize(size, 0xff);
      mask = jump_mask_.data();
    }
    return copy;
  }

  /**
   * libiptc 1.8.9 counts a chain that is being renamed twice while it makes its index of chains anew: where that leaves
   * a place of the index empty, it reads from there. With one chain more there is none.
   */
  std::optional<Refusal> rename(size_t index, const XtCommands::Command& c) {
    constexpr size_t kIndexBucket = 40;  // CHAIN_INDEX_BUCKET_LEN
    constexpr const char* kOther = "nflink-while-renaming";
    size_t users = 0;
    for (auto* name = Api::first_chain(handle_); name != nullptr; name = Api::next_chain(handle_)) {
      if (Api::builtin(name, handle_) == 0) ++users;
    }
    const bool other = users % kIndexBucket == 1 && Api::create(kOther, handle_) != 0;
    const int result = Api::rename(c.chain, c.other, handle_);
    const int error = errno;
    if (other && Api::remove_chain(kOther, handle_) == 0) return Refusal{index, "", errno};
    return result != 0 ? std::nullopt : std::optional<Refusal>(Refusal{index, "", error});
  }

  std::vector<std::string> chains() {
    std::vector<std::string> names;
    for (auto* name = Api::first_chain(handle_); name != nullptr; name = Api::next_chain(handle_))
      names.emplace_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string policy(const std::string& chain) {
    xt_counters counters{};
    const char* name = Api::get_policy(chain.c_str(), &counters, handle_);
    return name == nullptr ? "" : name;
  }
  const Entry* first_rule(const std::string& chain) { return Api::first_rule(chain.c_str(), handle_); }

  static bool same_entry(const Entry* a, const char* target_a, const Entry* b, const char* target_b) {
    if (a->next_offset != b->next_offset || a->target_offset != b->target_offset) return false;
    const auto* one = reinterpret_cast<const uint8_t*>(a);
    const auto* two = reinterpret_cast<const uint8_t*>(b);
    bool same = std::memcmp(one, two, kXtBase<Entry>) == 0 &&
                std::strcmp(target_a == nullptr ? "" : target_a, target_b == nullptr ? "" : target_b) == 0;
    // A verdict's bytes hold an offset, which its name stands for: a standard target has no name of its own.
    const bool verdicts = *target_name(a) == '\0' && *target_name(b) == '\0';
    const char* complaint = visit_xt_entry<Entry>(one, a->next_offset, [&](size_t at, size_t size) {
      same = same && ((at == a->target_offset && verdicts) || same_xt_extension(one + at, two + at, size));
    });
    return same && complaint == nullptr;
  }

  template <typename Function>
  std::optional<Refusal> for_each(size_t index, Function function) {
    for (const auto& chain : chains()) {
      if (function(chain.c_str(), handle_) == 0) return Refusal{index, "", errno};
    }
    return std::nullopt;
  }
  bool has_user_chains() {
    for (const auto& chain : chains()) {
      if (Api::builtin(chain.c_str(), handle_) == 0) return true;
    }
    return false;
  }
  std::optional<Refusal> delete_user_chains(size_t index) {
    for (const auto& chain : chains()) {
      if (Api::builtin(chain.c_str(), handle_) != 0) continue;
      if (Api::remove_chain(chain.c_str(), handle_) == 0) return Refusal{index, "", errno};
    }
    return std::nullopt;
  }
  std::optional<Refusal> set_policy(size_t index, const XtCommands::Command& c) {
    xt_counters counters{};
    if (c.counters != nullptr) counters = {c.counters[0], c.counters[1]};
    char chain[sizeof(xt_chainlabel)]{};
    char policy[sizeof(xt_chainlabel)]{};
    std::strncpy(chain, c.chain, sizeof chain - 1);
    std::strncpy(policy, c.other, sizeof policy - 1);
    // Null or not named at all: libiptc zeroes what a policy has counted (COUNTER_MAP_ZEROED), with every commit.
    if (Api::set_policy(chain, policy, c.counters == nullptr ? nullptr : &counters, handle_) != 0) return std::nullopt;
    return Refusal{index, "", errno};
  }

  xtc_handle* handle_ = nullptr;
  /** The table began anew with these commands. */
  bool began_ = false;
  std::vector<uint64_t> jump_;
  std::vector<unsigned char> jump_mask_;
};

/** The table as the kernel gives it, walked; with what its policies and the ends of its user chains have counted. */
struct Look {
  XtWalk walk;
  /** libiptc trusts the table, and must see no other than it can read and write. */
  bool good() const { return walk.complaint == nullptr && walk.unwritable == nullptr; }
  /** Packets and bytes by turns. */
  std::vector<uint64_t> feet;
};

template <typename Entry>
MaybeFailure look_at(const XtCommitRequest& request, int socket, Look& look) {
  XtInfo info;
  ByteBuffer data;
  if (auto failure = read_xt_entries(socket, request.family, request.table, info, data)) return failure;
  uint8_t* entries = data.data() + kXtHeader;
  look.walk = walk_xt_table(request.family, info, entries, data.size() - kXtHeader);
  const auto& walk = look.walk;
  if (!look.good()) return std::nullopt;
  for (size_t i = 0; i < walk.chains.size(); i += XtWalk::kChainWords) {
    xt_counters counters;
    std::memcpy(&counters, entries + walk.chains[i + 2] + offsetof(Entry, counters), sizeof counters);
    look.feet.insert(look.feet.end(), {counters.pcnt, counters.bcnt});
  }
  return std::nullopt;
}

/** Whether a counter of the same table went down. */
bool lost_counters(const Look& before, const Look& after) {
  const auto less = [](const std::vector<uint64_t>& now, const std::vector<uint64_t>& then) {
    return !std::equal(now.begin(), now.end(), then.begin(), then.end(), std::greater_equal<>());
  };
  return less(after.walk.packets, before.walk.packets) || less(after.walk.bytes, before.walk.bytes) ||
         less(after.feet, before.feet);
}

/**
 * After a commit that failed: did the kernel take the table before it failed? (SO_SET_ADD_COUNTERS comes after
 * SO_SET_REPLACE, which makes all counters zero.)
 */
template <typename Api>
XtCommitReply::State look_again(const XtCommitRequest& request, Table<Api>& wanted, int socket, const Look& before) {
  using State = XtCommitReply::State;
  try {
    Look after;
    Table<Api> now;
    if (look_at<typename Api::Entry>(request, socket, after) || !after.good() || now.open(request.table))
      return State::kUnknown;
    const bool asked_for = now.same_rules(wanted);
    const bool as_before = after.walk.digest == before.walk.digest;
    if (asked_for && as_before) return lost_counters(before, after) ? State::kApplied : State::kUnseen;
    if (asked_for) return State::kApplied;
    return as_before ? State::kNotApplied : State::kUnknown;
  } catch (const std::bad_alloc&) {
    return State::kUnknown;
  }
}

/** One try. `expected`: what the table must be, and afterwards what it was. */
template <typename Api>
XtCommitReply commit_once(const XtCommitRequest& request, XtCommands& commands, int socket,
                          std::optional<XtDigest>& expected, bool& again) {
  XtCommitReply reply;
  Look before;
  if ((reply.failure = look_at<typename Api::Entry>(request, socket, before))) return reply;
  // Only what could be read was expected.
  reply.outdated = expected && (before.walk.complaint != nullptr || before.walk.digest != *expected);
  if (reply.outdated) return reply;
  expected = before.walk.digest;
  reply.complaint = before.walk.complaint;
  reply.unwritable = before.walk.unwritable;
  if (!before.good()) return reply;
  Table<Api> table;
  if ((reply.failure = table.open(request.table))) return reply;
  reply.done.resize(commands.size());
  bool any = false;
  for (size_t i = 0; i < commands.size(); ++i) {
    bool done = false;
    reply.refusal = table.apply(i, commands[i], done);
    if (reply.refusal) return reply;
    reply.done[i] = done ? 1 : 0;
    any = any || done;
  }
  if (request.dry_run || !any || table.commit()) return reply;
  const int error = errno;
  reply.failure = Failure{"iptc_commit", error};
  // Somebody without the lock changed the number of entries: the kernel says so before it takes anything
  // (xt_replace_table in net/netfilter/x_tables.c).
  again = error == EAGAIN;
  if (!again) reply.state = look_again(request, table, socket, before);
  return reply;
}

template <typename Api>
XtCommitReply commit_with(const XtCommitRequest& request, XtCommands& commands) {
  XtCommitReply reply;
  UniqueFd lock;
  if ((reply.failure = try_xtables_lock(request.lock_path, lock, reply.busy)) || reply.busy) return reply;
  if (!request.create || request.expected) {
    bool exists = false;
    if ((reply.failure = xt_table_exists(request.family, request.table, exists))) return reply;
    reply.outdated = request.expected && exists == request.expected.absent;
    reply.missing = !reply.outdated && !exists && !request.create;
    if (reply.outdated || reply.missing) return reply;
  }
  UniqueFd socket;
  if ((reply.failure = open_xt_socket(request.family, socket))) return reply;
  const std::lock_guard guard(libiptc_mutex());
  std::optional<XtDigest> expected = request.expected.digest;
  for (int tries = 0;; ++tries) {
    bool again = false;
    reply = commit_once<Api>(request, commands, socket.get(), expected, again);
    if (!again || tries == kTries) return reply;
    // Of a table that was to be absent, a second try goes on from what the first one made.
    if (!request.expected) expected.reset();
  }
}

}  // namespace

XtCommitReply commit_xt(const XtCommitRequest& request, XtCommands& commands) {
  return request.family == XtFamily::kIp ? commit_with<Ip>(request, commands) : commit_with<Ip6>(request, commands);
}

}  // namespace nflink
