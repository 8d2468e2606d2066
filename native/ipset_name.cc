// Names and indexes of ipsets, by getsockopt SO_IP_SET.
#include "ipset_name.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <linux/netfilter/ipset/ip_set.h>

#include <cerrno>
#include <cstring>

namespace nflink {

static_assert(kLongestIpsetName == IPSET_MAXNAMELEN - 1);

MaybeFailure open_ipset_socket(UniqueFd& fd) {
  fd = UniqueFd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd) return Failure{"socket", errno};
  return std::nullopt;
}

IpsetReply ask_ipset(int fd, const IpsetQuery& query) {
  IpsetReply reply;

  // ip_set_sockfn_get() in net/netfilter/ipset/ip_set_core.c: the version first, then requests that carry it.
  ip_set_req_version version{};
  version.op = IP_SET_OP_VERSION;
  socklen_t length = sizeof version;
  if (::getsockopt(fd, SOL_IP, SO_IP_SET, &version, &length) != 0) {
    reply.failure = Failure{"getsockopt", errno};
    return reply;
  }

  ip_set_req_get_set request{};
  request.version = version.version;
  const auto* name = std::get_if<std::string>(&query);
  if (name != nullptr) {
    if (name->empty() || name->size() > kLongestIpsetName) {
      reply.failure = Failure{"getsockopt", ENOENT};
      return reply;
    }
    request.op = IP_SET_OP_GET_BYNAME;
    std::memcpy(request.set.name, name->data(), name->size());
  } else {
    request.op = IP_SET_OP_GET_BYINDEX;
    request.set.index = std::get<uint16_t>(query);
  }

  length = sizeof request;
  if (::getsockopt(fd, SOL_IP, SO_IP_SET, &request, &length) != 0 || length != sizeof request) {
    reply.failure = Failure{"getsockopt", length != sizeof request ? EPROTO : errno};
    return reply;
  }
  if (name != nullptr) {
    if (request.set.index == IPSET_INVALID_ID) reply.failure = Failure{"getsockopt", ENOENT};
    reply.index = request.set.index;
    reply.name = *name;
  } else {
    reply.index = std::get<uint16_t>(query);
    reply.name.assign(request.set.name, ::strnlen(request.set.name, sizeof request.set.name));
    if (reply.name.empty()) reply.failure = Failure{"getsockopt", ENOENT};
  }
  return reply;
}

}  // namespace nflink
