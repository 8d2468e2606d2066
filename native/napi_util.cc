// Node-API helpers.
#include "napi_util.h"

#include <cmath>
#include <cstring>
#include <iterator>

namespace nflink::js {
namespace {

/** Below this a copy is cheaper than what Node does to track an external buffer. */
constexpr size_t kCopyBelow = 16 * 1024;

void free_external(napi_env, void* data, void* mapped) { Free{reinterpret_cast<size_t>(mapped)}(data); }

}  // namespace

// ---- objects out

Object::Object(napi_env env) : env_(env) {
  if (napi_create_object(env, &object_) != napi_ok) object_ = nullptr;
}

Object& Object::set(const char* key, napi_value value) {
  if (object_ == nullptr) return *this;
  if (value == nullptr || napi_set_named_property(env_, object_, key, value) != napi_ok) object_ = nullptr;
  return *this;
}

Object& Object::set(const char* key, double number) {
  napi_value value = nullptr;
  if (napi_create_double(env_, number, &value) != napi_ok) value = nullptr;
  return set(key, value);
}

Object& Object::set(const char* key, bool flag) {
  napi_value value = nullptr;
  if (napi_get_boolean(env_, flag, &value) != napi_ok) value = nullptr;
  return set(key, value);
}

Object& Object::set(const char* key, std::string_view text) {
  napi_value value = nullptr;
  if (napi_create_string_utf8(env_, text.data(), text.size(), &value) != napi_ok) value = nullptr;
  return set(key, value);
}

Object& Object::set(const char* key, const Failure& failure) {
  return set(key, Object(env_).set("call", failure.call).set("errno", static_cast<double>(failure.error)).value());
}

napi_value strings(napi_env env, const std::vector<std::string>& texts) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, texts.size(), &array) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < texts.size(); ++i) {
    napi_value text = nullptr;
    if (napi_create_string_utf8(env, texts[i].data(), texts[i].size(), &text) != napi_ok ||
        napi_set_element(env, array, i, text) != napi_ok) {
      return nullptr;
    }
  }
  return array;
}

napi_value typed_array(napi_env env, napi_typedarray_type type, const void* elements, size_t count, size_t size) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, count * size, &data, &buffer) != napi_ok) return nullptr;
  if (count > 0) std::memcpy(data, elements, count * size);
  if (napi_create_typedarray(env, type, count, buffer, 0, &array) != napi_ok) return nullptr;
  return array;
}

napi_value array_buffer(napi_env env, ByteBuffer bytes, Form form) {
  const size_t length = bytes.size();
  napi_value buffer = nullptr;
  if (form == Form::kPromise && length >= kCopyBelow) {
    OwnedBytes memory = bytes.release();
    void* mapped = reinterpret_cast<void*>(memory.get_deleter().mapped);
    const napi_status status =
        napi_create_external_arraybuffer(env, memory.get(), length, free_external, mapped, &buffer);
    // napi_generic_failure comes after Node has taken the memory and will finalize it (v8impl::BufferFinalizer in
    // node/src/node_api.cc); every other failure comes before.
    if (status == napi_ok || status == napi_generic_failure) static_cast<void>(memory.release());
    if (status == napi_ok) return buffer;
    if (status != napi_no_external_buffers_allowed) return nullptr;
    void* data = nullptr;
    if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return nullptr;
    std::memcpy(data, memory.get(), length);
    return buffer;
  }
  void* data = nullptr;
  if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return nullptr;
  if (length > 0) std::memcpy(data, bytes.data(), length);
  return buffer;
}

// ---- arguments in

void throw_type_error(napi_env env, const std::string& message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message.c_str());
}

void throw_range_error(napi_env env, const std::string& message) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message.c_str());
}

void throw_error(napi_env env, const std::string& message) { napi_throw_error(env, nullptr, message.c_str()); }

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  size_t count = kMost;
  ok_ = napi_get_cb_info(env, info, &count, values_, &self_, nullptr) == napi_ok;
}

void Arguments::fail(const char* name, const char* expected) {
  // The first complaint stands; Node-API refuses to throw a second one anyway.
  if (std::exchange(ok_, false)) throw_type_error(env_, std::string(name) + " must be " + expected);
}

uint32_t Arguments::number(size_t position, const char* name, uint32_t most) {
  double value = 0;
  if (!ok_) return 0;
  if (napi_get_value_double(env_, values_[position], &value) != napi_ok) {
    fail(name, "a number");
    return 0;
  }
  if (!(value >= 0 && value <= most) || value != std::floor(value)) {
    ok_ = false;
    throw_range_error(env_, std::string(name) + " must be a whole number from 0 to " + std::to_string(most));
    return 0;
  }
  return static_cast<uint32_t>(value);
}

