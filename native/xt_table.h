// Legacy tables, raw: whether there is one, what is in it, which extensions the kernel has. For the calling thread's
// namespace.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "byte_buffer.h"
#include "failure.h"
#include "unique_fd.h"

namespace nflink {

enum class XtFamily { kIp, kIp6 };

/** XT_TABLE_MAXNAMELEN without its NUL. */
inline constexpr size_t kLongestXtTable = 31;
/** XT_EXTENSION_MAXNAMELEN without its NUL. */
inline constexpr size_t kLongestXtExtension = 28;

/** What stands before the entries: name and size in struct ipt_get_entries. */
inline constexpr size_t kXtHeader = 40;

/** struct ipt_getinfo and ip6t_getinfo, which are alike. */
struct XtInfo {
  uint32_t valid_hooks = 0;
  std::array<uint32_t, 5> hook_entry{};
  std::array<uint32_t, 5> underflow{};
  uint32_t entries = 0;
  uint32_t size = 0;
};

/** A raw socket of the family: what the kernel's table requests go through. Needs CAP_NET_RAW. */
MaybeFailure open_xt_socket(XtFamily family, UniqueFd& fd);

/** The tables that the namespace has. Only this list of the kernel's tells: any request that names a table makes it. */
MaybeFailure list_xt_tables(XtFamily family, std::vector<std::string>& tables);
/** Whether the namespace has the table. */
MaybeFailure xt_table_exists(XtFamily family, const std::string& table, bool& exists);

/**
 * Reads the entries of a table in one piece, kXtHeader bytes before them. Makes the table where it is missing: ask
 * xt_table_exists first. Throws std::bad_alloc.
 */
MaybeFailure read_xt_entries(int socket, XtFamily family, const std::string& table, XtInfo& info, ByteBuffer& data);

struct XtReadReply {
  MaybeFailure failure;
  /** The namespace has no such table, and still has none. */
  bool missing = false;
  /** The lock was asked for and could not be had: the table was read all the same. */
  bool unlocked = false;
  XtInfo info;
  /** kXtHeader bytes of the request, then struct ipt_entry or ip6t_entry, one after the other. */
  ByteBuffer data;
};

/** Reads a table in one piece; never makes one. `lock_path`: held meanwhile if it can be had; empty: not asked for. */
XtReadReply read_xt_table(XtFamily family, const std::string& table, const std::string& lock_path);

struct XtRevisionReply {
  MaybeFailure failure;
  /** The kernel has the extension in the revision asked about. */
  bool found = false;
};

/** ENOENT where the kernel has no revision of it; loads its module. */
XtRevisionReply ask_xt_revision(XtFamily family, bool target, const std::string& name, uint8_t revision);

}  // namespace nflink
