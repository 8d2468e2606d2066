// The sockets of one connection, who is using them, and closing them.
#include "connection.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "netns.h"
#include "xt_table.h"

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
  UniqueFd opened;
  const auto* fd = std::get_if<UniqueFd>(&where);
  if (fd == nullptr) {
    if (auto failure = netns::open_path(std::get<std::string>(where), opened)) return failure;
    fd = &opened;
  }
  struct stat file {};
  if (::fstat(fd->get(), &file) != 0) return Failure{"fstat", errno};
  namespace_file_ = NamespaceFile{file.st_dev, file.st_ino};
  return netns::run_in(fd->get(), open_both);
}

MaybeFailure Connection::namespace_of(UniqueFd& fd) const {
  if (own_namespace_) return std::nullopt;
  return netns::of_socket(batch.fd(), fd);
}

MaybeFailure Connection::refresh_dump() {
  if (!dump.dump_running()) return std::nullopt;
  if (own_namespace_) return dump.open();
  // Asked of the socket, not of the path again: the name may lead to another namespace by now.
  UniqueFd fd;
  if (auto failure = netns::of_socket(dump.fd(), fd)) return failure;
  return netns::run_in(fd.get(), [this] { return dump.open(); });
}

MaybeFailure Connection::ipset_namespace(UniqueFd& fd) { return ipset ? std::nullopt : namespace_of(fd); }

MaybeFailure Connection::refresh_ipset(const UniqueFd& namespace_fd) {
  if (ipset) return std::nullopt;
  const auto open_socket = [this] { return open_xt_socket(XtFamily::kIp, ipset); };
  return own_namespace_ ? open_socket() : netns::run_in(namespace_fd.get(), open_socket);
}

void Connection::close() {
  cancel();
  closed_ = true;
  for (const Part part : kParts) {
    if (!busy_[static_cast<size_t>(part)]) close_part(part);
  }
}

std::vector<UniqueFd> Connection::close_later() {
  std::vector<UniqueFd> descriptors;
  descriptors.reserve(std::size(kParts));  // nothing below may throw with a part half closed
  cancel();
  closed_ = true;
  for (const Part part : kParts) {
    if (busy_[static_cast<size_t>(part)]) continue;
    if (part == Part::kBatch) descriptors.push_back(batch.release());
    if (part == Part::kDump) descriptors.push_back(dump.release());
    if (part == Part::kIpset) descriptors.push_back(std::move(ipset));
  }
  return descriptors;
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
  if (connection_->closed_) connection_->close_part(part_);
  connection_.reset();
}

}  // namespace nflink
