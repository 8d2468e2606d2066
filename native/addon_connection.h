// What a connection object of JavaScript's wraps.
#pragma once

#include <memory>

#include "connection.h"
#include "napi_util.h"

namespace nflink {

struct ConnectionHolder {
  std::shared_ptr<Connection> connection;
};

/** Null, and a TypeError thrown, when `this` is not a connection of ours. */
inline std::shared_ptr<Connection> connection_of(napi_env env, const js::Arguments& arguments) {
  void* data = js::unwrap(env, arguments.self(), js::Wrapped::kConnection, "not a connection of this addon");
  return data == nullptr ? nullptr : static_cast<ConnectionHolder*>(data)->connection;
}

}  // namespace nflink
