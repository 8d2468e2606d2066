// One nf_tables transaction: framing, sending, matching the replies to the operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "byte_buffer.h"
#include "failure.h"
#include "netlink_error.h"
#include "netlink_socket.h"

namespace nflink {

enum CommitFlags : uint32_t {
  COMMIT_DRY_RUN = 1,      // no batch end: the kernel validates and aborts
  COMMIT_CONDITIONAL = 2,  // NFNL_BATCH_GENID: ERESTART unless the generation is still this one
};

/** A framed batch. Operation i has the sequence number first_sequence + 1 + i. */
class Batch {
 public:
  /** What is wrong with the caller's arrays, as a sentence; nullptr when nothing is. */
  using Complaint = const char*;

  /**
   * Copies and frames. `operations` are four words each: message type, nlmsg flags, family, end of its attributes in
   * `attributes`. Both arrays may be shared memory that changes while we read. Throws std::bad_alloc.
   */
  Complaint frame(const uint8_t* attributes, size_t attributes_length, const uint32_t* operations, size_t words,
                  uint32_t flags, uint32_t generation, NetlinkSocket& socket);

  const uint8_t* data() const { return bytes_.get(); }
  size_t length() const { return length_; }
  uint32_t first_sequence() const { return first_sequence_; }
  /** Operations in the batch. */
  uint32_t count() const { return count_; }
  /** Whether an operation asked for its object to be echoed. */
  bool echoes() const { return echoes_; }
  void free_bytes() { bytes_.reset(); }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t length_ = 0;
  uint32_t first_sequence_ = 0;
  uint32_t count_ = 0;
  bool echoes_ = false;
};

struct CommitReply {
  enum class First { kNone, kError, kEcho };

  MaybeFailure failure;
  std::vector<OperationError> errors;
  bool overrun = false;
  First first = First::kNone;
  ByteBuffer echo;
  std::vector<uint32_t> echo_index;  // pairs: offset in echo, operation
  std::optional<uint32_t> generation;
};

/** Sends the batch and reads every reply. Throws std::bad_alloc. */
CommitReply commit(NetlinkSocket& socket, Batch batch);

}  // namespace nflink
