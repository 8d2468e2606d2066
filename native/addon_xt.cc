// The methods of a connection that are about legacy tables.
#include "addon_xt.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "addon_connection.h"
#include "netns.h"
#include "xt_commit.h"
#include "xt_table.h"
#include "xt_walk.h"

namespace nflink {
namespace {

using js::Arguments;
using js::Form;
using js::Object;

/** Bits of xtCommit's first argument, beside the family: see lib/native.ts. */
constexpr uint32_t kIp6 = 1;
constexpr uint32_t kCreate = 2;
constexpr uint32_t kDryRun = 4;

XtFamily family_of(uint32_t bits) { return (bits & kIp6) == 0 ? XtFamily::kIp : XtFamily::kIp6; }

/** A table's name; what is too long is none of the kernel's. */
std::string table_name(napi_env env, Arguments& arguments, size_t position) {
  std::string name = arguments.string(position, "table");
  if (arguments.ok() && (name.empty() || name.size() > kLongestXtTable)) {
    js::throw_range_error(env, "the name of a table has 1 to 31 bytes");
    name.clear();
  }
  return name;
}

/** `work` in the connection's namespace: on a thread of ours there, or right here where it is the process's own. */
template <typename Reply, typename Work>
Reply run_there(const UniqueFd& namespace_fd, Work work) {
  if (!namespace_fd) return work();
  Reply reply;
  bool lacks_memory = false;
  const auto failure = netns::run_in(namespace_fd.get(), [&]() noexcept -> MaybeFailure {
    try {
      reply = work();
    } catch (...) {
      lacks_memory = true;
    }
    return std::nullopt;
  });
  if (lacks_memory) throw std::bad_alloc();
  if (failure) reply.failure = failure;
  return reply;
}

/** Starts `work` with the part's lease held and the namespace known. */
template <typename Reply, typename Work, typename Convert>
napi_value start(napi_env env, Arguments& arguments, Form form, const std::shared_ptr<Connection>& connection,
                 Part part, const char* call, Work work, Convert convert) {
  Lease lease;
  if (const int error = Lease::take(connection, part, lease)) {
    return js::refuse<Reply>(env, form, {call, error}, convert);
  }
  UniqueFd namespace_fd;
  if (const auto failure = lease->namespace_of(namespace_fd)) {
    lease.end();
    return js::refuse<Reply>(env, form, *failure, convert);
  }
  auto there = [lease = std::move(lease), namespace_fd = std::move(namespace_fd), work = std::move(work)]() mutable {
    return run_there<Reply>(namespace_fd, [&work] { return work(); });
  };
  return js::perform(env, form, arguments.self(), std::move(there), convert);
}

// ---- tables

struct TablesReply {
  MaybeFailure failure;
  std::vector<std::string> tables;
};

napi_value tables_value(napi_env env, TablesReply& reply, Form) {
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  return object.set("tables", js::strings(env, reply.tables)).value();
}

// ---- read

/** A table as read and walked; without its bytes where the caller knows what is in it. */
struct WalkedReply : XtReadReply {
  XtWalk walk;
  std::vector<uint64_t> contents;
  bool known = false;
};

XtDigest digest_of(Arguments::Bytes bytes) {
  XtDigest digest;
  std::memcpy(digest.data(), bytes.data, sizeof digest);
  return digest;
}

WalkedReply read_and_walk(XtFamily family, const std::string& table, const std::string& lock_path,
                          const std::optional<XtDigest>& known) {
  WalkedReply reply;
  static_cast<XtReadReply&>(reply) = read_xt_table(family, table, lock_path);
  if (reply.failure || reply.missing) return reply;
  reply.walk = walk_xt_table(family, reply.info, reply.data.data() + kXtHeader, reply.data.size() - kXtHeader);
  reply.known = known && reply.walk.complaint == nullptr && *known == reply.walk.digest;
  if (reply.known) {
    reply.data = ByteBuffer();
  } else if (reply.walk.complaint == nullptr) {
    reply.contents = xt_contents(family, reply.walk, reply.data.data() + kXtHeader);
  }
  return reply;
}

void set_counters(napi_env env, Object& object, const XtWalk& walk) {
  object.set("packets", js::typed_array(env, walk.packets)).set("bytes", js::typed_array(env, walk.bytes));
}
void set_structure(napi_env env, Object& object, const XtWalk& walk, const std::vector<uint64_t>& contents) {
  object.set("chains", js::typed_array(env, walk.chains))
      .set("offsets", js::typed_array(env, walk.offsets))
      .set("chain", js::typed_array(env, walk.chain))
      .set("contents", js::typed_array(env, contents))
      .set("digest", js::typed_array(env, napi_uint8_array, walk.digest.data(), sizeof walk.digest, 1));
}

napi_value read_value(napi_env env, WalkedReply& reply, Form form) {
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  object.set("missing", reply.missing).set("unlocked", reply.unlocked);
  if (reply.missing) return object.value();
  auto& walk = reply.walk;
  if (walk.complaint != nullptr) return object.set("complaint", walk.complaint).value();
  set_counters(env, object, walk);
  if (reply.known) return object.set("known", true).value();
  set_structure(env, object.set("known", false), walk, reply.contents);
  return object.set("data", js::array_buffer(env, std::move(reply.data), form)).value();
}

// ---- commit

napi_value commit_value(napi_env env, XtCommitReply& reply, Form) {
  Object object(env);
  if (reply.failure) {
    const char* state = reply.state == XtCommitReply::State::kApplied   ? "applied"
                        : reply.state == XtCommitReply::State::kUnknown ? "unknown"
                        : reply.state == XtCommitReply::State::kUnseen  ? "unseen"
                                                                        : "not-applied";
    return object.set("failure", *reply.failure).set("state", state).value();
  }
  if (reply.complaint != nullptr) return object.set("complaint", reply.complaint).value();
  if (reply.unwritable != nullptr) return object.set("unwritable", reply.unwritable).value();
  object.set("busy", reply.busy).set("missing", reply.missing).set("outdated", reply.outdated);
  object.set("done", js::typed_array(env, reply.done));
  if (reply.refusal) {
    const auto refusal = Object(env)
                             .set("index", static_cast<double>(reply.refusal->index))
                             .set("reason", reply.refusal->reason)
                             .set("errno", static_cast<double>(reply.refusal->error))
                             .value();
    object.set("refusal", refusal);
  }
  return object.value();
}

// ---- revision

napi_value revision_value(napi_env env, XtRevisionReply& reply, Form) {
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  return object.set("found", reply.found).value();
}

}  // namespace

napi_value xt_tables_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  const auto family = family_of(arguments.number(0, "family", kIp6));
  if (!arguments.ok()) return nullptr;
  return start<TablesReply>(
      env, arguments, form, connection, Part::kDump, "tables",
      [family] {
        TablesReply reply;
        reply.failure = list_xt_tables(family, reply.tables);
        return reply;
      },
      tables_value);
}

