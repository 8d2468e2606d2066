// One message outside a batch, and its one answer.
#include "nft_request.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "attributes.h"

namespace nflink {
namespace {

// The kernel answers inside sendmsg; a request it answers with silence costs this once.
constexpr int kWaitMs = 20;

}  // namespace

bool is_dump(uint16_t flags) { return (flags & NLM_F_DUMP) == NLM_F_DUMP; }

nlmsghdr* put_headers(void* bytes, uint16_t type, uint8_t family, uint16_t flags, uint32_t sequence) {
  nlmsghdr* message = mnl_nlmsg_put_header(bytes);
  message->nlmsg_len = kHeaders;
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = sequence;
  // include/uapi/linux/netfilter/nfnetlink.h, struct nfgenmsg; res_id stays 0.
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message));
  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  return message;
}

std::vector<uint8_t> build_message(uint16_t type, uint8_t family, uint16_t flags, uint32_t sequence,
                                   std::span<const uint8_t> attributes) {
  std::vector<uint8_t> bytes(kHeaders + attributes.size());
  put_headers(bytes.data(), type, family, flags, sequence)->nlmsg_len = static_cast<uint32_t>(bytes.size());
  if (!attributes.empty()) std::memcpy(bytes.data() + kHeaders, attributes.data(), attributes.size());
  return bytes;
}

RequestReply request(NetlinkSocket& socket, const Request& request) {
  RequestReply reply;
  uint8_t* buffer = socket.scratch();
  const uint32_t sequence = socket.take_sequence(1);
  const auto message = build_message(request.type, request.family, request.flags, sequence, request.attributes);
  if ((reply.failure = socket.reserve_send(message.size()))) return reply;
  socket.drain();
  if ((reply.failure = socket.send(message.data(), message.size()))) return reply;

  bool answered = false;
  bool waited = false;
  for (;;) {
    const auto received = socket.receive(buffer, kReceiveRoom);
    if (received.error == EINTR) continue;
    if (received.error == EAGAIN) {
      if (answered || std::exchange(waited, true)) return reply;
      if (const int ready = socket.wait(kWaitMs); ready < 0) {
        reply.failure = Failure{"poll", -ready};
        return reply;
      }
      continue;
    }
    if (received.error != 0) {
      reply.failure = Failure{"recvmsg", received.error};
      return reply;
    }
    int left = static_cast<int>(received.length);
    for (auto* answer = reinterpret_cast<nlmsghdr*>(buffer); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_seq != sequence || answer->nlmsg_pid != socket.port()) continue;
      answered = true;
      if (answer->nlmsg_type == NLMSG_ERROR) {
        auto error = read_error(answer);
        if (!error || error->error == 0) continue;
        error->index = 0;
        reply.errors.push_back(std::move(*error));
      } else if (answer->nlmsg_type >= NLMSG_MIN_TYPE && reply.data.size() == 0 &&
                 mnl_nlmsg_get_payload_len(answer) >= sizeof(nfgenmsg)) {
        reply.data.append(answer, answer->nlmsg_len);
      }
    }
  }
}

}  // namespace nflink
