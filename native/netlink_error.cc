// NLMSG_ERROR and NLMSG_DONE as data.
#include "netlink_error.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "attributes.h"

namespace nflink {
namespace {

/** The kernel's errno is negative; anything else would be a broken kernel, which must not become a success. */
int positive(int error) { return error <= 0 && error != INT_MIN ? -error : EPROTO; }

}  // namespace

std::optional<OperationError> read_error(const nlmsghdr* message) {
  // include/uapi/linux/netlink.h, struct nlmsgerr: int error, then the header that failed, then its payload unless
  // NLM_F_CAPPED, then attributes if NLM_F_ACK_TLVS; written by netlink_ack() in net/netlink/af_netlink.c.
  if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return std::nullopt;
  nlmsgerr error;
  std::memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);

  OperationError result;
  result.error = positive(error.error);
  if (!(message->nlmsg_flags & NLM_F_ACK_TLVS)) return result;

  size_t skip = sizeof(nlmsgerr);
  if (!(message->nlmsg_flags & NLM_F_CAPPED) && error.msg.nlmsg_len > NLMSG_HDRLEN) {
    skip += NLMSG_ALIGN(size_t{error.msg.nlmsg_len} - NLMSG_HDRLEN);
  }
  if (skip > mnl_nlmsg_get_payload_len(message)) return result;

  for (const nlattr* attribute : Attributes(message, skip)) {
    const auto value = payload(attribute);
    switch (type_of(attribute)) {
      case NLMSGERR_ATTR_MSG:
        result.message = std::string(value.data(), ::strnlen(value.data(), value.size()));
        break;
      case NLMSGERR_ATTR_OFFS: {
        uint32_t offset;
        if (value.size() < sizeof offset) break;
        std::memcpy(&offset, value.data(), sizeof offset);
        // Counted from the nlmsghdr. An offset outside the message it names says nothing.
        if (offset >= kHeaders && offset < error.msg.nlmsg_len) result.offset = offset - kHeaders;
        break;
      }
      default:
        break;
    }
  }
  return result;
}

int read_done(const nlmsghdr* message) {
  // netlink_dump_done() in net/netlink/af_netlink.c puts dump_done_errno, an int, behind the header.
  int error = 0;
  if (mnl_nlmsg_get_payload_len(message) < sizeof error) return 0;
  std::memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
  return error < 0 ? positive(error) : 0;
}

}  // namespace nflink
