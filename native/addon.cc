// What JavaScript sees: the types of lib/native.ts, and nothing else.
#include <node_api.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon_connection.h"
#include "addon_xt.h"
#include "connection.h"
#include "event_source.h"
#include "ipset_name.h"
#include "napi_util.h"
#include "netns.h"
#include "nft_batch.h"
#include "nft_bytecode.h"
#include "nft_dump.h"
#include "nft_events.h"
#include "nft_request.h"

namespace nflink {
namespace {

using js::Arguments;
using js::entry;
using js::Form;
using js::method;
using js::Object;

/** nlmsghdr's length is 32 bits, but a request's attributes never come near this. */
constexpr size_t kLongestRequest = 64 * 1024;
constexpr size_t kMostParts = 1'000'000;

/** Bits of subscribe's groups. */
constexpr uint32_t kCommits = 1;
constexpr uint32_t kTraces = 2;

// ---- connections

napi_value errors_value(napi_env env, const std::vector<OperationError>& errors) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, errors.size(), &array) != napi_ok) return nullptr;
  for (size_t i = 0; i < errors.size(); ++i) {
    // A batch can have tens of thousands: their handles must not pile up.
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return nullptr;
    const auto& error = errors[i];
    Object object(env);
    object.set("index", static_cast<double>(error.index)).set("errno", static_cast<double>(error.error));
    if (error.message) object.set("message", std::string_view(*error.message));
    if (error.offset) object.set("offset", static_cast<double>(*error.offset));
    const bool stored =
        object.value() != nullptr && napi_set_element(env, array, static_cast<uint32_t>(i), object.value()) == napi_ok;
    napi_close_handle_scope(env, scope);
    if (!stored) return nullptr;
  }
  return array;
}

// ---- commit

napi_value commit_value(napi_env env, CommitReply& reply, Form form) {
  Object object(env);
  if (reply.failure) object.set("failure", *reply.failure);
  const char* first = reply.first == CommitReply::First::kError  ? "error"
                      : reply.first == CommitReply::First::kEcho ? "echo"
                                                                 : "none";
  object.set("errors", errors_value(env, reply.errors)).set("overrun", reply.overrun).set("first", first);
  if (!reply.echo_index.empty()) {
    object.set("echo", js::array_buffer(env, std::move(reply.echo), form));
    object.set("echoIndex", js::typed_array(env, reply.echo_index));
  }
  if (reply.generation) object.set("generation", static_cast<double>(*reply.generation));
  return object.value();
}

napi_value commit_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  const auto attributes = arguments.bytes(0, "attributes");
  const auto operations = arguments.words(1, "operations");
  const uint32_t flags = arguments.number(2, "flags", UINT32_MAX);
  const uint32_t generation = arguments.number(3, "generation", UINT32_MAX);
  if (!arguments.ok()) return nullptr;

  Lease lease;
  if (const int error = Lease::take(connection, Part::kBatch, lease)) {
    return js::refuse<CommitReply>(env, form, {"commit", error}, commit_value);
  }
  // Framing copies the arrays, so that the worker never touches memory of JavaScript's.
  Batch batch;
  try {
    const auto complaint = batch.frame(attributes.data, attributes.length, operations.data, operations.length, flags,
                                       generation, lease->batch);
    if (complaint != nullptr) {
      js::throw_range_error(env, complaint);
      return nullptr;
    }
  } catch (const std::bad_alloc&) {
    lease.end();
    return js::refuse<CommitReply>(env, form, {"malloc", ENOMEM}, commit_value);
  }
  auto work = [lease = std::move(lease), batch = std::move(batch)]() mutable {
    return commit(lease->batch, std::move(batch));
  };
  return js::perform(env, form, arguments.self(), std::move(work), commit_value);
}

// ---- dumps

void set_dump(napi_env env, Object& object, DumpReply& reply, Form form) {
  if (reply.failure) object.set("failure", *reply.failure);
  object.set("data", js::array_buffer(env, std::move(reply.data), form))
      .set("index", js::typed_array(env, reply.index))
      .set("generation16", static_cast<double>(reply.generation16))
      .set("retries", static_cast<double>(reply.retries));
}

napi_value dump_value(napi_env env, DumpReply& reply, Form form) {
  Object object(env);
  set_dump(env, object, reply, form);
  return object.value();
}

