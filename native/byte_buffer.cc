// A growing buffer.
#include "byte_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "pages.h"

namespace nflink {
namespace {

/** From here on faults are dearer than the call. */
constexpr size_t kManyBytes = 1 << 20;
#ifndef MADV_POPULATE_WRITE
constexpr int MADV_POPULATE_WRITE = 23;
#endif

}  // namespace

void Free::operator()(void* memory) const noexcept {
  if (mapped != 0) {
    unmap_pages(memory, mapped);
  } else {
    std::free(memory);
  }
}

/** Holds memory that what was held before has become, or has been freed for. */
void ByteBuffer::take(void* memory, size_t capacity, size_t mapped) noexcept {
  static_cast<void>(bytes_.release());
  bytes_ = OwnedBytes(static_cast<uint8_t*>(memory), Free{mapped});
  capacity_ = capacity;
}

void ByteBuffer::grow(size_t bytes) {
  size_t capacity = std::max(size_ + bytes, capacity_ * 2);
  const size_t mapped = this->mapped();
  if (mapped == 0 && capacity <= kLargestMalloc) {
    void* grown = std::realloc(bytes_.get(), capacity);
    if (grown == nullptr) throw std::bad_alloc();
    return take(grown, capacity, 0);
  }
  capacity = whole_pages(capacity);
  void* pages = mapped != 0 ? resize_pages(bytes_.get(), mapped, capacity) : map_pages(capacity);
  if (pages == nullptr) throw std::bad_alloc();
  if (mapped == 0) {
    if (size_ > 0) std::memcpy(pages, bytes_.get(), size_);
    bytes_.reset();
  }
  take(pages, capacity, capacity);
}

uint8_t* ByteBuffer::reserve_pages(size_t bytes) {
  uint8_t* room = reserve(bytes);
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(room) + page - 1) & ~(page - 1);
  const auto end = (reinterpret_cast<uintptr_t>(room) + bytes) & ~(page - 1);
  if (end > begin && end - begin >= kManyBytes) {
    // Huge ones where the kernel has some: 6 MB take 0.3 ms, small ones 3. Advice for a part would split the mapping,
    // and mremap takes one only.
    if (mapped() != 0) ::madvise(bytes_.get(), mapped(), MADV_HUGEPAGE);
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
  const size_t mapped = this->mapped();
  if (mapped == 0) {
    if (void* shrunk = std::realloc(bytes_.get(), size_)) take(shrunk, size_, 0);
    return;
  }
  const size_t wanted = whole_pages(size_);
  if (wanted == mapped) return;
  if (void* shrunk = resize_pages(bytes_.get(), mapped, wanted)) take(shrunk, wanted, wanted);
}

}  // namespace nflink
