// The lock that every iptables-legacy takes around its work.
#include "xt_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace nflink {

MaybeFailure try_xtables_lock(const std::string& path, UniqueFd& lock, bool& busy) {
  busy = false;
  // O_NONBLOCK: a FIFO under that name must not hang us.
  lock = UniqueFd(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
  if (!lock) return Failure{"open(lock file)", errno};
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    lock.reset();
    busy = error == EWOULDBLOCK;
    return busy ? std::nullopt : MaybeFailure(Failure{"flock", error});
  }
  return std::nullopt;
}

}  // namespace nflink
