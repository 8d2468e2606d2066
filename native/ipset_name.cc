// Names and indexes of ipsets, by getsockopt SO_IP_SET.
#include "ipset_name.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>

#include <cerrno>
#include <cstring>

namespace nflink {

static_assert(kLongestIpsetName == IPSET_MAXNAMELEN - 1);

namespace {

/** The errno of a failed question, or 0. */
template <typename Request>
int ask(int fd, Request& request) {
  socklen_t length = sizeof request;
  if (::getsockopt(fd, SOL_IP, SO_IP_SET, &request, &length) != 0) return errno;
  return length == sizeof request ? 0 : EPROTO;
}

void ask_by_name(int fd, unsigned version, const std::string& name, IpsetReply& reply) {
  if (name.empty() || name.size() > kLongestIpsetName) {
    reply.failure = Failure{"getsockopt", ENOENT};
    return;
  }
  ip_set_req_get_set_family request{};
  request.version = version;
  request.op = IP_SET_OP_GET_FNAME;
  std::memcpy(request.set.name, name.data(), name.size());
  int error = ask(fd, request);
  reply.index = request.set.index;
  reply.family = static_cast<uint8_t>(request.family);
  if (error == EBADMSG) {
    // A kernel that doesn't know the question (before 3.7).
    ip_set_req_get_set plain{};
    plain.version = version;
    plain.op = IP_SET_OP_GET_BYNAME;
    std::memcpy(plain.set.name, name.data(), name.size());
    error = ask(fd, plain);
    reply.index = plain.set.index;
    reply.family = NFPROTO_UNSPEC;
  }
  if (error == 0 && reply.index == IPSET_INVALID_ID) error = ENOENT;
  if (error != 0) reply.failure = Failure{"getsockopt", error};
  reply.name = name;
}

void ask_by_index(int fd, unsigned version, uint16_t index, IpsetReply& reply) {
  ip_set_req_get_set request{};
  request.version = version;
  request.op = IP_SET_OP_GET_BYINDEX;
  request.set.index = index;
  int error = ask(fd, request);
  reply.index = index;
  reply.name.assign(request.set.name, ::strnlen(request.set.name, sizeof request.set.name));
  if (error == 0 && reply.name.empty()) error = ENOENT;
  if (error != 0) reply.failure = Failure{"getsockopt", error};
}

}  // namespace

IpsetReply ask_ipset(int fd, const IpsetQuery& query) {
  IpsetReply reply;

  // ip_set_sockfn_get() in net/netfilter/ipset/ip_set_core.c: the version first, then requests that carry it.
  ip_set_req_version version{};
  version.op = IP_SET_OP_VERSION;
  if (const int error = ask(fd, version)) {
    reply.failure = Failure{"getsockopt", error};
    return reply;
  }
  if (const auto* name = std::get_if<std::string>(&query)) {
    ask_by_name(fd, version.version, *name, reply);
  } else {
    ask_by_index(fd, version.version, std::get<uint16_t>(query), reply);
  }
  return reply;
}

}  // namespace nflink