Arguments::Bytes Arguments::bytes(size_t position, const char* name) {
  Bytes bytes;
  void* data = nullptr;
  napi_typedarray_type type{};
  bool is_array = false;
  if (!ok_) return {};
  if (napi_is_typedarray(env_, values_[position], &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env_, values_[position], &type, &bytes.length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    fail(name, "a Uint8Array");
    return {};
  }
  bytes.data = static_cast<const uint8_t*>(data);
  return bytes;
}

Arguments::Words Arguments::words(size_t position, const char* name) {
  Words words;
  void* data = nullptr;
  napi_typedarray_type type{};
  bool is_array = false;
  if (!ok_) return {};
  if (napi_is_typedarray(env_, values_[position], &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env_, values_[position], &type, &words.length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint32_array) {
    fail(name, "a Uint32Array");
    return {};
  }
  words.data = static_cast<const uint32_t*>(data);
  return words;
}

std::string Arguments::string(size_t position, const char* name) {
  size_t length = 0;
  if (!ok_) return {};
  if (napi_get_value_string_utf8(env_, values_[position], nullptr, 0, &length) != napi_ok) {
    fail(name, "a string");
    return {};
  }
  std::string text(length, '\0');
  if (napi_get_value_string_utf8(env_, values_[position], text.data(), length + 1, &length) != napi_ok ||
      text.find('\0') != std::string::npos) {
    fail(name, "a string without NUL");
    return {};
  }
  return text;
}

// ---- objects of ours

namespace {

constexpr char kAnchor = 0;

/** The address sets apart the copies of the addon that may live in this process. */
napi_type_tag type_tag(Wrapped kind) { return {static_cast<uint64_t>(kind), reinterpret_cast<uintptr_t>(&kAnchor)}; }

}  // namespace

bool wrap(napi_env env, napi_value object, Wrapped kind, void* data, napi_finalize finalize) {
  const napi_type_tag tag = type_tag(kind);
  return napi_type_tag_object(env, object, &tag) == napi_ok &&
         napi_wrap(env, object, data, finalize, nullptr, nullptr) == napi_ok;
}

void* unwrap(napi_env env, napi_value self, Wrapped kind, const char* complaint) {
  const napi_type_tag tag = type_tag(kind);
  bool ours = false;
  void* data = nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, self, &type) == napi_ok && type == napi_object &&
      napi_check_object_type_tag(env, self, &tag, &ours) == napi_ok && ours &&
      napi_unwrap(env, self, &data) == napi_ok && data != nullptr) {
    return data;
  }
  throw_type_error(env, complaint);
  return nullptr;
}

// ---- verbs

namespace {

/** What an environment keeps: Node's instance data, so nothing is shared between workers. */
struct Environment {
  napi_ref promise = nullptr;   // the Promise constructor
  napi_ref executor = nullptr;  // the function each promise is constructed with
  napi_ref resolve = nullptr;   // on its way from the executor to Deferred::create
  std::shared_ptr<EventHub> event_hub;
};

Environment* environment_of(napi_env env) {
  void* data = nullptr;
  return napi_get_instance_data(env, &data) == napi_ok ? static_cast<Environment*>(data) : nullptr;
}

void finalize_environment(napi_env env, void* data, void*) {
  const std::unique_ptr<Environment> environment(static_cast<Environment*>(data));
  for (napi_ref reference : {environment->promise, environment->executor, environment->resolve}) {
    if (reference != nullptr) napi_delete_reference(env, reference);
  }
}

/** `new Promise(execute)` calls this at once with (resolve, reject). */
napi_value execute(napi_env env, napi_callback_info info) {
  napi_value arguments[1] = {};
  size_t count = std::size(arguments);
  Environment* environment = environment_of(env);
  if (environment != nullptr && environment->resolve == nullptr &&
      napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok) {
    napi_create_reference(env, arguments[0], 1, &environment->resolve);
  }
  return nullptr;
}

/** A rejected promise, of the pending exception if there is one; resolving with it rejects. */
napi_value rejection(napi_env env) {
  napi_value error = nullptr;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) {
    if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return nullptr;
  } else {
    napi_value message = nullptr;
    if (napi_create_string_latin1(env, "nflink: out of memory", NAPI_AUTO_LENGTH, &message) != napi_ok ||
        napi_create_error(env, nullptr, message, &error) != napi_ok) {
      return nullptr;
    }
  }
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) return nullptr;
  return napi_reject_deferred(env, deferred, error) == napi_ok ? promise : nullptr;
}

}  // namespace

std::shared_ptr<EventHub>* event_hub(napi_env env) {
  Environment* environment = environment_of(env);
  return environment == nullptr ? nullptr : &environment->event_hub;
}

bool initialize(napi_env env) {
  auto environment = std::make_unique<Environment>();
  napi_value global = nullptr;
  napi_value constructor = nullptr;
  napi_value executor = nullptr;
  if (napi_get_global(env, &global) != napi_ok ||
      napi_get_named_property(env, global, "Promise", &constructor) != napi_ok ||
      napi_create_function(env, nullptr, 0, execute, nullptr, &executor) != napi_ok ||
      napi_create_reference(env, constructor, 1, &environment->promise) != napi_ok ||
      napi_create_reference(env, executor, 1, &environment->executor) != napi_ok ||
      napi_set_instance_data(env, environment.get(), finalize_environment, nullptr) != napi_ok) {
    return false;
  }
  static_cast<void>(environment.release());  // finalize_environment owns it
  return true;
}

napi_value Deferred::create(napi_env env) {
  Environment* environment = environment_of(env);
  napi_value constructor = nullptr;
  napi_value executor = nullptr;
  napi_value promise = nullptr;
  if (environment == nullptr || napi_get_reference_value(env, environment->promise, &constructor) != napi_ok ||
      napi_get_reference_value(env, environment->executor, &executor) != napi_ok) {
    return nullptr;
  }
  const napi_status status = napi_new_instance(env, constructor, 1, &executor, &promise);
  resolve_ = std::exchange(environment->resolve, nullptr);
  if (status == napi_ok && resolve_ != nullptr) return promise;
  if (resolve_ != nullptr) napi_delete_reference(env, std::exchange(resolve_, nullptr));
  return nullptr;
}

void Deferred::settle(napi_env env, napi_value value) {
  if (resolve_ == nullptr) return;
  if (value == nullptr) value = rejection(env);
  napi_value undefined = nullptr;
  napi_value resolve = nullptr;
  if (value != nullptr && napi_get_undefined(env, &undefined) == napi_ok &&
      napi_get_reference_value(env, resolve_, &resolve) == napi_ok) {
    napi_call_function(env, undefined, resolve, 1, &value, nullptr);
  }
  napi_delete_reference(env, std::exchange(resolve_, nullptr));
}

}  // namespace nflink::js
