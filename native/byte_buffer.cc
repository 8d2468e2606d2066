// A growing malloc'd buffer.
#include "byte_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace nflink {
namespace {

/** From here on faults are dearer than the call. */
constexpr size_t kManyBytes = 1 << 20;
#ifndef MADV_POPULATE_WRITE
constexpr int MADV_POPULATE_WRITE = 23;
#endif

}  // namespace

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

uint8_t* ByteBuffer::reserve_pages(size_t bytes) {
  uint8_t* room = reserve(bytes);
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(room) + page - 1) & ~(page - 1);
  const auto end = (reinterpret_cast<uintptr_t>(room) + bytes) & ~(page - 1);
  if (end > begin && end - begin >= kManyBytes) {
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
  }
  return room;
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
