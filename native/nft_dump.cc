// Dumps: all messages of one kind into one buffer.
#include "nft_dump.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "attributes.h"
#include "content_hash.h"
#include "netlink_error.h"
#include "nft_request.h"

namespace nflink {
namespace {

// The kernel queues the next piece of a dump while we receive one, so waiting is for the unforeseen only.
constexpr int kWaitSliceMs = 50;
constexpr int kWaitSlices = 40;

/** What a plain dump does with a message beyond indexing it: nothing. */
struct NoWalk {
  static void reset() {}
  static void visit(const nlmsghdr*) {}
};

struct Counter {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  bool found = false;
};

uint64_t be64(const nlattr* attribute) {
  uint64_t value;
  const auto bytes = payload(attribute);
  if (bytes.size() < sizeof value) return 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return be64toh(value);
}

/** What an expression has counted, if it is a counter: { NFTA_EXPR_NAME "counter", NFTA_EXPR_DATA { … } }. */
Counter read_counter(const nlattr* expression) {
  const nlattr* data = nullptr;
  Counter counter;
  for (const nlattr* part : Attributes(expression)) {
    switch (type_of(part)) {
      case NFTA_EXPR_NAME:
        counter.found = payload(part) == std::string_view("counter", sizeof "counter");  // NUL included
        break;
      case NFTA_EXPR_DATA:
        data = part;
        break;
      default:
        break;
    }
  }
  if (!counter.found || data == nullptr) return counter;
  // enum nft_counter_attributes; nft_counter_do_dump() in net/netfilter/nft_counter.c writes both as be64.
  for (const nlattr* value : Attributes(data)) {
    switch (type_of(value)) {
      case NFTA_COUNTER_BYTES:
        counter.bytes = be64(value);
        break;
      case NFTA_COUNTER_PACKETS:
        counter.packets = be64(value);
        break;
      default:
        break;
    }
  }
  return counter;
}

/** The first counter of a list of expressions, each an NFTA_LIST_ELEM. */
Counter find_counter(const nlattr* expressions) {
  for (const nlattr* expression : Attributes(expressions)) {
    const Counter counter = read_counter(expression);
    if (counter.found) return counter;
  }
  return {};
}

/** Reads handle, chain and counter of each rule. */
class CounterWalk {
 public:
  CounterWalk(CounterReply& reply, bool keep) : reply_(reply), keep_(keep) {}

  void reset() {
    reply_.handles.clear();
    reply_.packets.clear();
    reply_.bytes.clear();
    reply_.counted.clear();
    reply_.chain.clear();
    reply_.chain_first.clear();
    reply_.contents.clear();
    reply_.chain_parts.clear();
    reply_.chain_attributes.clear();
    chains_.clear();
    current_key_.clear();
  }

  /** A whole message with an nfgenmsg. */
  void visit(const nlmsghdr* message) {
    const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
    std::string_view table;
    std::string_view chain;
    uint64_t handle = 0;
    Counter counter;
    ContentHash content;

    // include/uapi/linux/netfilter/nf_tables.h, enum nft_rule_attributes; nf_tables_fill_rule_info() writes it.
    for (const nlattr* attribute : Attributes(message, sizeof(nfgenmsg))) {
      switch (type_of(attribute)) {
        case NFTA_RULE_TABLE:
          table = payload(attribute);
          break;
        case NFTA_RULE_CHAIN:
          chain = payload(attribute);
          break;
        case NFTA_RULE_HANDLE:
          handle = be64(attribute);
          break;
        case NFTA_RULE_EXPRESSIONS:
          counter = find_counter(attribute);
          if (keep_) add_expressions(content, attribute);
          break;
        case NFTA_RULE_POSITION:  // the handle of the rule before
          break;
        default:
          if (keep_) content.add(attribute, attribute->nla_len);
          break;
      }
    }
    if (keep_) {
      reply_.contents.push_back(content.value());
      reply_.chain.push_back(chain_number(header->nfgen_family, table, chain));
    }
    reply_.handles.push_back(handle);
    reply_.packets.push_back(counter.packets);
    reply_.bytes.push_back(counter.bytes);
    reply_.counted.push_back(counter.found ? 1 : 0);
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };

