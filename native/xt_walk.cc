// A legacy table walked once: its chains, where each rule lies, what it has counted, and what it is.
#include "xt_walk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "content_hash.h"
#include "xt_entry.h"

namespace nflink {
namespace {

constexpr size_t kHooks = 5;
constexpr size_t kErrorTarget = sizeof(xt_error_target);

constexpr int kAccept = -NF_ACCEPT - 1;
constexpr int kDrop = -NF_DROP - 1;
constexpr int kQueue = -NF_QUEUE - 1;

/** As libiptc's parse_table walks: builtin chains from their hook's entry, user chains from a target ERROR with their
 * name. */
template <typename Entry>
class Walker {
 public:
  Walker(const XtInfo& info, uint8_t* entries, size_t size, XtWalk& out)
      : info_(info), entries_(entries), size_(size), out_(out) {}

  void run() {
    if (walk() && end_chain() && check_jumps() && check_hooks()) end_digest();
  }

 private:
  bool fail(const char* complaint) {
    out_.complaint = complaint;
    return false;
  }

  bool walk() {
    // Most entries are rules; no table has more of them.
    out_.offsets.reserve(info_.entries);
    out_.packets.reserve(info_.entries);
    out_.bytes.reserve(info_.entries);
    out_.chain.reserve(info_.entries);
    for (size_t at = 0; at < size_;) {
      size_t target = 0;
      size_t target_size = 0;
      const char* complaint = visit_xt_entry<Entry>(entries_ + at, size_ - at, [&](size_t part, size_t size) {
        end_name(at + part);
        target = at + part;
        target_size = size;
      });
      if (complaint != nullptr) return fail(complaint);
      Entry entry;
      std::memcpy(&entry, entries_ + at, sizeof entry);
      const size_t next = entry.next_offset;
      // The kernel takes entries with room behind the target, and never writes that room.
      std::memset(entries_ + target + target_size, 0, at + next - target - target_size);
      digest(at, entry);
      const bool last = at + next == size_;
      if (is_error(target)) {
        // The last entry of the table is an ERROR too, of no chain.
        if (target + kErrorTarget > at + next && !last) return fail("a chain has no name");
        const size_t name = target + offsetof(xt_error_target, errorname);
        if (!last && !begin(at + next, XtWalk::kUserChain, name)) return false;
      } else {
        for (size_t hook = 0; hook < kHooks; ++hook) {
          const bool begins = (info_.valid_hooks & (1u << hook)) != 0 && info_.hook_entry[hook] == at;
          if (begins && !begin(at, static_cast<uint32_t>(hook), 0)) return false;
        }
        if (chains() == 0) return fail("a rule is in no chain");
        if (!check_verdict(target, target_size, at + next)) return false;
        // libiptc takes the last entry for an ERROR without a look.
        if (last) out_.unwritable = "its last entry is no ERROR";
        out_.offsets.push_back(static_cast<uint32_t>(at));
        out_.packets.push_back(entry.counters.pcnt);
        out_.bytes.push_back(entry.counters.bcnt);
        out_.chain.push_back(static_cast<uint32_t>(chains() - 1));
      }
      at += next;
    }
    return true;
  }

  /** Makes zero what lies behind the name of a match or target. */
  void end_name(size_t at) {
    const size_t length = xt_name_length(entries_ + at);
    std::memset(entries_ + at + kXtExtensionName + length, 0, XT_EXTENSION_MAXNAMELEN - length);
  }

  bool is_error(size_t target) const {
    return std::memcmp(entries_ + target + kXtExtensionName, XT_ERROR_TARGET, sizeof XT_ERROR_TARGET) == 0;
  }
  size_t chains() const { return out_.chains.size() / XtWalk::kChainWords; }

  int verdict(size_t target) const {
    int number;
    std::memcpy(&number, entries_ + target + offsetof(xt_standard_target, verdict), sizeof number);
    return number;
  }

