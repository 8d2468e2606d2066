// An event stream as JavaScript sees it.
#include "event_source.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "napi_util.h"

namespace nflink {
namespace {

using js::Arguments;
using js::Form;
using js::Object;

/** What a source object wraps. */
struct Source {
  std::shared_ptr<EventHub> hub;
  std::shared_ptr<EventStream> stream;
  napi_ref callback = nullptr;  // of the pull that is not answered yet
};

/** What take() may keep its thread from everything else for. */
constexpr uint32_t kLongestWaitMs = 1000;

napi_value batch_value(napi_env env, EventBatch& batch, Form form) {
  return Object(env)
      .set("index", js::typed_array(env, batch.index))
      .set("data", js::array_buffer(env, std::move(batch.data), form))
      .value();
}

}  // namespace

/**
 * All sources of one environment. JavaScript thread only, but for notify().
 *
 * Nothing here holds a source or its callback unless a batch was asked for: a subscription nobody reads can be
 * collected, and only one that is read keeps the event loop alive.
 */
class EventHub {
 public:
  EventHub() : thread_([this] { notify(); }) {}

  MaybeFailure start(napi_env env) {
    env_ = env;
    napi_value name = nullptr;
    if (napi_create_string_latin1(env, "nflink events", NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, deliver_all,
                                        &function_) != napi_ok ||
        napi_unref_threadsafe_function(env, function_) != napi_ok) {
      release();
      return Failure{"napi_create_threadsafe_function", ENOMEM};
    }
    auto failure = thread_.start();
    // Added after the function's own hook, so it runs before: the thread must be gone when the function goes.
    if (!failure && napi_add_env_cleanup_hook(env, stop_hook, this) != napi_ok) {
      failure = Failure{"napi_add_env_cleanup_hook", ENOMEM};
    }
    if (failure) {
      thread_.stop();
      release();
    }
    return failure;
  }

  MaybeFailure add(const std::shared_ptr<EventStream>& stream) { return thread_.add(stream); }

  /** Asks for the next batch. */
  void wait(Source& source, napi_value callback) {
    if (napi_create_reference(env_, callback, 1, &source.callback) != napi_ok) return;
    waiting_.push_back(&source);
    if (waiting_.size() == 1) napi_ref_threadsafe_function(env_, function_);
    // Never answered at once: whoever pulls in a loop lets the event loop turn.
    if (source.stream->want()) notify();
  }

  /** Ends the source; its pull is never answered. */
  void end(Source& source) {
    if (source.stream) thread_.remove(source.stream);
    source.stream.reset();
    stop_waiting(source);
  }

 private:
  /** Any thread. One call is enough for everything that is there when it arrives. */
  void notify() {
    if (!notified_.exchange(true)) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
  }

  static void deliver_all(napi_env env, napi_value, void* context, void*) {
    // Without an environment it is ending: the hook has joined the thread, and nobody is left to be told.
    if (env != nullptr) static_cast<EventHub*>(context)->deliver(env);
  }

  void deliver(napi_env env) noexcept {
    // First: what comes from now on calls again.
    notified_.store(false);
    // A callback may pull again, end sources or make new ones, so each turn begins from the list as it is.
    std::vector<Source*> turn;
    try {
      turn = waiting_;
    } catch (const std::bad_alloc&) {
      return;
    }
    for (Source* source : turn) {
      if (std::find(waiting_.begin(), waiting_.end(), source) == waiting_.end()) continue;
      napi_handle_scope scope = nullptr;
      if (napi_open_handle_scope(env, &scope) != napi_ok) return;
      const bool called = deliver_one(env, *source);
      napi_close_handle_scope(env, scope);
      if (!called) {
        // An exception is on its way to the process. The others are served in a call of their own.
        notify();
        return;
      }
    }
  }

  /** False when the callback threw. */
  bool deliver_one(napi_env env, Source& source) noexcept {
    try {
      EventBatch batch;
      if (!source.stream || !source.stream->take(batch)) return true;
      napi_value callback = nullptr;
      napi_value undefined = nullptr;
      const bool found = napi_get_reference_value(env, source.callback, &callback) == napi_ok;
      stop_waiting(source);
      napi_value value = batch_value(env, batch, Form::kPromise);
      if (!found || value == nullptr || napi_get_undefined(env, &undefined) != napi_ok) return true;
      return napi_call_function(env, undefined, callback, 1, &value, nullptr) == napi_ok;
    } catch (...) {
      napi_throw_error(env, nullptr, "nflink: out of memory");
      return false;
    }
  }

