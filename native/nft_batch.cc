// One nf_tables transaction.
#include "nft_batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "attributes.h"
#include "nft_generation.h"

namespace nflink {
namespace {

constexpr size_t kWordsPerOperation = 4;
/** Batch begin with its generation, and batch end. */
constexpr size_t kBatchMessages = 2 * kHeaders + NLA_HDRLEN + sizeof(uint32_t);

// What the kernel charges a receive buffer with (skb truesize). An error is one small skb. Echoes share skbs of about
// 4 KB (nft_commit_notify() in net/netfilter/nf_tables_api.c), each as long as its operation plus handles and names.
constexpr size_t kErrorCharge = 1024;
constexpr size_t kEchoCharge = 2048;
constexpr size_t kMostErrorCharge = size_t{64} << 20;
constexpr size_t kMostEchoCharge = size_t{256} << 20;

size_t expected_charge(const Batch& batch) {
  const size_t errors = std::min(batch.count() * kErrorCharge, kMostErrorCharge);
  if (!batch.echoes()) return errors;
  return std::max(errors, std::min(batch.count() * kEchoCharge + batch.length(), kMostEchoCharge));
}

/** Files one reply to this batch. `number` is its sequence number counted from batch begin. */
void file_reply(const nlmsghdr* message, uint32_t number, uint32_t count, CommitReply& reply) {
  const bool is_operation = number >= 1 && number <= count;
  if (message->nlmsg_type == NLMSG_ERROR) {
    auto error = read_error(message);
    if (!error || error->error == 0) return;  // an acknowledgement that an operation asked for
    error->index = is_operation ? static_cast<int32_t>(number - 1) : -1;
    reply.errors.push_back(std::move(*error));
    if (reply.first == CommitReply::First::kNone) reply.first = CommitReply::First::kError;
    return;
  }
  if (message->nlmsg_type < NLMSG_MIN_TYPE || mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) return;
  if (reply.first == CommitReply::First::kNone) reply.first = CommitReply::First::kEcho;
  if (message->nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN)) {
    if (const auto generation = read_generation(message)) reply.generation = generation->number;
    return;
  }
  if (!is_operation) return;
  const size_t offset = NLMSG_ALIGN(reply.echo.size());
  reply.echo_index.push_back(static_cast<uint32_t>(offset));
  reply.echo_index.push_back(number - 1);
  // nlmsg_len need not be a multiple of four; the next message must begin at one.
  const size_t padded = NLMSG_ALIGN(message->nlmsg_len);
  uint8_t* target = reply.echo.reserve(padded);
  std::memset(target + padded - NLMSG_ALIGNTO, 0, NLMSG_ALIGNTO);
  std::memcpy(target, message, message->nlmsg_len);
  reply.echo.resize(offset + padded);
}

}  // namespace

Batch::Complaint Batch::frame(const uint8_t* attributes, size_t attributes_length, const uint32_t* operations,
                              size_t words, uint32_t flags, uint32_t generation, NetlinkSocket& socket) {
  if (words % kWordsPerOperation != 0) return "operations must hold four words per operation";
  const size_t count = words / kWordsPerOperation;
  if (attributes_length > kLongestMessage || count > kLongestMessage / kHeaders) return "the batch is too long";
  if (attributes_length % NLA_ALIGNTO != 0) return "attributes must be a multiple of four bytes";
  if (flags & ~uint32_t{COMMIT_DRY_RUN | COMMIT_CONDITIONAL}) return "unknown commit flags";
  // To the kernel generation 0 means "whatever it is" (nf_tables_valid_genid()): never what a condition is for.
  if ((flags & COMMIT_CONDITIONAL) && generation == 0) return "a conditional commit needs a generation";

  count_ = static_cast<uint32_t>(count);
  first_sequence_ = socket.take_sequence(count_ + 2);
  uint32_t sequence = first_sequence_;

  bytes_ = std::make_unique_for_overwrite<uint8_t[]>(kBatchMessages + count * kHeaders + attributes_length);
  auto* cursor = reinterpret_cast<char*>(bytes_.get());

  nlmsghdr* begin = nftnl_batch_begin(cursor, sequence++);
  if (flags & COMMIT_CONDITIONAL) mnl_attr_put_u32(begin, NFNL_BATCH_GENID, htonl(generation));
  cursor += begin->nlmsg_len;

  size_t start = 0;
  for (size_t i = 0; i < count; ++i) {
    // Each word is read once, so what was checked is what is used, even when another thread writes to the array.
    uint32_t operation[kWordsPerOperation];
    std::memcpy(operation, operations + i * kWordsPerOperation, sizeof operation);
    const auto [type, message_flags, family, end] = operation;
    if (type > UINT8_MAX) return "an operation's message type exceeds 255";
    if (message_flags > UINT16_MAX) return "an operation's flags exceed 16 bits";
    if (family > UINT8_MAX) return "an operation's family exceeds 255";
    if (end < start || end > attributes_length) return "an operation's attributes end outside the attributes";
    if (end % NLA_ALIGNTO != 0) return "an operation's attributes must end at a multiple of four";

    nlmsghdr* message = nftnl_nlmsg_build_hdr(cursor, static_cast<uint16_t>(type), static_cast<uint16_t>(family),
                                              static_cast<uint16_t>(message_flags | NLM_F_REQUEST), sequence++);
    message->nlmsg_len += end - start;
    if (end > start) std::memcpy(cursor + kHeaders, attributes + start, end - start);
    cursor += message->nlmsg_len;
    echoes_ = echoes_ || (message_flags & NLM_F_ECHO) != 0;
    start = end;
  }
  if (start != attributes_length) return "attributes go on behind the last operation";

  if (!(flags & COMMIT_DRY_RUN)) cursor += nftnl_batch_end(cursor, sequence)->nlmsg_len;
  length_ = static_cast<size_t>(cursor - reinterpret_cast<char*>(bytes_.get()));
  return nullptr;
}

CommitReply commit(NetlinkSocket& socket, Batch batch) {
  CommitReply reply;
  if ((reply.failure = socket.reserve_send(batch.length()))) return reply;
  socket.reserve_receive(expected_charge(batch));
  uint8_t* buffer = socket.scratch();
  socket.drain();

  if ((reply.failure = socket.send(batch.data(), batch.length()))) return reply;
  // From here on the batch may have been applied, so nothing below may turn into a failure: lost replies, for want of
  // memory too, are an overrun.
  batch.free_bytes();

  for (;;) {
    const auto received = socket.receive(buffer, kReceiveRoom);
    if (received.error == EINTR) continue;
    if (received.error == ENOBUFS) {
      reply.overrun = true;
      continue;
    }
    if (received.error != 0) {
      if (received.error != EAGAIN) reply.overrun = true;
      break;
    }
    int left = static_cast<int>(received.length);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      const uint32_t number = message->nlmsg_seq - batch.first_sequence();
      if (number > batch.count() + 1 || message->nlmsg_pid != socket.port()) continue;
      try {
        file_reply(message, number, batch.count(), reply);
      } catch (const std::bad_alloc&) {
        reply.overrun = true;
      }
    }
  }
  reply.echo.shrink();
  return reply;
}

}  // namespace nflink