napi_value counter_value(napi_env env, CounterReply& reply, Form form) {
  Object object(env);
  set_dump(env, object, reply, form);
  return object.set("handles", js::typed_array(env, reply.handles))
      .set("packets", js::typed_array(env, reply.packets))
      .set("bytes", js::typed_array(env, reply.bytes))
      .set("counted", js::typed_array(env, reply.counted))
      .set("chain", js::typed_array(env, reply.chain))
      .set("chainFirst", js::typed_array(env, reply.chain_first))
      .set("contents", js::typed_array(env, reply.contents))
      .set("chainParts", js::typed_array(env, reply.chain_parts))
      .set("chainAttributes", js::typed_array(env, reply.chain_attributes))
      .value();
}

napi_value element_value(napi_env env, ElementReply& reply, Form form) {
  Object object(env);
  set_dump(env, object, reply, form);
  return object.set("elements", static_cast<double>(reply.elements))
      .set("packets", js::typed_array(env, reply.packets))
      .set("bytes", js::typed_array(env, reply.bytes))
      .set("offsets", js::typed_array(env, reply.offsets))
      .value();
}

/** A copy of a request's attributes; the limit is checked here. */
std::vector<uint8_t> request_attributes(napi_env env, Arguments& arguments, size_t position, bool& ok) {
  const auto bytes = arguments.bytes(position, "attributes");
  ok = arguments.ok();
  if (!ok || bytes.length == 0) return {};
  if (bytes.length > kLongestRequest) {
    ok = false;
    js::throw_range_error(env, "attributes of a request must not exceed 64 KB");
    return {};
  }
  return {bytes.data, bytes.data + bytes.length};
}

/** What goes through the socket for dumps: `run(lease)`. */
template <typename Reply, typename Run, typename Convert>
napi_value start_on_dump(napi_env env, Arguments& arguments, Form form, const std::shared_ptr<Connection>& connection,
                         const char* call, Run run, Convert convert) {
  Lease lease;
  if (const int error = Lease::take(connection, Part::kDump, lease)) {
    return js::refuse<Reply>(env, form, {call, error}, convert);
  }
  auto work = [lease = std::move(lease), run = std::move(run)]() {
    if (auto failure = lease->refresh_dump()) {
      Reply reply{};
      reply.failure = failure;
      return reply;
    }
    return run(lease);
  };
  return js::perform(env, form, arguments.self(), std::move(work), convert);
}

/** All dumps: `run` is dump, dump_counters or dump_elements. */
template <typename Reply, typename Run, typename Convert>
napi_value start_dump(napi_env env, Arguments& arguments, Form form, const std::shared_ptr<Connection>& connection,
                      DumpRequest request, Run run, Convert convert) {
  return start_on_dump<Reply>(
      env, arguments, form, connection, "dump",
      [request = std::move(request), run](const Lease& lease) { return run(lease->dump, lease->cancelled(), request); },
      convert);
}

/** Family, attributes and maxRetries, from the argument at `position` on. */
bool one_part(napi_env env, Arguments& arguments, size_t position, DumpRequest& request) {
  const auto family = static_cast<uint8_t>(arguments.number(position, "family", UINT8_MAX));
  bool ok = false;
  request.attributes = request_attributes(env, arguments, position + 1, ok);
  if (!ok) return false;
  request.parts.push_back({family, 0, static_cast<uint32_t>(request.attributes.size())});
  request.max_retries = arguments.number(position + 2, "maxRetries", UINT32_MAX);
  return arguments.ok();
}

/** DUMP_KEEP and DUMP_ACROSS_COMMITS of lib/native.ts. */
constexpr uint32_t kKeep = 1;
constexpr uint32_t kAcrossCommits = 2;
constexpr uint32_t kHowMost = kKeep | kAcrossCommits;

void set_how(DumpRequest& request, uint32_t how) {
  request.keep = (how & kKeep) != 0;
  request.across_commits = (how & kAcrossCommits) != 0;
}

napi_value dump_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  DumpRequest request;
  request.type = static_cast<uint16_t>(arguments.number(0, "type", UINT16_MAX));
  if (!one_part(env, arguments, 1, request)) return nullptr;
  return start_dump<DumpReply>(env, arguments, form, connection, std::move(request), dump, dump_value);
}

napi_value dump_elements_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  DumpRequest request;
  if (!one_part(env, arguments, 0, request)) return nullptr;
  set_how(request, arguments.number(3, "how", kHowMost));
  if (!arguments.ok()) return nullptr;
  return start_dump<ElementReply>(env, arguments, form, connection, std::move(request), dump_elements, element_value);
}

