// Network namespaces: opening one, and running a function in one.
#pragma once

#include <functional>
#include <string>

#include "failure.h"
#include "unique_fd.h"

namespace nflink::netns {

/** Opens /run/netns/<name>, /proc/<pid>/ns/net and the like. */
MaybeFailure open_path(const std::string& path, UniqueFd& fd);

/** A copy of the caller's descriptor, which may then be closed while we still use ours. */
MaybeFailure duplicate(int descriptor, UniqueFd& fd);

/** The namespace a socket was opened in. */
MaybeFailure of_socket(int socket, UniqueFd& fd);

/**
 * Runs `function` inside the namespace. setns changes the calling thread for good, so this happens on a thread that is
 * ours and ends with it, never on the main thread or one of libuv's. Waits for it. `function` must not throw.
 */
MaybeFailure run_in(int namespace_fd, const std::function<MaybeFailure()>& function);

}  // namespace nflink::netns
