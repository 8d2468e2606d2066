// A legacy table walked: its chains, where each rule lies and what it has counted; then, for those who ask, what each
// is.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "xt_table.h"

namespace nflink {

/** What a table is, good in this process. */
using XtDigest = std::array<uint64_t, 2>;

struct XtWalk {
  /** Null, or why the bytes are no table. */
  const char* complaint = nullptr;
  /** Null, or why a table that can be read is one that libiptc would write back as another. */
  const char* unwritable = nullptr;
  /**
   * Five words a chain, in the kernel's order: the row of its first rule, where its first entry lies, where the entry
   * lies that ends it (a builtin chain's policy), its hook or kUserChain, where its name lies (a user chain's).
   */
  std::vector<uint32_t> chains;
  static constexpr uint32_t kUserChain = UINT32_MAX;
  static constexpr size_t kChainWords = 5;
  /** One row a rule, chain by chain. */
  std::vector<uint32_t> offsets;
  std::vector<uint64_t> packets;
  std::vector<uint64_t> bytes;
  std::vector<uint32_t> chain;
  /** Of all bytes but counters and the kernel's own: equal for as long as nothing but counters changes. */
  XtDigest digest{};
};

/**
 * Walks what the kernel gave. Of the name of a match or target it writes no more than there is (xt_obj_to_user in
 * net/netfilter/x_tables.c): what was in the memory behind it is made zero here. Throws std::bad_alloc.
 */
XtWalk walk_xt_table(XtFamily family, const XtInfo& info, uint8_t* entries, size_t size);

/** By row, what the rule is without counters: equal for rules that are the same, whatever is added elsewhere in the
 * table. Of a walk without complaint. */
std::vector<uint64_t> xt_contents(XtFamily family, const XtWalk& walk, const uint8_t* entries);

}  // namespace nflink
