// Names and indexes of ipsets: what the `set` match and `SET` target hold is an index.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "failure.h"

namespace nflink {

/** By name, or by index. */
using IpsetQuery = std::variant<std::string, uint16_t>;

struct IpsetReply {
  MaybeFailure failure;
  uint16_t index = 0;
  std::string name;
  /** NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_UNSPEC, which is for both; also where the kernel doesn't say, as for a
   * question by index. */
  uint8_t family = 0;
};

/** Longest name of a set without its NUL: IPSET_MAXNAMELEN - 1. */
inline constexpr size_t kLongestIpsetName = 31;

/** Asks through the raw socket of legacy tables, open_xt_socket(). ENOENT when there is no such set. */
IpsetReply ask_ipset(int fd, const IpsetQuery& query);

}  // namespace nflink
