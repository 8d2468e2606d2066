// Memory in whole pages, from the kernel and back to it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nflink {

/**
 * What is larger than this is mapped. glibc keeps what was malloc'd, once freed, for the arena of the thread that asked
 * for it, and maps less and less by itself, since its threshold rises with what is freed: the memory of a poll would
 * stay with the process, once for each thread of the pool. As much as a receive needs is no more than that.
 */
#ifndef __has_feature
#define __has_feature(name) 0  // Clang's; GCC defines the macro below
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
// The sanitizer sees only what is written beyond the end of malloc's blocks.
inline constexpr size_t kLargestMalloc = SIZE_MAX;
#else
inline constexpr size_t kLargestMalloc = size_t{64} * 1024;
#endif

/** As many pages as hold `bytes`, or more, which cost nothing until they are touched. */
size_t whole_pages(size_t bytes) noexcept;

// The lengths below are of whole pages.

/** Null where there is none. */
void* map_pages(size_t length) noexcept;
/** Moves them, not their content, where they can't grow in place; null, and nothing changed, where that can't be. */
void* resize_pages(void* pages, size_t length, size_t wanted) noexcept;
void unmap_pages(void* pages, size_t length) noexcept;

}  // namespace nflink
