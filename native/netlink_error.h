// NLMSG_ERROR and NLMSG_DONE as data, extended acknowledgement included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct nlmsghdr;

namespace nflink {

/** One refusal by the kernel. */
struct OperationError {
  int32_t index = -1;  // operation in the batch; -1: the batch itself
  int error = 0;       // positive errno; 0 is an acknowledgement
  std::optional<std::string> message;
  std::optional<uint32_t> offset;  // from the first attribute, after nlmsghdr and nfgenmsg
};

/** Reads an NLMSG_ERROR message that lies whole in memory; nothing when it is too short. */
std::optional<OperationError> read_error(const nlmsghdr* message);

/** The errno an NLMSG_DONE carries, positive; 0 for success. */
int read_done(const nlmsghdr* message);

}  // namespace nflink