/** Two words a part, its family and where its attributes end; the start is the end before. */
bool request_parts(napi_env env, Arguments& arguments, DumpRequest& request) {
  const auto words = arguments.words(0, "parts");
  const auto bytes = arguments.bytes(1, "attributes");
  if (!arguments.ok()) return false;
  if (words.length % 2 != 0 || words.length > kMostParts * 2) {
    js::throw_range_error(env, "parts must hold two words each, and be at most a million");
    return false;
  }
  uint32_t start = 0;
  request.parts.reserve(words.length / 2);
  for (size_t i = 0; i < words.length; i += 2) {
    // Read once: what was checked is what is used.
    uint32_t part[2];
    std::memcpy(part, words.data + i, sizeof part);
    const auto [family, end] = part;
    if (family > UINT8_MAX || end < start || end > bytes.length || end - start > kLongestRequest) {
      js::throw_range_error(
          env, "a part's family exceeds 255, or its attributes lie outside the attributes or exceed 64 KB");
      return false;
    }
    request.parts.push_back({static_cast<uint8_t>(family), start, end});
    start = end;
  }
  request.attributes.assign(bytes.data, bytes.data + start);
  return true;
}

napi_value dump_counters_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  DumpRequest request;
  if (!request_parts(env, arguments, request)) return nullptr;
  request.max_retries = arguments.number(2, "maxRetries", UINT32_MAX);
  set_how(request, arguments.number(3, "how", kHowMost));
  if (!arguments.ok()) return nullptr;
  return start_dump<CounterReply>(env, arguments, form, connection, std::move(request), dump_counters, counter_value);
}

// ---- request

napi_value request_value(napi_env env, RequestReply& reply, Form form) {
  Object object(env);
  if (reply.failure) object.set("failure", *reply.failure);
  object.set("errors", errors_value(env, reply.errors));
  if (reply.data.size() > 0) object.set("data", js::array_buffer(env, std::move(reply.data), form));
  return object.value();
}

napi_value request_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  Request request;
  bool ok = false;
  request.type = static_cast<uint16_t>(arguments.number(0, "type", UINT16_MAX));
  request.family = static_cast<uint8_t>(arguments.number(1, "family", UINT8_MAX));
  request.flags = static_cast<uint16_t>(arguments.number(2, "flags", UINT16_MAX));
  request.attributes = request_attributes(env, arguments, 3, ok);
  if (!ok) return nullptr;
  if (is_dump(request.flags)) {
    js::throw_range_error(env, "flags must not ask for a dump");
    return nullptr;
  }

  return start_on_dump<RequestReply>(
      env, arguments, form, connection, "request",
      [message = std::move(request)](const Lease& lease) { return nflink::request(lease->dump, message); },
      request_value);
}

// ---- ipset

napi_value ipset_value(napi_env env, IpsetReply& reply, Form) {
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  return object.set("index", static_cast<double>(reply.index))
      .set("name", std::string_view(reply.name))
      .set("family", static_cast<double>(reply.family))
      .value();
}

napi_value ipset_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  IpsetQuery query;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, arguments.at(0), &type) != napi_ok) return nullptr;
  if (type == napi_number) {
    query = static_cast<uint16_t>(arguments.number(0, "query", UINT16_MAX));
  } else {
    query = arguments.string(0, "query");
  }
  if (!arguments.ok()) return nullptr;
  if (const auto* name = std::get_if<std::string>(&query);
      name && (name->empty() || name->size() > kLongestIpsetName)) {
    js::throw_range_error(env, "the name of an ipset has 1 to 31 bytes");
    return nullptr;
  }

  Lease lease;
  if (const int error = Lease::take(connection, Part::kIpset, lease)) {
    return js::refuse<IpsetReply>(env, form, {"ipset", error}, ipset_value);
  }
  UniqueFd namespace_fd;
  if (const auto failure = lease->ipset_namespace(namespace_fd)) {
    lease.end();
    return js::refuse<IpsetReply>(env, form, *failure, ipset_value);
  }
  auto work = [lease = std::move(lease), namespace_fd = std::move(namespace_fd), query = std::move(query)]() {
    if (auto failure = lease->refresh_ipset(namespace_fd)) {
      IpsetReply reply;
      reply.failure = failure;
      return reply;
    }
    return ask_ipset(lease->ipset.get(), query);
  };
  return js::perform(env, form, arguments.self(), std::move(work), ipset_value);
}

