// Network namespaces: opening one, and running a function in one.
#include "netns.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace nflink::netns {

MaybeFailure open_path(const std::string& path, UniqueFd& fd) {
  // O_NONBLOCK: a FIFO under that name must not hang us; setns says EINVAL about it.
  fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return Failure{"open", errno};
  return std::nullopt;
}

MaybeFailure duplicate(int descriptor, UniqueFd& fd) {
  fd = UniqueFd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!fd) return Failure{"fcntl", errno};
  return std::nullopt;
}

MaybeFailure of_socket(int socket, UniqueFd& fd) {
  // The descriptor is close-on-exec: open_related_ns() in fs/nsfs.c.
  fd = UniqueFd(::ioctl(socket, SIOCGSKNS));
  if (!fd) return Failure{"ioctl", errno};
  return std::nullopt;
}

MaybeFailure run_in(int namespace_fd, const std::function<MaybeFailure()>& function) {
  MaybeFailure failure;
  // The thread inherits the mask: with everything blocked no handler of the process ever runs in the other namespace.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  if (const int error = ::pthread_sigmask(SIG_SETMASK, &all, &before)) return Failure{"pthread_sigmask", error};
  try {
    std::thread thread([&]() noexcept {
      if (::setns(namespace_fd, CLONE_NEWNET) != 0) {
        failure = Failure{"setns", errno};
        return;
      }
      failure = function();
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    thread.join();
  } catch (const std::system_error& error) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    failure = Failure{"pthread_create", error.code().value()};
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  return failure;
}

}  // namespace nflink::netns
