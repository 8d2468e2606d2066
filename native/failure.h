// A failed system call as data.
#pragma once

#include <cstdint>
#include <optional>

namespace nflink {

struct Failure {
  const char* call;  // a string literal
  int error;         // positive errno
};

using MaybeFailure = std::optional<Failure>;

}  // namespace nflink
