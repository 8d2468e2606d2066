// A growing malloc'd buffer.
#include "byte_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace nflink {

void Free::operator()(void* memory) const noexcept { std::free(memory); }

uint8_t* ByteBuffer::reserve(size_t bytes) {
  if (capacity_ - size_ < bytes) {
    const size_t capacity = std::max(size_ + bytes, capacity_ * 2);
    void* grown = std::realloc(bytes_.get(), capacity);
    if (grown == nullptr) throw std::bad_alloc();
    // realloc has taken the old block, so the pointer is given up without freeing it.
    static_cast<void>(bytes_.release());
    bytes_.reset(static_cast<uint8_t*>(grown));
    capacity_ = capacity;
  }
  return bytes_.get() + size_;
}

void ByteBuffer::append(const void* bytes, size_t length) {
  std::memcpy(reserve(length), bytes, length);
  size_ += length;
}

void ByteBuffer::shrink() noexcept {
  if (size_ == 0 || size_ == capacity_) return;
  void* shrunk = std::realloc(bytes_.get(), size_);
  if (shrunk == nullptr) return;
  static_cast<void>(bytes_.release());
  bytes_.reset(static_cast<uint8_t*>(shrunk));
  capacity_ = size_;
}

}  // namespace nflink
