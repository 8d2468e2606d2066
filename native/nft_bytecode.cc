// libnftnl's listing of one rule.
#include "nft_bytecode.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "attributes.h"

namespace nflink {
namespace {

/** A rule's attributes are far shorter: its expressions are one attribute, so at most 64 KB. */
constexpr size_t kLongestRule = 256 * 1024;

struct RuleFree {
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};

const nlattr* at(const uint8_t* bytes) { return reinterpret_cast<const nlattr*>(bytes); }

/** Calls `check` for each attribute of exactly `length` bytes of them; false when the framing or a check fails. */
template <typename Check>
bool every_attribute(const uint8_t* bytes, size_t length, Check check) {
  while (length > 0) {
    if (length < NLA_HDRLEN) return false;
    const nlattr* attribute = at(bytes);
    if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > length) return false;
    if (!check(mnl_attr_get_type(attribute), static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)),
               size_t{mnl_attr_get_payload_len(attribute)})) {
      return false;
    }
    const size_t step = std::min<size_t>(NLA_ALIGN(attribute->nla_len), length);
    bytes += step;
    length -= step;
  }
  return true;
}

bool is_string(const uint8_t* bytes, size_t length) { return length > 0 && bytes[length - 1] == 0; }

/** NFTA_LIST_ELEM { NFTA_EXPR_NAME, NFTA_EXPR_DATA { attributes } }: what libnftnl takes for granted before it looks.
 */
bool is_expression(const uint8_t* bytes, size_t length) {
  bool named = false;
  const bool sound = every_attribute(bytes, length, [&](uint16_t type, const uint8_t* payload, size_t size) {
    if (type == NFTA_EXPR_NAME) {
      named = true;
      return is_string(payload, size);
    }
    if (type == NFTA_EXPR_DATA) return every_attribute(payload, size, [](auto...) { return true; });
    return true;
  });
  return sound && named;
}

bool is_rule(const uint8_t* bytes, size_t length) {
  return every_attribute(bytes, length, [](uint16_t type, const uint8_t* payload, size_t size) {
    switch (type) {
      case NFTA_RULE_TABLE:
      case NFTA_RULE_CHAIN:
        return is_string(payload, size);
      case NFTA_RULE_HANDLE:
      case NFTA_RULE_POSITION:
        return size == sizeof(uint64_t);
      case NFTA_RULE_ID:
      case NFTA_RULE_POSITION_ID:
        return size == sizeof(uint32_t);
      case NFTA_RULE_COMPAT:
        return every_attribute(payload, size, [](uint16_t, const uint8_t*, size_t inner) { return inner == 4; });
      case NFTA_RULE_USERDATA:
        return size <= NFT_USERDATA_MAXLEN;
      case NFTA_RULE_EXPRESSIONS:
        return every_attribute(payload, size, [](uint16_t kind, const uint8_t* element, size_t inner) {
          return kind == NFTA_LIST_ELEM && is_expression(element, inner);
        });
      default:
        return true;
    }
  });
}

}  // namespace

std::optional<std::string> bytecode(uint8_t family, const uint8_t* attributes, size_t length) {
  if (length > kLongestRule) return std::nullopt;
  // A copy of ours: aligned as libmnl needs, and nobody else can change it after it was checked.
  std::vector<uint32_t> words((kHeaders + length + sizeof(uint32_t) - 1) / sizeof(uint32_t));
  auto* bytes = reinterpret_cast<uint8_t*>(words.data());
  if (length > 0) std::memcpy(bytes + kHeaders, attributes, length);
  if (!is_rule(bytes + kHeaders, length)) return std::nullopt;
  nlmsghdr* message = nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(bytes), NFT_MSG_NEWRULE, family, 0, 0);
  message->nlmsg_len = static_cast<uint32_t>(kHeaders + length);

  const std::unique_ptr<nftnl_rule, RuleFree> rule(nftnl_rule_alloc());
  if (!rule) throw std::bad_alloc();
  if (nftnl_rule_nlmsg_parse(message, rule.get()) < 0) return std::nullopt;

  std::string text(4096, '\0');
  for (;;) {
    const int needed = nftnl_rule_snprintf(text.data(), text.size(), rule.get(), NFTNL_OUTPUT_DEFAULT, 0);
    if (needed < 0) return std::nullopt;
    // Like snprintf it returns the length it wanted, without the NUL.
    if (static_cast<size_t>(needed) < text.size()) {
      text.resize(::strnlen(text.data(), static_cast<size_t>(needed)));
      return text;
    }
    text.assign(static_cast<size_t>(needed) + 1, '\0');
  }
}

}  // namespace nflink
