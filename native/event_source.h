// An event stream as JavaScript sees it: an object that is asked for the next batch.
#pragma once

#include <node_api.h>

#include <memory>

#include "failure.h"
#include "nft_events.h"

namespace nflink {

/**
 * Makes `{ pull(callback), take(waitMs), generation(), close() }` of an open stream, and starts the environment's event
 * thread if this is its first. Null `source` without a failure: an exception is pending. On failure the stream is
 * closed.
 */
MaybeFailure event_source(napi_env env, std::shared_ptr<EventStream> stream, napi_value& source);

}  // namespace nflink
