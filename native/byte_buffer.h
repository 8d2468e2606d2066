// A growing buffer, which JavaScript can take over: malloc'd while it is small, mapped when it is large, so that it
// grows without copying and is the kernel's again once it is freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace nflink {

struct Free {
  /** Bytes of whole pages; 0: malloc'd. */
  size_t mapped = 0;
  void operator()(void* memory) const noexcept;
};
using OwnedBytes = std::unique_ptr<uint8_t, Free>;

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  uint8_t* data() { return bytes_.get(); }
  const uint8_t* data() const { return bytes_.get(); }
  size_t size() const { return size_; }

  /** Makes room for `bytes` more behind the content and returns where they go. Throws std::bad_alloc. */
  uint8_t* reserve(size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return bytes_.get() + size_;
  }
  /** As reserve, for what is written at once: the kernel gives all pages in one call, not fault by fault (Linux 5.14).
   */
  uint8_t* reserve_pages(size_t bytes);
  /** Sets the length of the content, at most what was reserved. */
  void resize(size_t size) { size_ = size; }
  void append(const void* bytes, size_t length);
  /** Gives back what is not content. */
  void shrink() noexcept;
  /** The content's memory, for whoever frees it. */
  OwnedBytes release() {
    size_ = capacity_ = 0;
    return std::move(bytes_);
  }

 private:
  /** A pointer that was moved from keeps its deleter's word. */
  size_t mapped() const { return bytes_ ? bytes_.get_deleter().mapped : 0; }
  void grow(size_t bytes);
  void take(void* memory, size_t capacity, size_t mapped) noexcept;

  OwnedBytes bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace nflink