  /** All but what expressions count: a counter, a quota's consumption, when a rule was last used. */
  static void add_expressions(ContentHash& content, const nlattr* expressions) {
    for (const nlattr* element : Attributes(expressions)) {
      std::string_view name;
      const nlattr* data = nullptr;
      for (const nlattr* part : Attributes(element)) {
        if (type_of(part) == NFTA_EXPR_NAME) name = payload(part);
        if (type_of(part) == NFTA_EXPR_DATA) data = part;
      }
      const auto is = [name](std::string_view other) { return name.substr(0, name.find('\0')) == other; };
      content.add(name.data(), name.size());
      if (data == nullptr || is("counter") || is("last")) continue;
      if (!is("quota")) {
        content.add(data, data->nla_len);
        continue;
      }
      for (const nlattr* value : Attributes(data)) {
        if (type_of(value) != NFTA_QUOTA_CONSUMED) content.add(value, value->nla_len);
      }
    }
  }

  /** What NFT_MSG_GETRULE takes to dump one chain: its table and its name. */
  void add_chain(uint8_t family, std::string_view table, std::string_view chain) {
    auto& bytes = reply_.chain_attributes;
    for (const auto& [type, text] : {std::pair{NFTA_RULE_TABLE, table}, std::pair{NFTA_RULE_CHAIN, chain}}) {
      nlattr header{};
      header.nla_type = static_cast<uint16_t>(type);
      header.nla_len = static_cast<uint16_t>(NLA_HDRLEN + text.size());
      const auto* head = reinterpret_cast<const uint8_t*>(&header);
      bytes.insert(bytes.end(), head, head + sizeof header);
      bytes.insert(bytes.end(), text.begin(), text.end());
      bytes.resize(NLA_ALIGN(bytes.size()));
    }
    reply_.chain_parts.push_back(family);
    reply_.chain_parts.push_back(static_cast<uint32_t>(bytes.size()));
  }

  uint32_t chain_number(uint8_t family, std::string_view table, std::string_view chain) {
    // Rules come chain by chain, so nearly always this is the chain of the rule before.
    if (current_key_.size() == 1 + table.size() + chain.size() && static_cast<uint8_t>(current_key_[0]) == family &&
        current_table_ == table.size() && std::string_view(current_key_).substr(1, table.size()) == table &&
        std::string_view(current_key_).substr(1 + table.size()) == chain) {
      return current_number_;
    }
    // Both names keep their NUL, so the joined key is unambiguous.
    current_key_.assign(1, static_cast<char>(family)).append(table).append(chain);
    current_table_ = table.size();
    const auto next = static_cast<uint32_t>(chains_.size());
    const auto [place, inserted] = chains_.try_emplace(current_key_, next);
    if (inserted) {
      reply_.chain_first.push_back(static_cast<uint32_t>(reply_.chain.size()));
      add_chain(family, table, chain);
    }
    current_number_ = place->second;
    return current_number_;
  }

  CounterReply& reply_;
  const bool keep_;
  std::unordered_map<std::string, uint32_t> chains_;
  std::string current_key_;
  size_t current_table_ = 0;
  uint32_t current_number_ = 0;
};

/** Counts set elements, and reads what each has counted. */
class ElementWalk {
 public:
  ElementWalk(ElementReply& reply, bool keep) : reply_(reply), keep_(keep) {}

  void reset() {
    reply_.elements = 0;
    reply_.packets.clear();
    reply_.bytes.clear();
    reply_.offsets.clear();
  }

