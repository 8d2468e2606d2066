// A hash that tells contents apart within this process.
#include "content_hash.h"

#include <sys/random.h>

#include <ctime>

namespace nflink {

uint64_t ContentHash::key() {
  static const uint64_t drawn = [] {
    uint64_t number = 0;
    if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
      timespec now{};
      ::clock_gettime(CLOCK_MONOTONIC, &now);
      number = static_cast<uint64_t>(now.tv_nsec) * kOdd;
    }
    return number;
  }();
  return drawn;
}

}  // namespace nflink
