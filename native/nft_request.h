// One message outside a batch, and its one answer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "byte_buffer.h"
#include "failure.h"
#include "netlink_error.h"
#include "netlink_socket.h"

struct nlmsghdr;

namespace nflink {

struct Request {
  uint16_t type = 0;  // nfnetlink subsystem << 8 | message
  uint8_t family = 0;
  uint16_t flags = 0;  // never NLM_F_DUMP: that answer has no end here
  std::vector<uint8_t> attributes;
};

struct RequestReply {
  MaybeFailure failure;
  std::vector<OperationError> errors;
  ByteBuffer data;  // the first message that answers, whole
};

/** Whether these flags ask for a dump. */
bool is_dump(uint16_t flags);

/** Writes what stands before the attributes, kHeaders bytes (attributes.h) of zeroes until then; nlmsg_len counts just
 * them. */
nlmsghdr* put_headers(void* bytes, uint16_t type, uint8_t family, uint16_t flags, uint32_t sequence);

/** The bytes of one request message. */
std::vector<uint8_t> build_message(uint16_t type, uint8_t family, uint16_t flags, uint32_t sequence,
                                   std::span<const uint8_t> attributes);

/** Sends a request and reads its answer. Throws std::bad_alloc. */
RequestReply request(NetlinkSocket& socket, const Request& request);

}  // namespace nflink
