// The sockets of one connection, who is using them, and closing them.
#include "connection.h"

#include <cerrno>

#include "netns.h"

namespace nflink {
namespace {

constexpr Part kParts[] = {Part::kBatch, Part::kDump, Part::kIpset};

}  // namespace

MaybeFailure Connection::open(const NamespaceChoice& where) {
  const auto open_both = [this]() -> MaybeFailure {
    if (auto failure = batch.open()) return failure;
    return dump.open();
  };
  own_namespace_ = std::holds_alternative<std::monostate>(where);
  if (own_namespace_) return open_both();
  if (const auto* fd = std::get_if<UniqueFd>(&where)) return netns::run_in(fd->get(), open_both);
  UniqueFd fd;
  if (auto failure = netns::open_path(std::get<std::string>(where), fd)) return failure;
  return netns::run_in(fd.get(), open_both);
}

MaybeFailure Connection::refresh_dump() {
  if (!dump.dump_running()) return std::nullopt;
  if (own_namespace_) return dump.open();
  // Asked of the socket, not of the path again: the name may lead to another namespace by now.
  UniqueFd fd;
  if (auto failure = netns::of_socket(dump.fd(), fd)) return failure;
  return netns::run_in(fd.get(), [this] { return dump.open(); });
}

MaybeFailure Connection::ipset_namespace(UniqueFd& fd) {
  if (ipset || own_namespace_) return std::nullopt;
  return netns::of_socket(batch.fd(), fd);
}

MaybeFailure Connection::refresh_ipset(const UniqueFd& namespace_fd) {
  if (ipset) return std::nullopt;
  if (own_namespace_) return open_ipset_socket(ipset);
  return netns::run_in(namespace_fd.get(), [this] { return open_ipset_socket(ipset); });
}

void Connection::close() {
  cancelled_.store(true, std::memory_order_relaxed);
  for (const Part part : kParts) {
    if (!busy_[static_cast<size_t>(part)]) close_part(part);
  }
}

void Connection::close_part(Part part) {
  switch (part) {
    case Part::kBatch:
      return batch.close();
    case Part::kDump:
      return dump.close();
    case Part::kIpset:
      return ipset.reset();
  }
}

int Lease::take(const std::shared_ptr<Connection>& connection, Part part, Lease& lease) {
  if (connection->cancelled_.load(std::memory_order_relaxed)) return EBADF;
  bool& busy = connection->busy_[static_cast<size_t>(part)];
  if (busy) return EBUSY;
  busy = true;
  lease.connection_ = connection;
  lease.part_ = part;
  return 0;
}

void Lease::end() {
  if (!connection_) return;
  connection_->busy_[static_cast<size_t>(part_)] = false;
  if (connection_->cancelled_.load(std::memory_order_relaxed)) connection_->close_part(part_);
  connection_.reset();
}

}  // namespace nflink
