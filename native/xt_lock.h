// The lock that every iptables-legacy takes around its work.
#pragma once

#include <string>

#include "failure.h"
#include "unique_fd.h"

namespace nflink {

/**
 * One try at the lock file, without waiting: `busy` when somebody else holds it. The lock lasts as long as the
 * descriptor. The file belongs to the mount namespace, not to the network's; like the real programs it is made where it
 * is missing.
 */
MaybeFailure try_xtables_lock(const std::string& path, UniqueFd& lock, bool& busy);

}  // namespace nflink
