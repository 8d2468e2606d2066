// The methods of a connection that are about legacy tables.
#include "addon_xt.h"

#include <cerrno>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "addon_connection.h"
#include "netns.h"
#include "xt_commit.h"
#include "xt_table.h"

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

// ---- read

napi_value read_value(napi_env env, XtReadReply& reply, Form form) {
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  object.set("missing", reply.missing).set("unlocked", reply.unlocked);
  if (reply.missing) return object.value();
  std::vector<uint32_t> hooks{reply.info.valid_hooks};
  hooks.insert(hooks.end(), reply.info.hook_entry.begin(), reply.info.hook_entry.end());
  hooks.insert(hooks.end(), reply.info.underflow.begin(), reply.info.underflow.end());
  return object.set("entries", static_cast<double>(reply.info.entries))
      .set("hooks", js::typed_array(env, hooks))
      .set("data", js::array_buffer(env, std::move(reply.data), form))
      .value();
}

// ---- commit

napi_value commit_value(napi_env env, XtCommitReply& reply, Form) {
  Object object(env);
  if (reply.failure) {
    const char* state = reply.state == XtCommitReply::State::kApplied   ? "applied"
                        : reply.state == XtCommitReply::State::kUnknown ? "unknown"
                                                                        : "not-applied";
    return object.set("failure", *reply.failure).set("state", state).value();
  }
  object.set("busy", reply.busy).set("missing", reply.missing).set("done", js::typed_array(env, reply.done));
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

napi_value xt_read_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  const auto family = family_of(arguments.number(0, "family", kIp6));
  const auto table = table_name(env, arguments, 1);
  const auto lock_path = arguments.string(2, "lockPath");
  if (!arguments.ok() || table.empty()) return nullptr;
  return start<XtReadReply>(
      env, arguments, form, connection, Part::kDump, "read",
      [family, table, lock_path] { return read_xt_table(family, table, lock_path); }, read_value);
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
  if (!arguments.ok() || request.table.empty()) return nullptr;
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
