// The sockets of one connection, who is using them, and closing them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

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

  /** The namespace's file in nsfs, as stat(2) tells it of a path that leads there; none for the process's own. */
  struct NamespaceFile {
    uint64_t device = 0;
    uint64_t inode = 0;
  };
  const std::optional<NamespaceFile>& namespace_file() const { return namespace_file_; }
  /** The namespace, or nothing when it is the process's own. On the JavaScript thread, safe there from close(). */
  MaybeFailure namespace_of(UniqueFd& fd) const;

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

  /** Refuses new work and makes a dump give up, but closes nothing. On the JavaScript thread only. */
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  /** Closes what is idle; a Lease closes its own part when it ends. On the JavaScript thread only. May be repeated. */
  void close();
  /**
   * As close(), but the descriptors that are idle are left to the caller: close(2) of a netlink socket waits in the
   * kernel for what a commit has to destroy (nft_rcv_nl_event() in nf_tables_api.c).
   */
  std::vector<UniqueFd> close_later();

 private:
  friend class Lease;

  void close_part(Part part);

  std::atomic<bool> cancelled_ = false;
  bool closed_ = false;
  std::optional<NamespaceFile> namespace_file_;
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