napi_value xt_read_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  const auto family = family_of(arguments.number(0, "family", kIp6));
  const auto table = table_name(env, arguments, 1);
  const auto lock_path = arguments.string(2, "lockPath");
  const auto digest = arguments.bytes(3, "known");
  if (!arguments.ok() || table.empty()) return nullptr;
  std::optional<XtDigest> known;
  if (digest.length == sizeof(XtDigest)) known = digest_of(digest);
  return start<WalkedReply>(
      env, arguments, form, connection, Part::kDump, "read",
      [family, table, lock_path, known] { return read_and_walk(family, table, lock_path, known); }, read_value);
}

napi_value xt_walk_verb(napi_env env, Arguments& arguments, Form) {
  const auto family = family_of(arguments.number(0, "family", kIp6));
  const auto hooks = arguments.words(1, "hooks");
  const auto bytes = arguments.bytes(2, "entries");
  if (!arguments.ok()) return nullptr;
  constexpr size_t kHooks = std::tuple_size_v<decltype(XtInfo::hook_entry)>;
  if (hooks.length != 1 + 2 * kHooks || bytes.length > UINT32_MAX) {
    js::throw_range_error(env, "hooks must be valid_hooks, hook_entry[5] and underflow[5]");
    return nullptr;
  }
  XtInfo info{.valid_hooks = hooks.data[0]};
  std::copy_n(hooks.data + 1, kHooks, info.hook_entry.begin());
  std::copy_n(hooks.data + 1 + kHooks, kHooks, info.underflow.begin());
  std::vector<uint8_t> entries(bytes.data, bytes.data + bytes.length);
  const auto walk = walk_xt_table(family, info, entries.data(), entries.size());
  Object object(env);
  if (walk.complaint != nullptr) return object.set("complaint", walk.complaint).value();
  set_counters(env, object, walk);
  set_structure(env, object, walk, xt_contents(family, walk, entries.data()));
  return object.value();
}

napi_value xt_commit_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  const uint32_t bits = arguments.number(0, "family", kIp6 | kCreate | kDryRun);
  XtCommitRequest request{.family = family_of(bits), .table = table_name(env, arguments, 1)};
  request.create = (bits & kCreate) != 0;
  request.dry_run = (bits & kDryRun) != 0;
  request.lock_path = arguments.string(2, "lockPath");
  const auto words = arguments.words(3, "words");
  const auto bytes = arguments.bytes(4, "bytes");
  const auto expected = arguments.bytes(5, "expected");
  if (!arguments.ok() || request.table.empty()) return nullptr;
  if (expected.length == 1) {
    request.expected.absent = true;
  } else if (expected.length == sizeof(XtDigest)) {
    request.expected.digest = digest_of(expected);
  } else if (expected.length != 0) {
    js::throw_type_error(env, "expected must be nothing, one byte or the 16 of a digest");
    return nullptr;
  }
  // Copied here, so that the worker never touches memory of JavaScript's.
  XtCommands commands;
  if (const char* complaint = commands.take(request.family, words.data, words.length, bytes.data, bytes.length)) {
    js::throw_range_error(env, complaint);
    return nullptr;
  }
  return start<XtCommitReply>(
      env, arguments, form, connection, Part::kBatch, "commit",
      [request = std::move(request), commands = std::move(commands)]() mutable { return commit_xt(request, commands); },
      commit_value);
}

napi_value xt_revision_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  const auto family = family_of(arguments.number(0, "family", kIp6));
  const bool target = arguments.number(1, "target", 1) != 0;
  const auto name = arguments.string(2, "name");
  const auto revision = static_cast<uint8_t>(arguments.number(3, "revision", UINT8_MAX));
  if (!arguments.ok()) return nullptr;
  return start<XtRevisionReply>(
      env, arguments, form, connection, Part::kDump, "revision",
      [family, target, name, revision] { return ask_xt_revision(family, target, name, revision); }, revision_value);
}

}  // namespace nflink