  /** A verdict is one of the kernel's four, or where the entry lies that comes next: here, or first in a chain. */
  bool check_verdict(size_t target, size_t size, size_t next) {
    if (entries_[target + kXtExtensionName] != '\0') return true;
    if (size != kXtVerdict) return fail("a verdict has a wrong size");
    const int number = verdict(target);
    if (number >= 0) {
      if (static_cast<uint32_t>(number) != next) jumps_.push_back(static_cast<uint32_t>(number));
      return true;
    }
    const bool known = number == kAccept || number == kDrop || number == kQueue || number == XT_RETURN;
    return known || fail("a verdict is none");
  }

  /** libiptc takes a jump into the midst of a chain for one to its beginning. */
  bool check_jumps() {
    std::vector<bool> firsts(size_ / 8);
    for (size_t i = 0; i < out_.chains.size(); i += XtWalk::kChainWords) firsts[out_.chains[i + 1] / 8] = true;
    for (const uint32_t to : jumps_)
      if (to % 8 != 0 || to >= size_ || !firsts[to / 8])
        return fail("a rule jumps elsewhere than to the beginning of a chain");
    return true;
  }

  /** libiptc knows no hook but at a chain of its own; and it takes a builtin chain for one with a head. */
  bool check_hooks() {
    uint32_t hooks = 0;
    for (size_t i = 0; i < out_.chains.size(); i += XtWalk::kChainWords) {
      if (out_.chains[i + 3] == XtWalk::kUserChain) continue;
      hooks |= 1u << out_.chains[i + 3];
      if (std::find(jumps_.begin(), jumps_.end(), out_.chains[i + 1]) != jumps_.end())
        out_.unwritable = "a rule jumps to a builtin chain";
    }
    return hooks == info_.valid_hooks || fail("a builtin chain is missing");
  }

  bool begin(size_t first, uint32_t hook, size_t name) {
    if (!end_chain()) return false;
    if (hook == XtWalk::kUserChain) {
      user_chains_ = true;
    } else if (user_chains_) {
      // It would seek user chains in an order that they don't have.
      out_.unwritable = "a builtin chain lies behind a user chain";
    }
    const auto row = static_cast<uint32_t>(out_.offsets.size());
    out_.chains.insert(out_.chains.end(), {row, static_cast<uint32_t>(first), 0, hook, static_cast<uint32_t>(name)});
    return true;
  }

  /** The last entry of each chain is no rule: a builtin chain's policy, a user chain's RETURN. */
  bool end_chain() {
    if (chains() == 0) return true;
    uint32_t* words = &out_.chains[out_.chains.size() - XtWalk::kChainWords];
    if (words[0] == out_.offsets.size()) return fail("a chain has no end");
    words[2] = out_.offsets.back();
    if (!is_foot(words[2], words[3] == XtWalk::kUserChain)) return fail("a chain ends with a rule");
    if (words[3] != XtWalk::kUserChain && words[2] != info_.underflow[words[3]])
      return fail("a builtin chain has no policy");
    out_.offsets.pop_back();
    out_.packets.pop_back();
    out_.bytes.pop_back();
    out_.chain.pop_back();
    return true;
  }

  /** libiptc takes the last entry of each chain away and writes one anew, unconditional: a policy, or RETURN. */
  bool is_foot(size_t at, bool user) const {
    Entry entry;
    std::memcpy(&entry, entries_ + at, sizeof entry);
    static constexpr uint8_t kAny[kXtBase<Entry>] = {};
    if (entry.target_offset != sizeof entry || std::memcmp(entries_ + at, kAny, sizeof kAny) != 0) return false;
    if (entries_[at + sizeof entry + kXtExtensionName] != '\0') return false;
    const int number = verdict(at + sizeof entry);
    return user ? number == XT_RETURN : number == kAccept || number == kDrop;
  }

