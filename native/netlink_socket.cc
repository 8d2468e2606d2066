// One NETLINK_NETFILTER socket: opening, sizing, sending, receiving.
#include "netlink_socket.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace nflink {
namespace {

/** netlink_sendmsg() in net/netlink/af_netlink.c: `if (len > sk->sk_sndbuf - 32) return -EMSGSIZE`. */
constexpr size_t kSendOverhead = 32;

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

size_t buffer_size(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &length) != 0 || value < 0) return 0;
  return static_cast<size_t>(value);
}

/** The kernel doubles what it is given (sock_setsockopt() in net/core/sock.c) and bounds it by INT_MAX / 2 first. */
int half(size_t bytes) { return static_cast<int>(std::min<size_t>(bytes / 2 + 1, INT_MAX / 2)); }

}  // namespace

MaybeFailure NetlinkSocket::open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd) return Failure{"socket", errno};

  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Failure{"bind", errno};
  socklen_t length = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return Failure{"getsockname", errno};

  // Errors with the kernel's sentence and attribute offset, and without a copy of what we sent.
  if (!set_option(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, 1)) return Failure{"setsockopt", errno};
  if (!set_option(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, 1)) return Failure{"setsockopt", errno};

  // sk_sndbuf is a limit, not a reservation: take all that net.core.wmem_max gives, once.
  set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, INT_MAX / 2);
  send_buffer_ = buffer_size(fd.get(), SO_SNDBUF);
  // Asking for what we have tells whether CAP_NET_ADMIN in the initial user namespace lets us ask for more.
  can_force_ = set_option(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, static_cast<int>(send_buffer_ / 2));
  receive_buffer_ = buffer_size(fd.get(), SO_RCVBUF);
  port_ = address.nl_pid;
  dump_running_ = false;
  fd_ = std::move(fd);
  return std::nullopt;
}

void NetlinkSocket::close() {
  fd_.reset();
  scratch_ = ByteBuffer();
}

UniqueFd NetlinkSocket::release() {
  scratch_ = ByteBuffer();
  return std::move(fd_);
}

size_t NetlinkSocket::longest_message() const {
  if (can_force_) return kLongestMessage;
  return send_buffer_ > kSendOverhead ? send_buffer_ - kSendOverhead : 0;
}

uint32_t NetlinkSocket::take_sequence(uint32_t count) {
  const uint32_t first = sequence_ + 1;
  sequence_ += count;
  return first;
}

MaybeFailure NetlinkSocket::reserve_send(size_t length) {
  if (length > kLongestMessage) return Failure{"sendmsg", EMSGSIZE};
  const size_t needed = length + kSendOverhead;
  if (needed > send_buffer_ && set_option(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, half(needed))) {
    send_buffer_ = buffer_size(fd_.get(), SO_SNDBUF);
  }
  if (needed > send_buffer_) return Failure{"sendmsg", EMSGSIZE};
  return std::nullopt;
}

void NetlinkSocket::reserve_receive(size_t bytes) {
  if (bytes > receive_buffer_) resize_receive(bytes);
}

void NetlinkSocket::resize_receive(size_t bytes) {
  if (!set_option(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, half(bytes))) {
    set_option(fd_.get(), SOL_SOCKET, SO_RCVBUF, half(bytes));
  }
  receive_buffer_ = buffer_size(fd_.get(), SO_RCVBUF);
}

MaybeFailure NetlinkSocket::join(int group) {
  if (!set_option(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)) return Failure{"setsockopt", errno};
  return std::nullopt;
}

MaybeFailure NetlinkSocket::send(const void* message, size_t length) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  iovec vector{const_cast<void*>(message), length};
  msghdr header{};
  header.msg_name = &kernel;
  header.msg_namelen = sizeof kernel;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  ssize_t sent;
  do {
    sent = ::sendmsg(fd_.get(), &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return Failure{"sendmsg", errno};
  return std::nullopt;
}

NetlinkSocket::Received NetlinkSocket::receive(void* buffer, size_t room) {
  for (;;) {
    sockaddr_nl sender{};
    iovec vector{buffer, room};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof sender;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    const ssize_t length = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT);
    if (length < 0) return {0, errno};
    // Another process with CAP_NET_ADMIN can send to our port.
    if (header.msg_namelen != sizeof sender || sender.nl_pid != 0) continue;
    // Nothing the kernel sends exceeds kReceiveRoom; what is cut is as good as lost.
    if (header.msg_flags & MSG_TRUNC) return {0, ENOBUFS};
    return {static_cast<size_t>(length), 0};
  }
}

int NetlinkSocket::wait(int milliseconds) {
  // poll, not select: a server's descriptors go far beyond FD_SETSIZE.
  pollfd poll{fd_.get(), POLLIN, 0};
  const int ready = ::poll(&poll, 1, milliseconds);
  if (ready < 0) return errno == EINTR ? 0 : -errno;
  return ready > 0 ? 1 : 0;
}

void NetlinkSocket::drain() {
  // A byte is room enough to throw a datagram away. Every turn takes one from a queue nobody adds to, or clears sk_err.
  uint8_t byte;
  iovec vector{&byte, sizeof byte};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  while (::recvmsg(fd_.get(), &header, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
  }
}

}  // namespace nflink
