// Node-API helpers: arguments in, objects out, and one verb behind both its `x` (promise) and its `xSync` form.
//
// While a worker is terminated or the process exits, any Node-API call may fail. Nothing here relies on success: a
// failed call leaves a null napi_value, and memory is freed all the same.
#pragma once

#include <node_api.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "byte_buffer.h"
#include "failure.h"

namespace nflink {
class EventHub;
}

namespace nflink::js {

/** How a verb was called. */
enum class Form { kSync, kPromise };

// ---- objects out

/** Builds an object; the first failing call makes value() null. */
class Object {
 public:
  explicit Object(napi_env env);

  Object& set(const char* key, napi_value value);
  Object& set(const char* key, double value);
  Object& set(const char* key, bool value);
  Object& set(const char* key, std::string_view value);
  Object& set(const char* key, const char* value) { return set(key, std::string_view(value)); }
  Object& set(const char* key, const Failure& failure);

  napi_value value() const { return object_; }

 private:
  napi_env env_;
  napi_value object_ = nullptr;
};

napi_value strings(napi_env env, const std::vector<std::string>& texts);

/** A typed array with a copy of `count` elements. */
napi_value typed_array(napi_env env, napi_typedarray_type type, const void* elements, size_t count, size_t size);

template <typename Element>
napi_value typed_array(napi_env env, const std::vector<Element>& elements) {
  constexpr auto type = std::is_same_v<Element, uint8_t>    ? napi_uint8_array
                        : std::is_same_v<Element, uint32_t> ? napi_uint32_array
                                                            : napi_biguint64_array;
  static_assert(std::is_same_v<Element, uint8_t> || std::is_same_v<Element, uint32_t> ||
                std::is_same_v<Element, uint64_t>);
  return typed_array(env, type, elements.data(), elements.size(), sizeof(Element));
}

/**
 * An ArrayBuffer of the bytes. In the promise form large ones are taken over without copying. Node frees such memory in
 * a turn of the event loop after its collection, so a loop of sync calls would never get it back: there it is copied.
 */
napi_value array_buffer(napi_env env, ByteBuffer bytes, Form form);

// ---- arguments in

void throw_type_error(napi_env env, const std::string& message);
void throw_range_error(napi_env env, const std::string& message);
void throw_error(napi_env env, const std::string& message);

/** The arguments of one call. A getter that fails has thrown; ok() tells. */
class Arguments {
 public:
  static constexpr size_t kMost = 6;

  Arguments(napi_env env, napi_callback_info info);

  bool ok() const { return ok_; }
  napi_value self() const { return self_; }
  napi_value at(size_t position) const { return values_[position]; }

  /** A whole number from 0 to `most`. */
  uint32_t number(size_t position, const char* name, uint32_t most);
  struct Bytes {
    const uint8_t* data = nullptr;
    size_t length = 0;
  };
  Bytes bytes(size_t position, const char* name);
  struct Words {
    const uint32_t* data = nullptr;
    size_t length = 0;
  };
  Words words(size_t position, const char* name);
  /** A string without NUL. */
  std::string string(size_t position, const char* name);

 private:
  void fail(const char* name, const char* expected);

  napi_env env_;
  napi_value self_ = nullptr;
  napi_value values_[kMost] = {};
  bool ok_ = false;
};

// ---- functions and objects of ours

using Verb = napi_value (*)(napi_env, Arguments&, Form);

/** Where Node enters: no C++ exception may leave. */
template <Verb verb, Form form>
napi_value entry(napi_env env, napi_callback_info info) noexcept {
  try {
    Arguments arguments(env, info);
    if (!arguments.ok()) return nullptr;
    return verb(env, arguments, form);
  } catch (...) {
    // Only std::bad_alloc comes this far. No std::string here: it might throw again.
    napi_throw_error(env, nullptr, "nflink: out of memory");
    return nullptr;
  }
}

inline napi_property_descriptor method(const char* name, napi_callback callback, napi_property_attributes attributes) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, attributes, nullptr};
}

/** The kinds of object we wrap. */
enum class Wrapped : uint64_t { kConnection = 0x6e666c696e6b2d31, kEventSource };

/** Marks `object` as one of ours and ties `data` to it. On success `finalize` owns the data. */
bool wrap(napi_env env, napi_value object, Wrapped kind, void* data, napi_finalize finalize);

/** What `self` wraps; null, and a TypeError thrown, when it is not of that kind. */
void* unwrap(napi_env env, napi_value self, Wrapped kind, const char* complaint);

/** The place where event_source.cc keeps the environment's hub, which goes with it; null when the environment is
 * ending.
 */
std::shared_ptr<EventHub>* event_hub(napi_env env);

// ---- verbs

/** Sets up what promises need, once per environment. False, with an exception pending, when that fails. */
bool initialize(napi_env env);

