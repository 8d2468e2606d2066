// A hash that tells contents apart within this process: keyed by a number drawn at start, so that nobody can make two
// alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nflink {

class ContentHash {
 public:
  explicit ContentHash(uint64_t seed = 0) : state_(key() ^ (seed * kOdd)) {}

  ContentHash& add(const void* data, size_t length) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    for (; length >= 8; bytes += 8, length -= 8) {
      uint64_t word;
      std::memcpy(&word, bytes, 8);
      mix(word);
    }
    uint64_t last = length;
    if (length > 0) std::memcpy(reinterpret_cast<uint8_t*>(&last) + 1, bytes, length);
    mix(last);
    return *this;
  }
  ContentHash& add(uint64_t number) {
    mix(number);
    return *this;
  }
  uint64_t value() const { return finish(state_); }

 private:
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;

  /** Drawn once a process; never changes after. */
  static uint64_t key();

  static uint64_t finish(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93;
    x ^= x >> 32;
    return x;
  }
  void mix(uint64_t word) {
    const auto product = static_cast<unsigned __int128>(state_ ^ word) * (kOdd ^ (word << 1));
    state_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ (state_ << 7 | state_ >> 57);
  }

  uint64_t state_;
};

}  // namespace nflink
