// A range over netlink attributes, bounded by the bytes they lie in: `for (const nlattr* a : Attributes(message,
// skip))`. libmnl's own mnl_attr_for_each is C: it converts from void* silently.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace nflink {

/** What stands before a message's attributes. */
inline constexpr uint32_t kHeaders = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(nfgenmsg));

class Attributes {
 public:
  /** A message's attributes, behind `skip` bytes of its payload. The message must lie whole in memory. */
  Attributes(const nlmsghdr* message, size_t skip) {
    const size_t length = mnl_nlmsg_get_payload_len(message);
    if (skip >= length) return;
    first_ = static_cast<const uint8_t*>(mnl_nlmsg_get_payload(message)) + skip;
    length_ = static_cast<int>(length - skip);
  }
  /** An attribute's nested ones. */
  explicit Attributes(const nlattr* parent)
      : first_(reinterpret_cast<const uint8_t*>(parent) + NLA_HDRLEN),
        length_(parent->nla_len - static_cast<int>(NLA_HDRLEN)) {}

  class Iterator {
   public:
    Iterator(const uint8_t* at, int left) : at_(reinterpret_cast<const nlattr*>(at)), left_(left) {}
    const nlattr* operator*() const { return at_; }
    Iterator& operator++() {
      const int step = static_cast<int>(NLA_ALIGN(at_->nla_len));
      left_ -= step;
      at_ = reinterpret_cast<const nlattr*>(reinterpret_cast<const uint8_t*>(at_) + step);
      return *this;
    }
    /** Ends where no whole attribute is left. */
    bool operator==(std::default_sentinel_t) const {
      return left_ < static_cast<int>(NLA_HDRLEN) || at_->nla_len < NLA_HDRLEN || at_->nla_len > left_;
    }

   private:
    const nlattr* at_;
    int left_;
  };
  Iterator begin() const { return {first_, length_}; }
  static std::default_sentinel_t end() { return {}; }

 private:
  const uint8_t* first_ = nullptr;
  int length_ = 0;
};

/** The type without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
inline uint16_t type_of(const nlattr* attribute) { return attribute->nla_type & NLA_TYPE_MASK; }

inline std::string_view payload(const nlattr* attribute) {
  return {reinterpret_cast<const char*>(attribute) + NLA_HDRLEN, static_cast<size_t>(attribute->nla_len - NLA_HDRLEN)};
}

}  // namespace nflink