// ---- events

struct SubscribeReply {
  MaybeFailure failure;
  std::shared_ptr<EventStream> stream;
};

napi_value subscribe_value(napi_env env, SubscribeReply& reply, Form) {
  Object object(env);
  if (!reply.failure) {
    napi_value source = nullptr;
    reply.failure = event_source(env, std::move(reply.stream), source);
    if (!reply.failure) return object.set("source", source).value();
  }
  return object.set("failure", *reply.failure).value();
}

napi_value subscribe_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  EventStream::Options options;
  const uint32_t groups = arguments.number(0, "groups", kCommits | kTraces);
  options.commits = (groups & kCommits) != 0;
  options.traces = (groups & kTraces) != 0;
  options.receive_bytes = arguments.number(1, "receiveBytes", INT32_MAX);
  options.queue_bytes = arguments.number(2, "queueBytes", INT32_MAX);
  if (!arguments.ok()) return nullptr;
  if (connection->cancelled().load(std::memory_order_relaxed)) {
    return js::refuse<SubscribeReply>(env, form, {"subscribe", EBADF}, subscribe_value);
  }
  UniqueFd namespace_fd;
  SubscribeReply reply;
  reply.failure = connection->namespace_of(namespace_fd);
  if (!reply.failure) {
    reply.stream = std::make_shared<EventStream>();
    reply.failure = reply.stream->open(namespace_fd, options);
  }
  return subscribe_value(env, reply, form);
}

// ---- close and open

napi_value cancel_verb(napi_env env, Arguments& arguments, Form) {
  if (const auto connection = connection_of(env, arguments)) connection->cancel();
  return nullptr;
}

struct CloseReply {
  MaybeFailure failure;
};

napi_value close_value(napi_env env, CloseReply&, Form) {
  napi_value undefined = nullptr;
  return napi_get_undefined(env, &undefined) == napi_ok ? undefined : nullptr;
}

napi_value close_verb(napi_env env, Arguments& arguments, Form form) {
  const auto connection = connection_of(env, arguments);
  if (!connection) return nullptr;
  if (form == Form::kSync) {
    connection->close();
    return nullptr;
  }
  auto work = [descriptors = connection->close_later()]() mutable {
    descriptors.clear();
    return CloseReply{};
  };
  return js::perform(env, form, nullptr, std::move(work), close_value);
}

void finalize_connection(napi_env, void* data, void*) {
  const std::unique_ptr<ConnectionHolder> holder(static_cast<ConnectionHolder*>(data));
  holder->connection->close();
}

/** What stat(2) tells of the namespace: numbers that JavaScript's own stat gives as doubles too. */
napi_value namespace_value(napi_env env, const Connection::NamespaceFile& file) {
  return Object(env).set("dev", static_cast<double>(file.device)).set("ino", static_cast<double>(file.inode)).value();
}

