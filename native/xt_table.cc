// Legacy tables, raw: whether there is one, what is in it, which extensions the kernel has.
#include "xt_table.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "xt_lock.h"

namespace nflink {
namespace {

// The two families have the same requests under the same numbers, of the same shapes.
static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo));
static_assert(offsetof(ipt_get_entries, entrytable) == offsetof(ip6t_get_entries, entrytable));
static_assert(kXtHeader == offsetof(ipt_get_entries, entrytable));
static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES);
static_assert(kLongestXtTable == XT_TABLE_MAXNAMELEN - 1 && kLongestXtExtension == XT_EXTENSION_MAXNAMELEN - 1);

/** Between size and contents somebody may change the table. */
constexpr int kTries = 20;

int level(XtFamily family) { return family == XtFamily::kIp ? IPPROTO_IP : IPPROTO_IPV6; }

MaybeFailure read_file(const char* path, std::string& text) {
  const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return Failure{"open(ip_tables_names)", errno};
  char part[512];
  for (;;) {
    const ssize_t length = ::read(fd.get(), part, sizeof part);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return Failure{"read", errno};
    if (length == 0) return std::nullopt;
    text.append(part, static_cast<size_t>(length));
  }
}

MaybeFailure xt_info(int socket, XtFamily family, const std::string& table, XtInfo& info) {
  ipt_getinfo request{};
  if (table.size() > kLongestXtTable) return Failure{"getsockopt(GET_INFO)", ENOENT};
  std::memcpy(request.name, table.c_str(), table.size());
  socklen_t length = sizeof request;
  if (::getsockopt(socket, level(family), IPT_SO_GET_INFO, &request, &length) != 0) {
    return Failure{"getsockopt(GET_INFO)", errno};
  }
  info.valid_hooks = request.valid_hooks;
  std::copy(std::begin(request.hook_entry), std::end(request.hook_entry), info.hook_entry.begin());
  std::copy(std::begin(request.underflow), std::end(request.underflow), info.underflow.begin());
  info.entries = request.num_entries;
  info.size = request.size;
  return std::nullopt;
}

}  // namespace

MaybeFailure open_xt_socket(XtFamily family, UniqueFd& fd) {
  fd = UniqueFd(::socket(family == XtFamily::kIp ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd) return Failure{"socket(SOCK_RAW)", errno};
  return std::nullopt;
}

MaybeFailure list_xt_tables(XtFamily family, std::vector<std::string>& tables) {
  std::string text;
  // /proc/net is the main thread's; the thread in the namespace may be another.
  const char* path =
      family == XtFamily::kIp ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names";
  if (auto failure = read_file(path, text)) {
    if (failure->error != ENOENT) return failure;
    // The kernel has no such tables, or has not loaded what would make one. Without /proc nothing is known.
    if (::access("/proc/thread-self/net", F_OK) != 0) return Failure{"access(/proc/thread-self/net)", errno};
    return std::nullopt;
  }
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) tables.emplace_back(text, at, end - at);
    at = end + 1;
  }
  return std::nullopt;
}

MaybeFailure xt_table_exists(XtFamily family, const std::string& table, bool& exists) {
  std::vector<std::string> tables;
  const auto failure = list_xt_tables(family, tables);
  exists = std::find(tables.begin(), tables.end(), table) != tables.end();
  return failure;
}

MaybeFailure read_xt_entries(int socket, XtFamily family, const std::string& table, XtInfo& info, ByteBuffer& data) {
  for (int tries = 0;; ++tries) {
    if (auto failure = xt_info(socket, family, table, info)) return failure;
    // What was read before is not copied into a larger one.
    data = ByteBuffer();
    auto* request = reinterpret_cast<ipt_get_entries*>(data.reserve_pages(kXtHeader + info.size));
    std::memset(request, 0, kXtHeader);
    std::memcpy(request->name, table.c_str(), table.size());
    request->size = info.size;
    auto length = static_cast<socklen_t>(kXtHeader + info.size);
    if (::getsockopt(socket, level(family), IPT_SO_GET_ENTRIES, request, &length) == 0) break;
    if (errno != EAGAIN || tries == kTries) return Failure{"getsockopt(GET_ENTRIES)", errno};
  }
  data.resize(kXtHeader + info.size);
  return std::nullopt;
}

XtReadReply read_xt_table(XtFamily family, const std::string& table, const std::string& lock_path) {
  XtReadReply reply;
  bool exists = false;
  if ((reply.failure = xt_table_exists(family, table, exists))) return reply;
  if (!exists) {
    reply.missing = true;
    return reply;
  }
  UniqueFd socket;
  if ((reply.failure = open_xt_socket(family, socket))) return reply;
  UniqueFd lock;
  // Counters are read all the same where the lock cannot be had, or its file not be opened.
  if (!lock_path.empty()) reply.unlocked = try_xtables_lock(lock_path, lock, reply.unlocked) || reply.unlocked;
  reply.failure = read_xt_entries(socket.get(), family, table, reply.info, reply.data);
  return reply;
}

XtRevisionReply ask_xt_revision(XtFamily family, bool target, const std::string& name, uint8_t revision) {
  XtRevisionReply reply;
  // The kernel's request has no room for such a name, and no extension has one.
  if (name.size() > kLongestXtExtension) {
    reply.failure = Failure{"getsockopt(GET_REVISION)", ENOENT};
    return reply;
  }
  UniqueFd socket;
  if ((reply.failure = open_xt_socket(family, socket))) return reply;
  xt_get_revision request{};
  std::memcpy(request.name, name.data(), name.size());
  request.revision = revision;
  socklen_t length = sizeof request;
  const int option = family == XtFamily::kIp ? (target ? IPT_SO_GET_REVISION_TARGET : IPT_SO_GET_REVISION_MATCH)
                                             : (target ? IP6T_SO_GET_REVISION_TARGET : IP6T_SO_GET_REVISION_MATCH);
  // xt_find_revision() in net/netfilter/x_tables.c: EPROTONOSUPPORT says that there are other revisions.
  if (::getsockopt(socket.get(), level(family), option, &request, &length) >= 0) {
    reply.found = true;
  } else if (errno != EPROTONOSUPPORT) {
    reply.failure = Failure{"getsockopt(GET_REVISION)", errno};
  }
  return reply;
}

}  // namespace nflink
