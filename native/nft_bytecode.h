// libnftnl's listing of one rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace nflink {

/**
 * The listing of a rule as `nft --debug=netlink` prints it, from the attributes of an NFT_MSG_NEWRULE message; nothing
 * when they are malformed or libnftnl does not know an expression. The caller has made sure that every attribute has
 * the size libnftnl expects, for its parser ends the process otherwise. Throws std::bad_alloc.
 */
std::optional<std::string> bytecode(uint8_t family, const uint8_t* attributes, size_t length);

}  // namespace nflink
