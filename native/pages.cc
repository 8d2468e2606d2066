// Memory in whole pages, from the kernel and back to it.
#include "pages.h"

#include <sys/mman.h>
#include <unistd.h>

namespace nflink {
namespace {

/** In multiples of it, mappings lie where huge pages can (thp_get_unmapped_area in mm/huge_memory.c). */
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

size_t whole_pages(size_t bytes) noexcept {
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t unit = bytes < kHugePage ? page : kHugePage;
  return (bytes + unit - 1) & ~(unit - 1);
}

void* map_pages(size_t length) noexcept {
  void* pages = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void* resize_pages(void* pages, size_t length, size_t wanted) noexcept {
  void* moved = ::mremap(pages, length, wanted, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? nullptr : moved;
}

void unmap_pages(void* pages, size_t length) noexcept { ::munmap(pages, length); }

}  // namespace nflink
