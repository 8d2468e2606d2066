// The commands of a commit on a legacy table, as JavaScript writes them: copied and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "xt_table.h"

namespace nflink {

/** What a command does; the numbers are lib/iptables/legacy/wire.ts's. */
enum class XtVerb : uint32_t {
  kAppend,
  kInsert,
  kReplace,
  kDelete,
  kDeleteAt,
  kNewChain,
  kDeleteChain,
  kFlushChain,
  kRenameChain,
  kSetPolicy,
  kDeclareChain,
  kZero,
  kZeroAt,
  /** The table begins anew: no rules, no user chains. */
  kBegin,
  /** Such a rule must be there. */
  kCheck,
  kDeleteUserChains,
};

/** Nothing to do, rather than an error, where the rule or chain is there already (append, insert, new) or not there
 * (delete). */
inline constexpr uint32_t kXtConditional = 1;
/** The target of the entry names a chain. */
inline constexpr uint32_t kXtJump = 2;
/** The target was named without options: where a chain has its name, that is meant, as with iptables-legacy. */
inline constexpr uint32_t kXtBareTarget = 4;
inline constexpr uint32_t kXtFlags = kXtConditional | kXtJump | kXtBareTarget;

/** All commands of one commit, copied from JavaScript and checked: what they point at is whole. */
class XtCommands {
 public:
  /** Words a command: verb, flags, chain, number, entry, entry length, mask, other name, counters. Places are in the
   * bytes. */
  static constexpr size_t kWords = 9;
  static constexpr uint32_t kNone = UINT32_MAX;

  /** Why the arrays are no commands, or null. Throws std::bad_alloc. */
  const char* take(XtFamily family, const uint32_t* words, size_t word_count, const uint8_t* bytes, size_t byte_count);

  struct Command {
    XtVerb verb;
    uint32_t flags;
    /** Null: all chains. */
    const char* chain;
    uint32_t number;
    const void* entry;
    unsigned char* mask;
    const char* other;
    const uint64_t* counters;
  };
  size_t size() const { return words_.size() / kWords; }
  Command operator[](size_t index);

 private:
  const char* check(XtFamily family, const uint32_t* command) const;
  bool text_at(uint32_t at, size_t most) const;
  uint8_t* at(uint32_t place) { return reinterpret_cast<uint8_t*>(bytes_.data()) + place; }
  const uint8_t* at(uint32_t place) const { return reinterpret_cast<const uint8_t*>(bytes_.data()) + place; }

  std::vector<uint32_t> words_;
  /** Entries hold 64-bit counters: they must lie at multiples of eight. */
  std::vector<uint64_t> bytes_;
  size_t byte_count_ = 0;
};

}  // namespace nflink
