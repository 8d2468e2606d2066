// The methods of a connection that are about legacy tables.
#pragma once

#include "napi_util.h"

namespace nflink {

/** xtTables(family). */
napi_value xt_tables_verb(napi_env env, js::Arguments& arguments, js::Form form);
/** xtRead(family, table, lockPath, known). */
napi_value xt_read_verb(napi_env env, js::Arguments& arguments, js::Form form);
/** xtWalk(family, hooks, entries): what xtRead makes of such bytes. */
napi_value xt_walk_verb(napi_env env, js::Arguments& arguments, js::Form form);
/** xtCommit(family, table, lockPath, words, bytes, expected): the flags are bits of `family`. */
napi_value xt_commit_verb(napi_env env, js::Arguments& arguments, js::Form form);
/** xtRevision(family, target, name, revision). */
napi_value xt_revision_verb(napi_env env, js::Arguments& arguments, js::Form form);

}  // namespace nflink
