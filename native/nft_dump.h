// Dumps: all messages of one kind into one buffer, with an index; for rules, with their counters; for elements, their
// number, and if they are kept their counters.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "byte_buffer.h"
#include "failure.h"
#include "netlink_socket.h"

namespace nflink {

/** What one dump message asks for: a family, and attributes from `start` to `end` of the request's. */
struct DumpPart {
  uint8_t family = 0;
  uint32_t start = 0;
  uint32_t end = 0;
};

struct DumpRequest {
  uint16_t type = 0;  // nfnetlink subsystem << 8 | message
  uint32_t max_retries = 0;
  /** Dumped one after the other into one reply, all in one generation or all again, unless across_commits. */
  std::vector<DumpPart> parts;
  std::vector<uint8_t> attributes;
  /** Whether the messages are kept, and what is made of them beside their counters. */
  bool keep = true;
  /** A commit while it is dumped does not begin it again: the caller knows what commits have touched. */
  bool across_commits = false;
};

struct DumpReply {
  MaybeFailure failure;
  ByteBuffer data;              // whole messages back to back
  std::vector<uint32_t> index;  // offset of each
  int32_t generation16 = -1;    // nfgenmsg res_id of the last message
  uint32_t retries = 0;
};

struct CounterReply : DumpReply {
  // One row a rule.
  std::vector<uint64_t> handles;
  std::vector<uint64_t> packets;
  std::vector<uint64_t> bytes;
  std::vector<uint8_t> counted;
  // Its chain's number; like what follows only with `keep`.
  std::vector<uint32_t> chain;
  // What the rule is, without counters, handle and place: equal for rules that are the same.
  std::vector<uint64_t> contents;
  // One row a chain.
  std::vector<uint32_t> chain_first;
  // What asks for the rules of each chain alone: family and end of the attributes, and those.
  std::vector<uint32_t> chain_parts;
  std::vector<uint8_t> chain_attributes;
};

struct ElementReply : DumpReply {
  uint64_t elements = 0;
  // One row an element that counts, only with `keep`; where its attribute lies in `data`.
  std::vector<uint64_t> packets;
  std::vector<uint64_t> bytes;
  std::vector<uint32_t> offsets;
};

/** Dumps objects; ends with ECANCELED soon after `cancelled` becomes true. Throws std::bad_alloc. */
DumpReply dump(NetlinkSocket& socket, const std::atomic<bool>& cancelled, const DumpRequest& request);

/** Dumps nf_tables rules (NFT_MSG_GETRULE, whatever type the request names) and reads their counters on the way. */
CounterReply dump_counters(NetlinkSocket& socket, const std::atomic<bool>& cancelled, DumpRequest request);

/** Dumps the elements of one set (NFT_MSG_GETSETELEM, likewise) and counts them, a range as one; with `keep` it reads
 * their counters. */
ElementReply dump_elements(NetlinkSocket& socket, const std::atomic<bool>& cancelled, DumpRequest request);

}  // namespace nflink
