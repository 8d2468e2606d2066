// The commands of a commit on a legacy table: what leads nowhere, or would lead libiptc astray, is refused here.
#include "xt_commands.h"

#include <net/if.h>
#include <netinet/in.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <libiptc/libiptc.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "xt_entry.h"

namespace nflink {
namespace {

/** Why an entry would lead libiptc or us out of its bytes, or null. */
template <typename Entry>
const char* check_entry(const uint8_t* bytes, size_t length, bool jump) {
  bool named = true;
  size_t target = 0;
  size_t target_size = 0;
  const char* complaint = visit_xt_entry<Entry>(bytes, length, [&](size_t at, size_t size) {
    named = named && xt_name_length(bytes + at) < XT_EXTENSION_MAXNAMELEN;
    target = at;
    target_size = size;
  });
  if (complaint != nullptr) return complaint;
  if (!named) return "the name of a match or target has no end";
  if (target + target_size != length) return "an entry has a wrong size";
  const auto* name = reinterpret_cast<const char*>(bytes + target + kXtExtensionName);
  // In the kernel's tables it is the head of a chain: libiptc would read the rest of the table as that chain.
  if (std::strcmp(name, XT_ERROR_TARGET) == 0) return "a target's name is the kernel's own";
  // What libiptc takes for a verdict it writes into; a size it doesn't expect makes it give up.
  const bool verdict = jump || name[0] == '\0' || std::strcmp(name, IPTC_LABEL_ACCEPT) == 0 ||
                       std::strcmp(name, IPTC_LABEL_DROP) == 0 || std::strcmp(name, IPTC_LABEL_QUEUE) == 0 ||
                       std::strcmp(name, IPTC_LABEL_RETURN) == 0;
  if (verdict && target_size != kXtVerdict) return "a verdict has a wrong size";
  return nullptr;
}

bool has_entry(XtVerb verb) {
  return verb == XtVerb::kAppend || verb == XtVerb::kInsert || verb == XtVerb::kReplace || verb == XtVerb::kDelete ||
         verb == XtVerb::kCheck;
}
bool may_name_no_chain(XtVerb verb) {
  return verb == XtVerb::kFlushChain || verb == XtVerb::kZero || verb == XtVerb::kBegin ||
         verb == XtVerb::kDeleteUserChains;
}

}  // namespace

const char* XtCommands::take(XtFamily family, const uint32_t* words, size_t word_count, const uint8_t* bytes,
                             size_t byte_count) {
  if (word_count % kWords != 0) return "commands must hold nine words each";
  // Copied first: what is checked below is what is used.
  words_.assign(words, words + word_count);
  byte_count_ = byte_count;
  bytes_.assign((byte_count + 7) / 8, 0);
  if (byte_count > 0) std::memcpy(bytes_.data(), bytes, byte_count);
  for (size_t i = 0; i < word_count; i += kWords) {
    if (const char* complaint = check(family, words_.data() + i)) return complaint;
  }
  return nullptr;
}

bool XtCommands::text_at(uint32_t place, size_t most) const {
  if (place >= byte_count_) return false;
  const size_t room = std::min(byte_count_ - place, most + 1);
  return ::strnlen(reinterpret_cast<const char*>(at(place)), room) < room;
}

const char* XtCommands::check(XtFamily family, const uint32_t* c) const {
  const auto [verb, flags, chain, number, entry, length, mask, other, counters] =
      std::array<uint32_t, kWords>{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]};
  if (verb > static_cast<uint32_t>(XtVerb::kDeleteUserChains) || (flags & ~kXtFlags) != 0)
    return "a command's verb or flags are unknown";
  const auto which = static_cast<XtVerb>(verb);
  constexpr size_t kLongestChain = sizeof(xt_chainlabel) - 1;
  if (chain == kNone ? !may_name_no_chain(which) : !text_at(chain, kLongestChain))
    return "a command's chain is no name";
  const bool numbered =
      which == XtVerb::kInsert || which == XtVerb::kReplace || which == XtVerb::kDeleteAt || which == XtVerb::kZeroAt;
  if (numbered && (number == 0 || number > INT32_MAX)) return "a rule number counts from 1";
  if (has_entry(which)) {
    if (entry % 8 != 0 || entry > byte_count_ || length > byte_count_ - entry) return "an entry lies outside the bytes";
    const bool jump = (flags & kXtJump) != 0;
    const char* complaint = family == XtFamily::kIp ? check_entry<ipt_entry>(at(entry), length, jump)
                                                    : check_entry<ip6t_entry>(at(entry), length, jump);
    if (complaint != nullptr) return complaint;
    const bool compares = which == XtVerb::kDelete || which == XtVerb::kCheck || (flags & kXtConditional) != 0;
    // A jump is made of an entry with its mask, whether the command compares or not.
    if (mask == kNone ? compares : mask > byte_count_ || length > byte_count_ - mask)
      return "a mask lies outside the bytes";
  } else if ((flags & kXtJump) != 0) {
    return "a command's verb or flags are unknown";
  }
  const bool named = which == XtVerb::kRenameChain || which == XtVerb::kSetPolicy;
  if (named && !text_at(other, kLongestChain)) return "a command's second name is none";
  if (counters != kNone &&
      (counters % 8 != 0 || counters > byte_count_ || byte_count_ - counters < 2 * sizeof(uint64_t))) {
    return "counters lie outside the bytes";
  }
  return nullptr;
}

XtCommands::Command XtCommands::operator[](size_t index) {
  const uint32_t* c = words_.data() + index * kWords;
  const auto verb = static_cast<XtVerb>(c[0]);
  const auto text = [this](uint32_t place) { return reinterpret_cast<const char*>(at(place)); };
  const bool named = verb == XtVerb::kRenameChain || verb == XtVerb::kSetPolicy;
  return {
      .verb = verb,
      .flags = c[1],
      .chain = c[2] == kNone ? nullptr : text(c[2]),
      .number = c[3],
      .entry = has_entry(verb) ? at(c[4]) : nullptr,
      .mask = has_entry(verb) && c[6] != kNone ? at(c[6]) : nullptr,
      .other = named ? text(c[7]) : nullptr,
      .counters = c[8] == kNone ? nullptr : reinterpret_cast<const uint64_t*>(at(c[8])),
  };
}

}  // namespace nflink