napi_value connection_value(napi_env env, std::shared_ptr<Connection> connection) {
  Object object(env);
  object.set("portId", static_cast<double>(connection->batch.port()))
      .set("canForceBuffers", connection->batch.can_force_buffers())
      .set("maxBatchBytes", static_cast<double>(connection->batch.longest_message()));
  if (const auto& file = connection->namespace_file()) object.set("netns", namespace_value(env, *file));
  if (object.value() == nullptr) return nullptr;

  const napi_property_descriptor methods[] = {
      method("commitSync", entry<commit_verb, Form::kSync>, napi_default),
      method("commit", entry<commit_verb, Form::kPromise>, napi_default),
      method("dumpSync", entry<dump_verb, Form::kSync>, napi_default),
      method("dump", entry<dump_verb, Form::kPromise>, napi_default),
      method("dumpCountersSync", entry<dump_counters_verb, Form::kSync>, napi_default),
      method("dumpCounters", entry<dump_counters_verb, Form::kPromise>, napi_default),
      method("dumpElementsSync", entry<dump_elements_verb, Form::kSync>, napi_default),
      method("dumpElements", entry<dump_elements_verb, Form::kPromise>, napi_default),
      method("requestSync", entry<request_verb, Form::kSync>, napi_default),
      method("request", entry<request_verb, Form::kPromise>, napi_default),
      method("ipsetSync", entry<ipset_verb, Form::kSync>, napi_default),
      method("ipset", entry<ipset_verb, Form::kPromise>, napi_default),
      method("xtTablesSync", entry<xt_tables_verb, Form::kSync>, napi_default),
      method("xtTables", entry<xt_tables_verb, Form::kPromise>, napi_default),
      method("xtReadSync", entry<xt_read_verb, Form::kSync>, napi_default),
      method("xtRead", entry<xt_read_verb, Form::kPromise>, napi_default),
      method("xtCommitSync", entry<xt_commit_verb, Form::kSync>, napi_default),
      method("xtCommit", entry<xt_commit_verb, Form::kPromise>, napi_default),
      method("xtRevisionSync", entry<xt_revision_verb, Form::kSync>, napi_default),
      method("xtRevision", entry<xt_revision_verb, Form::kPromise>, napi_default),
      method("subscribe", entry<subscribe_verb, Form::kSync>, napi_default),
      method("cancel", entry<cancel_verb, Form::kSync>, napi_default),
      method("closeSync", entry<close_verb, Form::kSync>, napi_default),
      method("close", entry<close_verb, Form::kPromise>, napi_default),
  };
  if (napi_define_properties(env, object.value(), std::size(methods), methods) != napi_ok) return nullptr;

  auto holder = std::make_unique<ConnectionHolder>(ConnectionHolder{std::move(connection)});
  if (!js::wrap(env, object.value(), js::Wrapped::kConnection, holder.get(), finalize_connection)) return nullptr;
  static_cast<void>(holder.release());  // finalize_connection owns it
  return object.value();
}

struct OpenReply {
  MaybeFailure failure;
  std::shared_ptr<Connection> connection;
};

napi_value open_value(napi_env env, OpenReply& reply, Form) {
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  return object.set("connection", connection_value(env, std::move(reply.connection))).value();
}

napi_value open_verb(napi_env env, Arguments& arguments, Form form) {
  NamespaceChoice where;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, arguments.at(0), &type) != napi_ok) return nullptr;
  if (type == napi_string) {
    where = arguments.string(0, "netns");
  } else if (type == napi_number) {
    const auto descriptor = static_cast<int>(arguments.number(0, "netns", INT32_MAX));
    if (!arguments.ok()) return nullptr;
    UniqueFd copy;
    if (const auto failure = netns::duplicate(descriptor, copy)) {
      return js::refuse<OpenReply>(env, form, *failure, open_value);
    }
    where = std::move(copy);
  } else if (type != napi_null) {
    js::throw_type_error(env, "netns must be a path, a descriptor or null");
    return nullptr;
  }
  if (!arguments.ok()) return nullptr;

  auto work = [where = std::move(where)]() {
    OpenReply reply;
    auto connection = std::make_shared<Connection>();
    reply.failure = connection->open(where);
    if (!reply.failure) reply.connection = std::move(connection);
    return reply;
  };
  return js::perform(env, form, nullptr, std::move(work), open_value);
}

// ---- bytecode

napi_value bytecode_verb(napi_env env, Arguments& arguments, Form) {
  const auto family = static_cast<uint8_t>(arguments.number(0, "family", UINT8_MAX));
  const auto attributes = arguments.bytes(1, "attributes");
  if (!arguments.ok()) return nullptr;
  const auto text = bytecode(family, attributes.data, attributes.length);
  if (!text) {
    js::throw_error(env, "libnftnl can't read this rule");
    return nullptr;
  }
  napi_value value = nullptr;
  if (napi_create_string_utf8(env, text->data(), text->size(), &value) != napi_ok) return nullptr;
  return value;
}

}  // namespace
}  // namespace nflink

// Called once per environment: the main one and each worker's. Nothing is kept between them.
NAPI_MODULE_INIT() {
  using namespace nflink;
  const napi_property_descriptor functions[] = {
      method("openSync", entry<open_verb, Form::kSync>, napi_enumerable),
      method("open", entry<open_verb, Form::kPromise>, napi_enumerable),
      method("bytecode", entry<bytecode_verb, Form::kSync>, napi_enumerable),
      method("xtWalk", entry<xt_walk_verb, Form::kSync>, napi_enumerable),
  };
  try {
    if (!js::initialize(env)) return nullptr;
  } catch (...) {
    napi_throw_error(env, nullptr, "nflink: out of memory");
    return nullptr;
  }
  if (napi_define_properties(env, exports, std::size(functions), functions) != napi_ok) return nullptr;
  return exports;
}
