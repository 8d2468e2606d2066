// One NETLINK_NETFILTER socket: opening, sizing, sending, receiving.
#pragma once

#include <cstddef>
#include <cstdint>

#include "byte_buffer.h"
#include "failure.h"
#include "unique_fd.h"

namespace nflink {

/** Room a receive needs: dumps come in pieces of up to 32 KB, a single reply is at most NLMSG_GOODSIZE (8 KB). */
inline constexpr size_t kReceiveRoom = 64 * 1024;

/** Longest batch we hand over: below the kernel's own bound (sk_sndbuf is an int) and any allocation it could satisfy.
 */
inline constexpr size_t kLongestMessage = size_t{1} << 30;

class NetlinkSocket {
 public:
  /** Opens in the network namespace of the calling thread. Non-blocking and close-on-exec. */
  MaybeFailure open();
  void close();
  /** The descriptor, for somebody else to close. */
  UniqueFd release();

  int fd() const { return fd_.get(); }
  /** nlmsg_pid of this socket. */
  uint32_t port() const { return port_; }
  bool can_force_buffers() const { return can_force_; }
  /** Longest message the kernel would take from this socket as it can be sized. */
  size_t longest_message() const;

  /** Reserves `count` sequence numbers and returns the first. They wrap: compare by unsigned difference. */
  uint32_t take_sequence(uint32_t count);

  /** Sizes the send buffer for one message of `length` bytes; EMSGSIZE if that can't be. */
  MaybeFailure reserve_send(size_t length);
  /** Sizes the receive buffer for replies that the kernel accounts with `bytes`, as far as permitted. */
  void reserve_receive(size_t bytes);
  /** As reserve_receive, but makes it smaller as well. */
  void resize_receive(size_t bytes);
  /** What the kernel lets queue up for us, by its own accounting. */
  size_t receive_buffer() const { return receive_buffer_; }

  /** Joins a multicast group (NFNLGRP_*): its messages come from now on. */
  MaybeFailure join(int group);

  /** Sends one datagram; the kernel has handled it, and queued all replies, when this returns. */
  MaybeFailure send(const void* message, size_t length);

  struct Received {
    size_t length = 0;
    int error = 0;  // positive errno; EAGAIN: nothing queued; ENOBUFS: replies were lost
  };
  /** Receives one datagram of the kernel's without waiting. EINTR is passed on: netlink uses it for dumps as well. */
  Received receive(void* buffer, size_t room);
  /** Waits until there is something to receive: 1, or 0 after the time, or a negative errno. */
  int wait(int milliseconds);
  /** Throws away what an earlier call left queued. */
  void drain();

  // A dump given up halfway goes on in the kernel, which answers EBUSY to the next: such a socket must be opened anew.
  void dump_began() { dump_running_ = true; }
  void dump_ended() { dump_running_ = false; }
  bool dump_running() const { return dump_running_; }

  /** kReceiveRoom bytes that live as long as the socket. Throws std::bad_alloc. */
  uint8_t* scratch() { return scratch_.reserve(kReceiveRoom); }

 private:
  UniqueFd fd_;
  uint32_t port_ = 0;
  uint32_t sequence_ = 0;
  size_t send_buffer_ = 0;     // sk_sndbuf
  size_t receive_buffer_ = 0;  // sk_rcvbuf
  bool can_force_ = false;
  bool dump_running_ = false;
  ByteBuffer scratch_;
};

}  // namespace nflink
