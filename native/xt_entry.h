// One entry of a legacy table: struct ipt_entry or ip6t_entry, then matches, then a target.
#pragma once

#include <net/if.h>
#include <netinet/in.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nflink {

/** A match or a target; they have one shape. */
inline constexpr size_t kXtExtension = sizeof(xt_entry_match);
inline constexpr size_t kXtExtensionName = offsetof(xt_entry_match, u.user.name);
static_assert(kXtExtension == sizeof(xt_entry_target) && kXtExtensionName == offsetof(xt_entry_target, u.user.name));

/** The target that holds a verdict: one without a name. */
inline constexpr size_t kXtVerdict = XT_ALIGN(sizeof(xt_standard_target));

/** What a rule is compared by before its matches: addresses, interfaces, protocol, flags. Then come the kernel's own
 * words and the counters. */
template <typename Entry>
inline constexpr size_t kXtBase = offsetof(Entry, nfcache);

/** Without end where it is as long as XT_EXTENSION_MAXNAMELEN. */
inline size_t xt_name_length(const uint8_t* extension) {
  return ::strnlen(reinterpret_cast<const char*>(extension + kXtExtensionName), XT_EXTENSION_MAXNAMELEN);
}

/** What follows the end of a name is nobody's (xt_obj_to_user in net/netfilter/x_tables.c). There must be `size` bytes
 * of each. */
inline bool same_xt_extension(const uint8_t* a, const uint8_t* b, size_t size) {
  xt_entry_match one, two;
  std::memcpy(&one, a, sizeof one);
  std::memcpy(&two, b, sizeof two);
  return one.u.match_size == two.u.match_size && one.u.user.revision == two.u.user.revision &&
         std::strncmp(one.u.user.name, two.u.user.name, sizeof one.u.user.name) == 0 &&
         std::memcmp(a + sizeof one, b + sizeof one, size - sizeof one) == 0;
}

/**
 * Why the bytes begin with no entry, or null. `part(at, size)` is called for each match and then for the target, once
 * that is known to lie within.
 */
template <typename Entry, typename Part>
const char* visit_xt_entry(const uint8_t* bytes, size_t room, Part part) {
  if (room < sizeof(Entry) + kXtExtension) return "an entry is cut";
  Entry entry;
  std::memcpy(&entry, bytes, sizeof entry);
  const size_t target = entry.target_offset;
  const size_t next = entry.next_offset;
  if (next % 8 != 0 || next > room || target % 8 != 0 || target < sizeof entry || target + kXtExtension > next)
    return "an entry's offsets lie outside of it";
  const auto size_at = [bytes](size_t at) {
    uint16_t size;
    std::memcpy(&size, bytes + at, sizeof size);
    return size_t{size};
  };
  for (size_t at = sizeof entry; at < target;) {
    // Multiples of eight, all of them: there is room for the size.
    const size_t size = size_at(at);
    if (size < kXtExtension || size % 8 != 0 || size > target - at) return "a match has a wrong size";
    part(at, size);
    at += size;
  }
  const size_t size = size_at(target);
  if (size < kXtExtension || size > next - target) return "a target has a wrong size";
  part(target, size);
  return nullptr;
}

}  // namespace nflink
