// A legacy table changed by libiptc: the lock, the table as it is, the commands, the commit; no JavaScript in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "failure.h"
#include "xt_commands.h"
#include "xt_table.h"
#include "xt_walk.h"

namespace nflink {

struct XtCommitRequest {
  XtFamily family = XtFamily::kIp;
  std::string table;
  std::string lock_path;
  /** Make the table where the namespace has none; otherwise `missing` is the answer. */
  bool create = false;
  /** All but the commit. */
  bool dry_run = false;
  /** What the table must be under the lock, or nothing is done. Whoever writes without the lock may come right after
   * that look. */
  struct Expected {
    /** There is none; it is looked for before it is made. */
    bool absent = false;
    std::optional<XtDigest> digest;
    explicit operator bool() const { return absent || digest; }
  } expected;
};

struct XtCommitReply {
  MaybeFailure failure;
  /** Somebody else holds the lock: nothing was looked at. */
  bool busy = false;
  bool missing = false;
  /** The table is not what was expected: nothing was done. */
  bool outdated = false;
  /** As XtWalk's: nothing was done. */
  const char* complaint = nullptr;
  const char* unwritable = nullptr;
  /** Per command 1 where it had something to do. */
  std::vector<uint8_t> done;
  /** A command that could not be done: its number, what was wrong, errno. Nothing was applied. */
  struct Refusal {
    size_t index;
    const char* reason;
    int error;
  };
  std::optional<Refusal> refusal;
  /** Set with a `failure` of the commit: whether the kernel has the new rules; kUnknown where that could not be found
   * out; kUnseen where they are the old rules too, and no counter tells. */
  enum class State { kNotApplied, kApplied, kUnknown, kUnseen };
  State state = State::kNotApplied;
};

/** Does it all in the calling thread's namespace. */
XtCommitReply commit_xt(const XtCommitRequest& request, XtCommands& commands);

}  // namespace nflink
