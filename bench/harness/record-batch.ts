// The batch that nflink sends for a restore, as bytes for the floor program: encoded by nflink itself, sent by somebody else.

import { Connection, type Netns } from '../../lib/connection.ts';
import { CompatContext } from '../../lib/iptables/compat/context.ts';
import { restoreTables } from '../../lib/iptables/compat/restore.ts';
import { parseSaveText } from '../../lib/iptables/save-text.ts';
import type { NativeCommitReply, NativeConnection } from '../../lib/native.ts';
import { runSync } from '../../lib/run.ts';

// include/uapi/linux/netlink.h, include/uapi/linux/netfilter/nfnetlink.h
const NLMSG_HDRLEN = 16;
const NFGENMSG_LENGTH = 4;
const NLM_F_REQUEST = 1;
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const HEADERS = NLMSG_HDRLEN + NFGENMSG_LENGTH;
const WORDS = 4;

/** The whole batch of `restore(saveText)`. The kernel is asked for revisions in `netns`, and nothing is sent to it. */
export function recordRestore(saveText: string, netns: Netns): Uint8Array {
  const connection = runSync(Connection.open(netns));
  let recorded: Uint8Array | undefined;
  const recorder = {
    commitSync(attributes: Uint8Array, operations: Uint32Array): NativeCommitReply {
      recorded = frame(attributes, operations);
      return { errors: [], overrun: false, first: 'none' };
    },
  } as unknown as NativeConnection;
  // The connection as it is, but what goes to the batch socket goes to the recorder.
  const recording = new Proxy(connection, {
    get(target, name) {
      if (name === 'on') {
        return (
          lane: 'batch' | 'dump',
          what: string,
          sync: (c: NativeConnection) => unknown,
          async: (c: NativeConnection) => Promise<unknown>,
        ) => target.on(lane, what, lane === 'batch' ? () => sync(recorder) : sync, async);
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  try {
    const settings = { noflush: false, counters: false, test: false };
    runSync(restoreTables(new CompatContext(recording, 'ip'), parseSaveText(saveText, 'ip'), settings));
  } finally {
    connection.closeSync();
  }
  if (recorded === undefined) throw new Error('restore sent no batch');
  return recorded;
}

/** As native/nft_batch.cc frames it: batch begin, the operations, batch end, numbered from 1. */
function frame(attributes: Uint8Array, operations: Uint32Array): Uint8Array {
  const count = operations.length / WORDS;
  const out = new Uint8Array((count + 2) * HEADERS + attributes.length);
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
  header(HEADERS, NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
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
