// A hash that tells contents apart within this process: keyed by a number drawn at start, so that nobody can make two
// alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nflink {

class ContentHash {
 public:
  explicit ContentHash(uint64_t seed = 0) : key_(key()), state_(key_ ^ (seed * kOdd)) {}

  ContentHash& add(const void* data, size_t length) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    // Two chains of multiplications that don't wait for each other.
    uint64_t other = state_ ^ kOdd;
    for (; length >= 32; bytes += 32, length -= 32) {
      state_ = product(state_ ^ word(bytes), key_ ^ word(bytes + 8));
      other = product(other ^ word(bytes + 16), key_ ^ word(bytes + 24));
    }
    mix(other);
    for (; length >= 8; bytes += 8, length -= 8) mix(word(bytes));
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
  static uint64_t word(const uint8_t* bytes) {
    uint64_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  static uint64_t product(uint64_t a, uint64_t b) {
    const auto wide = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(wide) ^ static_cast<uint64_t>(wide >> 64);
  }
  void mix(uint64_t value) { state_ = product(state_ ^ value, key_ ^ kOdd) ^ (state_ << 7 | state_ >> 57); }

  const uint64_t key_;
  uint64_t state_;
};

}  // namespace nflink