/**
 * The promise of one verb. Not a napi_deferred: Node frees that only when it can run JavaScript, and so leaks it for
 * each call that a terminated worker leaves unfinished.
 */
class Deferred {
 public:
  Deferred() = default;
  /** A promise to return to JavaScript; null when that fails. */
  napi_value create(napi_env env);
  /** Resolves with `value`, or rejects with the pending exception when value is null. */
  void settle(napi_env env, napi_value value);

 private:
  napi_ref resolve_ = nullptr;
};

/** The reply of `work`, lack of memory included. */
template <typename Work>
auto run_guarded(Work& work) noexcept -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    decltype(work()) reply{};
    reply.failure = Failure{"malloc", ENOMEM};
    return reply;
  } catch (...) {
    decltype(work()) reply{};
    reply.failure = Failure{"malloc", ENOTRECOVERABLE};
    return reply;
  }
}

/** `convert(env, reply, form)` without letting a C++ exception out; null when it failed. */
template <typename Reply, typename Convert>
napi_value convert_guarded(napi_env env, Form form, Reply& reply, Convert& convert) noexcept {
  try {
    return convert(env, reply, form);
  } catch (...) {
    return nullptr;
  }
}

/** One call of a promise verb on its way through libuv's pool. */
template <typename Work, typename Convert>
class Task {
 public:
  static napi_value start(napi_env env, napi_value keep_alive, Work work, Convert convert) {
    auto task = std::make_unique<Task>(std::move(work), std::move(convert));
    napi_value name = nullptr;
    napi_value promise = nullptr;
    if (napi_create_string_latin1(env, "nflink", NAPI_AUTO_LENGTH, &name) != napi_ok) return nullptr;
    if (napi_create_async_work(env, nullptr, name, execute, complete, task.get(), &task->handle_) != napi_ok) {
      return nullptr;
    }
    // The object must not be collected, and so closed, while it works. Without the reference it merely might be.
    if (keep_alive != nullptr) napi_create_reference(env, keep_alive, 1, &task->keep_alive_);
    promise = task->deferred_.create(env);
    if (promise == nullptr || napi_queue_async_work(env, task->handle_) != napi_ok) {
      task->clean_up(env);
      if (promise != nullptr) task->deferred_.settle(env, nullptr);
      return promise;
    }
    static_cast<void>(task.release());  // complete() owns it from here on
    return promise;
  }

  Task(Work work, Convert convert) : work_(std::move(work)), convert_(std::move(convert)) {}

 private:
  using Reply = std::invoke_result_t<Work&>;

  static void execute(napi_env, void* data) {
    auto* task = static_cast<Task*>(data);
    task->reply_ = run_guarded(*task->work_);
  }

  static void complete(napi_env env, napi_status, void* data) {
    const std::unique_ptr<Task> task(static_cast<Task*>(data));
    task->clean_up(env);
    if (!task->reply_) {
      task->reply_.emplace();
      task->reply_->failure = Failure{"uv_queue_work", ECANCELED};
    }
    task->deferred_.settle(env, convert_guarded(env, Form::kPromise, *task->reply_, task->convert_));
  }

  void clean_up(napi_env env) {
    work_.reset();  // ends its lease, on the JavaScript thread, before anybody hears of the reply
    if (handle_ != nullptr) napi_delete_async_work(env, std::exchange(handle_, nullptr));
    if (keep_alive_ != nullptr) napi_delete_reference(env, std::exchange(keep_alive_, nullptr));
  }

  std::optional<Work> work_;
  Convert convert_;
  std::optional<Reply> reply_;
  napi_async_work handle_ = nullptr;
  Deferred deferred_;
  napi_ref keep_alive_ = nullptr;
};

/**
 * A verb: `work()` makes a plain value with a `failure` member, on a pool thread in the promise form and here in the
 * sync form; `convert(env, value, form)` makes it JavaScript's. `keep_alive` stays reachable meanwhile.
 */
template <typename Work, typename Convert>
napi_value perform(napi_env env, Form form, napi_value keep_alive, Work work, Convert convert) {
  if (form == Form::kPromise) return Task<Work, Convert>::start(env, keep_alive, std::move(work), std::move(convert));
  auto reply = run_guarded(work);
  return convert_guarded(env, form, reply, convert);
}

/** The end of a verb that failed before there was work to do. */
template <typename Reply, typename Convert>
napi_value refuse(napi_env env, Form form, Failure failure, Convert convert) {
  Reply reply{};
  reply.failure = failure;
  napi_value value = convert_guarded(env, form, reply, convert);
  if (form == Form::kSync) return value;
  Deferred deferred;
  napi_value promise = deferred.create(env);
  if (promise != nullptr) deferred.settle(env, value);
  return promise;
}

}  // namespace nflink::js
