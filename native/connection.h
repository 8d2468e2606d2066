// The sockets of one connection, who is using them, and closing them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "failure.h"
#include "ipset_name.h"
#include "netlink_socket.h"
#include "unique_fd.h"

namespace nflink {

/** Where to open: the process's own namespace, a path, a descriptor. */
using NamespaceChoice = std::variant<std::monostate, std::string, UniqueFd>;

/** The sockets that can be at work independently of each other. */
enum class Part { kBatch, kDump, kIpset };

class Connection {
 public:
  /** Opens the netlink sockets. On any thread, before anybody else knows the connection. */
  MaybeFailure open(const NamespaceChoice& where);

  // The members below belong to whoever holds the Lease of their part.
  NetlinkSocket batch;
  NetlinkSocket dump;
  UniqueFd ipset;

  /** Makes the dump socket fit for a new request after a dump was given up. Needs the kDump lease. */
  MaybeFailure refresh_dump();
  /**
   * The namespace that refresh_ipset() will need, or nothing. On the JavaScript thread, right after taking the kIpset
   * lease: only there is the batch socket, which tells, safe from close().
   */
  MaybeFailure ipset_namespace(UniqueFd& fd);
  /** Opens the ipset socket if it isn't. Needs the kIpset lease. */
  MaybeFailure refresh_ipset(const UniqueFd& namespace_fd);

  /** Set by close(): a dump at work gives up. */
  const std::atomic<bool>& cancelled() const { return cancelled_; }

  /** Closes what is idle; a Lease closes its own part when it ends. On the JavaScript thread only. May be repeated. */
  void close();

 private:
  friend class Lease;

  void close_part(Part part);

  std::atomic<bool> cancelled_ = false;
  bool own_namespace_ = true;
  /** Whether a Lease is out, by part. JavaScript thread only, hence neither atomic nor locked. */
  std::array<bool, 3> busy_{};
};

/** The right to use one part. Taken, moved and ended on the JavaScript thread, used by one worker in between. */
class Lease {
 public:
  /** EBADF after close(), EBUSY while another Lease is out, else 0. */
  static int take(const std::shared_ptr<Connection>& connection, Part part, Lease& lease);

  Lease() = default;
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) noexcept = default;
  ~Lease() { end(); }

  Connection* operator->() const { return connection_.get(); }
  void end();

 private:
  std::shared_ptr<Connection> connection_;
  Part part_ = Part::kBatch;
};

}  // namespace nflink
