// Which generation the ruleset of a namespace is in.
#include "nft_generation.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "attributes.h"
#include "netlink_error.h"
#include "nft_request.h"

namespace nflink {
namespace {

std::optional<uint32_t> be32(std::string_view value) {
  uint32_t number;
  if (value.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, value.data(), sizeof number);
  return ntohl(number);
}

}  // namespace

std::optional<Generation> read_generation(const nlmsghdr* message) {
  Generation generation;
  bool numbered = false;
  for (const nlattr* attribute : Attributes(message, sizeof(nfgenmsg))) {
    const auto value = payload(attribute);
    switch (type_of(attribute)) {
      case NFTA_GEN_ID:
        if (const auto number = be32(value)) {
          generation.number = *number;
          numbered = true;
        }
        break;
      case NFTA_GEN_PROC_PID:
        generation.tid = be32(value).value_or(0);
        break;
      case NFTA_GEN_PROC_NAME:
        generation.process = std::string(value.data(), ::strnlen(value.data(), value.size()));
        break;
      default:
        break;
    }
  }
  return numbered ? std::optional(std::move(generation)) : std::nullopt;
}

GenerationReply ask_generation(NetlinkSocket& socket) {
  // Not request(): nothing is allocated, and nothing received but the answer, since this is asked before each lookup.
  constexpr const char* kCall = "NFT_MSG_GETGEN";
  GenerationReply reply;
  uint8_t* buffer = socket.scratch();
  alignas(nlmsghdr) std::array<uint8_t, kHeaders> bytes{};
  const uint32_t sequence = socket.take_sequence(1);
  nlmsghdr* message = put_headers(bytes.data(), (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN, 0, 0, sequence);
  if ((reply.failure = socket.send(message, message->nlmsg_len))) return reply;
  for (;;) {
    // The kernel has answered within send().
    const auto received = socket.receive(buffer, kReceiveRoom);
    if (received.error == EINTR) continue;
    if (received.error != 0) {
      reply.failure = Failure{kCall, received.error};
      return reply;
    }
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer);
    if (!mnl_nlmsg_ok(answer, static_cast<int>(received.length)) || answer->nlmsg_seq != sequence) continue;
    if (answer->nlmsg_type == NLMSG_ERROR) {
      const auto error = read_error(answer);
      reply.failure = Failure{kCall, error ? error->error : EPROTO};
      return reply;
    }
    auto generation = read_generation(answer);
    if (generation) {
      reply.generation = std::move(*generation);
    } else {
      reply.failure = Failure{kCall, EPROTO};
    }
    return reply;
  }
}

}  // namespace nflink