  void stop_waiting(Source& source) {
    if (source.callback == nullptr) return;
    if (source.stream) source.stream->forget();
    napi_delete_reference(env_, std::exchange(source.callback, nullptr));
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), &source), waiting_.end());
    if (waiting_.empty() && function_ != nullptr) napi_unref_threadsafe_function(env_, function_);
  }

  static void stop_hook(void* data) {
    auto* hub = static_cast<EventHub*>(data);
    hub->thread_.stop();
    while (!hub->waiting_.empty()) hub->stop_waiting(*hub->waiting_.back());
    hub->release();
  }

  void release() {
    if (function_ != nullptr) napi_release_threadsafe_function(std::exchange(function_, nullptr), napi_tsfn_release);
  }

  napi_env env_ = nullptr;
  napi_threadsafe_function function_ = nullptr;
  std::atomic<bool> notified_ = false;
  std::vector<Source*> waiting_;
  EventThread thread_;  // last: it ends before what it uses
};

namespace {

/** The environment's hub, made at first use. */
MaybeFailure hub_of(napi_env env, std::shared_ptr<EventHub>& hub) {
  auto* place = js::event_hub(env);
  if (place == nullptr) return Failure{"napi_get_instance_data", ECANCELED};
  if (*place == nullptr) {
    auto made = std::make_shared<EventHub>();
    if (auto failure = made->start(env)) return failure;
    *place = std::move(made);
  }
  hub = *place;
  return std::nullopt;
}

Source* source_of(napi_env env, const Arguments& arguments) {
  return static_cast<Source*>(
      js::unwrap(env, arguments.self(), js::Wrapped::kEventSource, "not an event source of this addon"));
}

napi_value pull_verb(napi_env env, Arguments& arguments, Form) {
  Source* source = source_of(env, arguments);
  if (source == nullptr) return nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, arguments.at(0), &type) != napi_ok) return nullptr;
  if (type != napi_function) {
    js::throw_type_error(env, "callback must be a function");
  } else if (source->callback != nullptr) {
    js::throw_error(env, "the last pull is not answered yet");
  } else if (source->stream) {
    source->hub->wait(*source, arguments.at(0));
  }
  return nullptr;
}

napi_value take_verb(napi_env env, Arguments& arguments, Form form) {
  Source* source = source_of(env, arguments);
  if (source == nullptr) return nullptr;
  const std::chrono::milliseconds time(arguments.number(0, "waitMs", kLongestWaitMs));
  EventBatch batch;
  if (!arguments.ok() || !source->stream || !source->stream->take_within(time, batch)) return nullptr;
  napi_value value = batch_value(env, batch, form);
  // Nothing taken and something lost must not look alike.
  if (value == nullptr) js::throw_error(env, "the events taken are lost: out of memory");
  return value;
}

napi_value generation_verb(napi_env env, Arguments& arguments, Form) {
  Source* source = source_of(env, arguments);
  if (source == nullptr) return nullptr;
  const auto reply = source->stream ? source->stream->generation() : GenerationReply{Failure{"generation", EBADF}, {}};
  Object object(env);
  if (reply.failure) return object.set("failure", *reply.failure).value();
  return object.set("generation", static_cast<double>(reply.generation.number))
      .set("tid", static_cast<double>(reply.generation.tid))
      .set("process", reply.generation.process)
      .value();
}

napi_value close_verb(napi_env env, Arguments& arguments, Form) {
  if (Source* source = source_of(env, arguments)) source->hub->end(*source);
  return nullptr;
}

void finalize_source(napi_env, void* data, void*) {
  const std::unique_ptr<Source> source(static_cast<Source*>(data));
  source->hub->end(*source);
}

}  // namespace

MaybeFailure event_source(napi_env env, std::shared_ptr<EventStream> stream, napi_value& object) {
  auto source = std::make_unique<Source>();
  if (auto failure = hub_of(env, source->hub)) return failure;
  if (auto failure = source->hub->add(stream)) return failure;
  source->stream = std::move(stream);

  const napi_property_descriptor methods[] = {
      js::method("pull", js::entry<pull_verb, Form::kSync>, napi_default),
      js::method("take", js::entry<take_verb, Form::kSync>, napi_default),
      js::method("generation", js::entry<generation_verb, Form::kSync>, napi_default),
      js::method("close", js::entry<close_verb, Form::kSync>, napi_default),
  };
  if (napi_create_object(env, &object) != napi_ok ||
      napi_define_properties(env, object, std::size(methods), methods) != napi_ok ||
      !js::wrap(env, object, js::Wrapped::kEventSource, source.get(), finalize_source)) {
    source->hub->end(*source);
    object = nullptr;
    return std::nullopt;
  }
  static_cast<void>(source.release());  // finalize_source owns it
  return std::nullopt;
}

}  // namespace nflink
