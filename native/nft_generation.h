// Which generation the ruleset of a namespace is in: asking for it, and NFT_MSG_NEWGEN as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "failure.h"
#include "netlink_socket.h"

struct nlmsghdr;

namespace nflink {

/** NFTA_GEN_* of a message. */
struct Generation {
  uint32_t number = 0;
  uint32_t tid = 0;
  std::string process;
};

/** What an NFT_MSG_NEWGEN that lies whole in memory says; nothing where the number lacks. Throws std::bad_alloc. */
std::optional<Generation> read_generation(const nlmsghdr* message);

struct GenerationReply {
  MaybeFailure failure;
  Generation generation;
};

/** Asks with NFT_MSG_GETGEN. Throws std::bad_alloc. */
GenerationReply ask_generation(NetlinkSocket& socket);

}  // namespace nflink