  // include/uapi/linux/netfilter/nf_tables.h, enum nft_set_elem_list_attributes; nf_tables_dump_set() writes it.
  void visit(const nlmsghdr* message) {
    for (const nlattr* attribute : Attributes(message, sizeof(nfgenmsg))) {
      if (type_of(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
      for (const nlattr* element : Attributes(attribute)) visit(element);
    }
  }

 private:
  // enum nft_set_elem_attributes; nf_tables_fill_setelem() writes it.
  void visit(const nlattr* element) {
    Counter counter;
    for (const nlattr* attribute : Attributes(element)) {
      switch (type_of(attribute)) {
        case NFTA_SET_ELEM_FLAGS:
          // The end of a range is an element of its own in sets that are trees (nft_set_rbtree).
          if (mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t) &&
              (ntohl(mnl_attr_get_u32(attribute)) & NFT_SET_ELEM_INTERVAL_END) != 0) {
            return;
          }
          break;
        case NFTA_SET_ELEM_EXPR:
          if (keep_) counter = read_counter(attribute);
          break;
        case NFTA_SET_ELEM_EXPRESSIONS:
          if (keep_) counter = find_counter(attribute);
          break;
        default:
          break;
      }
    }
    ++reply_.elements;
    if (!counter.found) return;
    reply_.packets.push_back(counter.packets);
    reply_.bytes.push_back(counter.bytes);
    reply_.offsets.push_back(static_cast<uint32_t>(reinterpret_cast<const uint8_t*>(element) - reply_.data.data()));
  }

  ElementReply& reply_;
  const bool keep_;
};

/** Sends one request and receives until its end. True: complete or failed; false: to be begun again. */
template <typename Walk>
bool attempt(NetlinkSocket& socket, const std::atomic<bool>& cancelled, const DumpRequest& request,
             const DumpPart& part, Walk& walk, DumpReply& reply) {
  const uint16_t type = request.type;
  const uint32_t sequence = socket.take_sequence(1);
  const std::span all(request.attributes);
  const auto message =
      build_message(type, part.family, NLM_F_DUMP, sequence, all.subspan(part.start, part.end - part.start));
  if ((reply.failure = socket.reserve_send(message.size()))) return true;
  if ((reply.failure = socket.send(message.data(), message.size()))) return true;
  socket.dump_began();

  const auto subsystem = NFNL_SUBSYS_ID(type);
  bool interrupted = false;
  bool single = false;  // an answer that is not part of a dump
  int slices = 0;
  for (;;) {
    if (cancelled.load(std::memory_order_relaxed)) {
      reply.failure = Failure{"dump", ECANCELED};
      return true;
    }
    // Received right behind what we keep. The place is a multiple of four, as mnl_nlmsg_ok's users need.
    uint8_t* place = reply.data.reserve(kReceiveRoom);
    const auto received = socket.receive(place, kReceiveRoom);
    if (received.error == EAGAIN) {
      if (single) {
        // The kernel took NLM_F_DUMP for nothing, as it does with NFT_MSG_GETGEN: no end will come.
        socket.dump_ended();
        reply.failure = Failure{"dump", EOPNOTSUPP};
        return true;
      }
      const int ready = socket.wait(kWaitSliceMs);
      if (ready < 0 || (ready == 0 && ++slices > kWaitSlices)) {
        reply.failure = Failure{"poll", ready < 0 ? -ready : ETIMEDOUT};
        return true;
      }
      continue;
    }
    if (received.error == EINTR || received.error == ENOBUFS) {
      interrupted = true;
      continue;
    }
    if (received.error != 0) {
      reply.failure = Failure{"recvmsg", received.error};
      return true;
    }
    slices = 0;

    int left = static_cast<int>(received.length);
    for (auto* piece = reinterpret_cast<nlmsghdr*>(place); mnl_nlmsg_ok(piece, left);) {
      // The next one first: keeping this one may move it over the header that says where it is.
      auto* current = piece;
      piece = mnl_nlmsg_next(piece, &left);
      if (current->nlmsg_seq != sequence || current->nlmsg_pid != socket.port()) continue;
      if ((current->nlmsg_flags & NLM_F_DUMP_INTR) && !request.across_commits) interrupted = true;

      if (current->nlmsg_type == NLMSG_DONE || current->nlmsg_type == NLMSG_ERROR) {
        int error = 0;
        if (current->nlmsg_type == NLMSG_DONE) {
          error = read_done(current);
        } else {
          const auto refusal = read_error(current);
          error = refusal ? refusal->error : EPROTO;
          if (error == 0) continue;  // an acknowledgement
        }
        socket.dump_ended();
        if (error == EINTR) interrupted = true;
        if (interrupted) return false;
        if (error != 0) reply.failure = Failure{"dump", error};
        return true;
      }

      if (interrupted || current->nlmsg_type < NLMSG_MIN_TYPE || NFNL_SUBSYS_ID(current->nlmsg_type) != subsystem ||
          mnl_nlmsg_get_payload_len(current) < sizeof(nfgenmsg)) {
        continue;
      }
      if (!(current->nlmsg_flags & NLM_F_MULTI)) single = true;
      // The low 16 bits of the generation.
      reply.generation16 = ntohs(static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(current))->res_id);
      if (!request.keep) {
        walk.visit(current);
        continue;
      }
      const size_t offset = reply.data.size();
      const size_t padded = NLMSG_ALIGN(current->nlmsg_len);
      if (offset + padded > UINT32_MAX) {
        reply.failure = Failure{"dump", EOVERFLOW};
        return true;
      }
      // Closes the gap that a message we did not keep has left; padded stays within the room since left was so.
      uint8_t* target = reply.data.data() + offset;
      if (target != reinterpret_cast<uint8_t*>(current)) std::memmove(target, current, current->nlmsg_len);
      reply.data.resize(offset + padded);
      reply.index.push_back(static_cast<uint32_t>(offset));
      walk.visit(reinterpret_cast<const nlmsghdr*>(target));
    }
  }
}

/** All parts once. A part of another generation than the ones before it makes the whole begin again. */
template <typename Walk>
bool attempt_all(NetlinkSocket& socket, const std::atomic<bool>& cancelled, const DumpRequest& request, Walk& walk,
                 DumpReply& reply) {
  int32_t generation16 = -1;
  for (const DumpPart& part : request.parts) {
    reply.generation16 = -1;
    if (!attempt(socket, cancelled, request, part, walk, reply)) return false;
    if (reply.failure) return true;
    // A part without messages tells nothing.
    const int32_t now = std::exchange(reply.generation16, generation16);
    if (now < 0) continue;
    if (generation16 >= 0 && now != generation16 && !request.across_commits) return false;
    generation16 = now;
  }
  reply.generation16 = generation16;
  return true;
}

template <typename Walk>
void dump_with(NetlinkSocket& socket, const std::atomic<bool>& cancelled, const DumpRequest& request, Walk& walk,
               DumpReply& reply) {
  socket.drain();
  while (!attempt_all(socket, cancelled, request, walk, reply)) {
    reply.data.resize(0);
    reply.index.clear();
    walk.reset();
    if (reply.retries == request.max_retries) {
      reply.failure = Failure{"dump", EINTR};
      break;
    }
    ++reply.retries;
  }
  if (reply.failure) {
    reply.data = ByteBuffer();
    reply.index.clear();
    walk.reset();
    return;
  }
  if (request.keep) {
    reply.data.shrink();
  } else {
    reply.data = ByteBuffer();  // it has been the room to receive into
  }
}

}  // namespace

DumpReply dump(NetlinkSocket& socket, const std::atomic<bool>& cancelled, const DumpRequest& request) {
  DumpReply reply;
  NoWalk walk;
  dump_with(socket, cancelled, request, walk, reply);
  return reply;
}

CounterReply dump_counters(NetlinkSocket& socket, const std::atomic<bool>& cancelled, DumpRequest request) {
  request.type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE;
  CounterReply reply;
  CounterWalk walk(reply, request.keep);
  dump_with(socket, cancelled, request, walk, reply);
  return reply;
}

ElementReply dump_elements(NetlinkSocket& socket, const std::atomic<bool>& cancelled, DumpRequest request) {
  request.type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM;
  ElementReply reply;
  ElementWalk walk(reply, request.keep);
  dump_with(socket, cancelled, request, walk, reply);
  return reply;
}

}  // namespace nflink
