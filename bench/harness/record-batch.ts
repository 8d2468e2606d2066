// The batches that nflink sends, as bytes for the floor programs: encoded by nflink itself, sent by somebody else.
import { Connection, type Netns } from '../../lib/connection.ts';
import { CompatContext } from '../../lib/iptables/compat/context.ts';
import { restoreTables } from '../../lib/iptables/compat/restore.ts';
import { CompatSync } from '../../lib/iptables/compat/sync.ts';
import { RuleContext } from '../../lib/iptables/context.ts';
import { legacyRevisions } from '../../lib/iptables/legacy/revisions.ts';
import { LegacySync } from '../../lib/iptables/legacy/sync.ts';
import { parseSaveText } from '../../lib/iptables/save-text.ts';
import { desiredState } from '../../lib/iptables/sync/desired.ts';
import { Reconciler } from '../../lib/iptables/sync/reconcile.ts';
import { resolveScope, type Scope } from '../../lib/iptables/sync/scope.ts';
import type { ChainState } from '../../lib/iptables/sync/state.ts';
import type { SyncStore, SyncView } from '../../lib/iptables/sync/store.ts';
import { COMMIT_CONDITIONAL, type NativeCommitReply, type NativeConnection, type NativeXtCommitReply } from '../../lib/native.ts';
import { runSync, type Verb } from '../../lib/run.ts';

// include/uapi/linux/netlink.h, include/uapi/linux/netfilter/nfnetlink.h
const NLMSG_HDRLEN = 16;
const NLA_HDRLEN = 4;
const NFGENMSG_LENGTH = 4;
const NLM_F_REQUEST = 1;
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_BATCH_GENID = 1;
const HEADERS = NLMSG_HDRLEN + NFGENMSG_LENGTH;
const WORDS = 4;

/** The whole batch of `restore(saveText)`. The kernel is asked for revisions in `netns`, and nothing is sent to it. */
export function recordRestore(saveText: string, netns: Netns): Uint8Array {
  const settings = { noflush: false, counters: false, test: false };
  return recordBatch(netns, (connection) => restoreTables(new CompatContext(connection, 'ip'), parseSaveText(saveText, 'ip'), settings));
}

/**
 * The whole batch of `sync(saveText, scope)` for what `netns` holds now: handles and generation are right until somebody commits. Whoever recorded has
 * no subscription there any more, which would make commits dearer.
 */
export function recordSync(saveText: string, scope: Scope, netns: Netns): Uint8Array {
  return recordBatch(netns, (connection) => sync(new CompatSync(new CompatContext(connection, 'ip')), saveText, scope));
}

/** The commands of `sync(saveText, scope)` as the addon gets them, of the one legacy table that changes: a count of words, the words, their bytes. */
export function recordLegacySync(saveText: string, scope: Scope, netns: Netns): { readonly table: string; readonly file: Uint8Array } {
  const commits: { readonly table: string; readonly file: Uint8Array }[] = [];
  const recorder = {
    xtCommitSync(_flags: number, table: string, _lock: string, words: Uint32Array, bytes: Uint8Array): NativeXtCommitReply {
      const file = new Uint8Array(4 + words.byteLength + bytes.length);
      file.set(new Uint8Array(Uint32Array.of(words.length).buffer), 0);
      file.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), 4);
      file.set(bytes, 4 + words.byteLength);
      commits.push({ table, file });
      return {};
    },
  };
  withRecorder(netns, recorder, (connection) => {
    const context = new RuleContext(connection, 'ip', 'legacy', legacyRevisions(connection, 'ip'));
    return sync(new LegacySync(context, 0), saveText, scope);
  });
  const [commit, ...more] = commits;
  if (commit === undefined || more.length > 0) throw new Error(`sync changed ${commits.length} tables, one was expected`);
  return commit;
}

function sync<C extends ChainState, V extends SyncView<C>>(store: SyncStore<C, V>, saveText: string, scope: Scope): Verb<unknown> {
  return new Reconciler(store).sync(resolveScope(scope, desiredState(saveText, 'ip').tables, 'ip'), {});
}

function recordBatch(netns: Netns, verb: (connection: Connection) => Verb<unknown>): Uint8Array {
  let recorded: Uint8Array | undefined;
  const recorder = {
    commitSync(attributes: Uint8Array, operations: Uint32Array, flags: number, generation: number): NativeCommitReply {
      recorded = frame(attributes, operations, (flags & COMMIT_CONDITIONAL) !== 0 ? generation : undefined);
      return { errors: [], overrun: false, first: 'none' };
    },
  };
  withRecorder(netns, recorder, verb);
  if (recorded === undefined) throw new Error('no batch was sent');
  return recorded;
}

/** Runs a verb on a connection as it is, but what goes to the batch socket goes to the recorder. */
function withRecorder(netns: Netns, recorder: Partial<NativeConnection>, verb: (connection: Connection) => Verb<unknown>): void {
  const connection = runSync(Connection.open(netns));
  const recording = new Proxy(connection, {
    get(target, name) {
      if (name === 'on') {
        return (
          lane: 'batch' | 'dump',
          what: string,
          sync: (c: NativeConnection) => unknown,
          async: (c: NativeConnection) => Promise<unknown>,
        ) => target.on(lane, what, lane === 'batch' ? () => sync(recorder as NativeConnection) : sync, async);
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  try {
    runSync(verb(recording));
  } finally {
    connection.closeSync();
  }
}

/** As native/nft_batch.cc frames it: batch begin, the operations, batch end, numbered from 1. */
function frame(attributes: Uint8Array, operations: Uint32Array, generation: number | undefined): Uint8Array {
  const count = operations.length / WORDS;
  const condition = generation === undefined ? 0 : NLA_HDRLEN + 4;
  const out = new Uint8Array((count + 2) * HEADERS + condition + attributes.length);
  const view = new DataView(out.buffer);
  let at = 0;
  let sequence = 1;
  const header = (length: number, type: number, flags: number, family: number, resId: number): void => {
    view.setUint32(at, length, true);
    view.setUint16(at + 4, type, true);
    view.setUint16(at + 6, flags | NLM_F_REQUEST, true);
    view.setUint32(at + 8, sequence++, true);
    view.setUint8(at + NLMSG_HDRLEN, family);
    view.setUint16(at + NLMSG_HDRLEN + 2, resId);
    at += HEADERS;
  };
  header(HEADERS + condition, NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
  if (generation !== undefined) {
    view.setUint16(at, condition, true);
    view.setUint16(at + 2, NFNL_BATCH_GENID, true);
    view.setUint32(at + NLA_HDRLEN, generation);
    at += condition;
  }
  let start = 0;
  for (let i = 0; i < count; i++) {
    const [type = 0, flags = 0, family = 0, end = 0] = operations.subarray(i * WORDS, (i + 1) * WORDS);
    header(HEADERS + end - start, (NFNL_SUBSYS_NFTABLES << 8) | type, flags, family, 0);
    out.set(attributes.subarray(start, end), at);
    at += end - start;
    start = end;
  }
  header(HEADERS, NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
  return out;
}