  /** All but the kernel's own words and the counters. */
  void digest(size_t at, const Entry& entry) {
    const uint64_t hash = ContentHash()
                              .add(entries_ + at, kXtBase<Entry>)
                              .add(entries_ + at + sizeof entry, entry.next_offset - sizeof entry)
                              .value();
    one_.add(hash).add(entry.target_offset);
    two_.add(hash).add(entry.target_offset);
  }
  void end_digest() {
    for (auto* digest : {&one_, &two_}) {
      digest->add(info_.valid_hooks);
      for (size_t hook = 0; hook < kHooks; ++hook)
        if ((info_.valid_hooks & (1u << hook)) != 0) digest->add(info_.hook_entry[hook]).add(info_.underflow[hook]);
    }
    out_.digest = {one_.value(), two_.value()};
  }

  const XtInfo& info_;
  uint8_t* entries_;
  const size_t size_;
  XtWalk& out_;
  bool user_chains_ = false;
  /** Where jumps lead. */
  std::vector<uint32_t> jumps_;
  ContentHash one_{1};
  ContentHash two_{2};
};

/** Where a chain's first entry lies, which is what a jump holds, and what the chain is. */
using JumpTargets = std::vector<std::pair<uint32_t, uint64_t>>;

JumpTargets jump_targets(const XtWalk& walk, const uint8_t* entries) {
  JumpTargets targets;
  targets.reserve(walk.chains.size() / XtWalk::kChainWords);
  for (size_t i = 0; i < walk.chains.size(); i += XtWalk::kChainWords) {
    const uint32_t* words = &walk.chains[i];
    ContentHash hash;
    if (words[3] == XtWalk::kUserChain) {
      const auto* name = reinterpret_cast<const char*>(entries + words[4]);
      hash.add(name, ::strnlen(name, XT_FUNCTION_MAXNAMELEN));
    }
    targets.emplace_back(words[1], hash.add(words[3]).value());
  }
  std::sort(targets.begin(), targets.end());
  return targets;
}

template <typename Entry>
uint64_t content(const uint8_t* entries, size_t at, const JumpTargets& targets) {
  Entry entry;
  std::memcpy(&entry, entries + at, sizeof entry);
  ContentHash hash;
  hash.add(entries + at, kXtBase<Entry>);
  const size_t target = at + entry.target_offset;
  hash.add(entries + at + sizeof entry, entry.target_offset - sizeof entry);
  const size_t length = entry.next_offset - entry.target_offset;
  const char* name = reinterpret_cast<const char*>(entries + target + kXtExtensionName);
  int verdict = -1;
  if (name[0] == '\0' && length >= sizeof(xt_standard_target)) {
    std::memcpy(&verdict, entries + target + offsetof(xt_standard_target, verdict), sizeof verdict);
  }
  // The offset of a jump moves with the rules before it; the chain's name does not. That of the next entry says
  // nothing.
  if (verdict < 0) return hash.add(entries + target, length).value();
  const auto found =
      std::lower_bound(targets.begin(), targets.end(), std::pair(static_cast<uint32_t>(verdict), uint64_t{0}));
  const bool jump = found != targets.end() && found->first == static_cast<uint32_t>(verdict);
  return hash.add(jump ? found->second : 0).value();
}

}  // namespace

XtWalk walk_xt_table(XtFamily family, const XtInfo& info, uint8_t* entries, size_t size) {
  XtWalk walk;
  if (family == XtFamily::kIp) {
    Walker<ipt_entry>(info, entries, size, walk).run();
  } else {
    Walker<ip6t_entry>(info, entries, size, walk).run();
  }
  return walk;
}

std::vector<uint64_t> xt_contents(XtFamily family, const XtWalk& walk, const uint8_t* entries) {
  const auto targets = jump_targets(walk, entries);
  const auto of = family == XtFamily::kIp ? content<ipt_entry> : content<ip6t_entry>;
  std::vector<uint64_t> contents;
  contents.reserve(walk.offsets.size());
  for (const uint32_t at : walk.offsets) contents.push_back(of(entries, at, targets));
  return contents;
}

}  // namespace nflink
