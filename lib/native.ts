// The only loader of the addon, and its whole surface. Bytes cross here, objects never do: no function below knows
// what a rule means. Lengths and counts are checked again on the C++ side before memory is touched.
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A failed system call as data: what was called and the positive errno it left. */
export interface NativeFailure {
  readonly call: string;
  readonly errno: number;
}

/** One NLMSG_ERROR of a batch. */
export interface NativeOperationError {
  /** The operation's number in the batch, or -1 when the kernel blamed the batch itself (commit phase, ENOMEM, ERESTART). */
  readonly index: number;
  /** Positive errno. */
  readonly errno: number;
  /** NLMSGERR_ATTR_MSG: the kernel's sentence. */
  readonly message?: string;
  /** NLMSGERR_ATTR_OFFS counted from the first attribute of the operation (after nlmsghdr and nfgenmsg). */
  readonly offset?: number;
}

/** Bits of `commit`'s flags. */
export const COMMIT_DRY_RUN = 1;
export const COMMIT_CONDITIONAL = 2;

/** What became of a batch. Every reply that was queued when sendmsg returned has been read. */
export interface NativeCommitReply {
  /** Set when the batch could not be handed over: nothing was applied. */
  readonly failure?: NativeFailure;
  readonly errors: readonly NativeOperationError[];
  /** ENOBUFS was met while draining: replies after the first ones are lost. */
  readonly overrun: boolean;
  /** The kind of the first queued reply: decides after an overrun (echoes exist only on success, errors only on failure). */
  readonly first: 'none' | 'error' | 'echo';
  /** The echoed messages back to back (each a whole nlmsghdr message, 4-byte aligned), and per message [offset, operation number]. */
  readonly echo?: ArrayBuffer;
  readonly echoIndex?: Uint32Array;
  /** NFTA_GEN_ID of the NEWGEN the kernel echoes after the objects. */
  readonly generation?: number;
}

/** One object dump: all messages in one buffer. */
export interface NativeDumpReply {
  readonly failure?: NativeFailure;
  /** The messages back to back, each a whole nlmsghdr message at a 4-byte aligned offset. */
  readonly data: ArrayBuffer;
  /** Byte offset of each message in `data`, in dump order. */
  readonly index: Uint32Array;
  /** nfgenmsg res_id of the last message (big endian on the wire, a number here): the low 16 bits of the generation; -1 without messages. */
  readonly generation16: number;
  /** How often the dump was begun again because NLM_F_DUMP_INTR, EINTR or ENOBUFS came up. */
  readonly retries: number;
}

/** A rule dump walked for counters in the same pass. Arrays have one row a rule, in dump order. */
export interface NativeCounterReply extends NativeDumpReply {
  readonly handles: BigUint64Array;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  /** 1 where the rule has a counter expression. */
  readonly counted: Uint8Array;
  /** Per rule the number of its chain (family, table, chain) in order of first appearance; like what follows, only with DUMP_KEEP. */
  readonly chain: Uint32Array;
  /** Per chain number the row of its first rule. */
  readonly chainFirst: Uint32Array;
  /** Per rule what it is, without counters, handle and place: equal for rules that are the same. Good in this process; only with DUMP_KEEP. */
  readonly contents: BigUint64Array;
  /** What dumps each chain by itself, as dumpCounters takes it; only with DUMP_KEEP. */
  readonly chainParts: Uint32Array;
  readonly chainAttributes: Uint8Array;
}

/** A dump of elements, counted and walked for counters in the same pass. */
export interface NativeElementReply extends NativeDumpReply {
  /** A range is one element, whatever the set keeps of it. */
  readonly elements: number;
  /** One row an element that counts, in dump order; like what follows only with DUMP_KEEP. */
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  /** Where the element's attribute begins in `data`. */
  readonly offsets: Uint32Array;
}

/** The answer to one request that is not a dump. */
export interface NativeRequestReply {
  readonly failure?: NativeFailure;
  readonly errors: readonly NativeOperationError[];
  /** The first reply message, whole. */
  readonly data?: ArrayBuffer;
}

/** Bits of xtCommit's `family` beside the family itself, 0 for ip and 1 for ip6. */
export const XT_IP6 = 1;
export const XT_CREATE = 2;
export const XT_DRY_RUN = 4;

export interface NativeXtTablesReply {
  readonly failure?: NativeFailure;
  readonly tables?: readonly string[];
}

/** One legacy table in one piece. */
export interface NativeXtReadReply {
  readonly failure?: NativeFailure;
  /** The namespace has no such table, and was left without. */
  readonly missing?: boolean;
  /** The lock was asked for and could not be had; the table was read all the same. */
  readonly unlocked?: boolean;
  /** Why the bytes are no table. */
  readonly complaint?: string;
  /** By row: what the rules have counted. Rows go chain by chain, in the kernel's order. */
  readonly packets?: BigUint64Array;
  readonly bytes?: BigUint64Array;
  /** The table is the one of the digest asked about: all that follows is left out. */
  readonly known?: boolean;
  /** XT_CHAIN_WORDS a chain: its first row, where its first entry lies, where the entry lies that ends it, its hook or XT_USER_CHAIN, where its name lies. */
  readonly chains?: Uint32Array;
  /** By row: where the rule's entry begins; the number of its chain; what the rule is, without counters and whatever else is in the table. */
  readonly offsets?: Uint32Array;
  readonly chain?: Uint32Array;
  readonly contents?: BigUint64Array;
  /** Of everything but counters: 16 bytes, good in this process. */
  readonly digest?: Uint8Array;
  /** XT_HEADER bytes, then the entries one after the other. */
  readonly data?: ArrayBuffer;
}
export const XT_CHAIN_WORDS = 5;
export const XT_USER_CHAIN = 0xffffffff;
export const XT_HEADER = 40;

/** What became of the commands on a legacy table. */
export interface NativeXtCommitReply {
  readonly failure?: NativeFailure;
  /** With a failure: what the table holds now, as it was looked at again; 'unseen' where the rules asked for are those it had. */
  readonly state?: 'not-applied' | 'applied' | 'unknown' | 'unseen';
  /** Somebody else holds the lock: nothing was done. */
  readonly busy?: boolean;
  /** The namespace has no such table, and was left without. */
  readonly missing?: boolean;
  /** The table is not what was expected: nothing was done. */
  readonly outdated?: boolean;
  /** Why the bytes are no table, or a table that would be written back as another: nothing was done. */
  readonly complaint?: string;
  readonly unwritable?: string;
  /** Per command 1 where it had something to do. */
  readonly done?: Uint8Array;
  /** The command that could not be done, for a reason of ours ('chain', 'rule', 'jump', 'builtin', 'clash') or by errno alone (''): nothing was applied. */
  readonly refusal?: { readonly index: number; readonly reason: string; readonly errno: number };
}

export interface NativeXtRevisionReply {
  readonly failure?: NativeFailure;
  readonly found?: boolean;
}

export interface NativeIpsetReply {
  readonly failure?: NativeFailure;
  readonly index?: number;
  readonly name?: string;
  /** NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10) of a set asked for by name; 0 where it is for both, or the kernel does not say. */
  readonly family?: number;
}

/**
 * Bits of how rules and elements are dumped. Kept are the messages, and what is made of them beside their counters. Across commits: it begins anew for
 * none; of a table that none of them has touched nothing is missing, since the kernel counts its place in a dump within the table or set that is asked for
 * (__nf_tables_dump_rules, nft_set_iter).
 */
export const DUMP_KEEP = 1;
export const DUMP_ACROSS_COMMITS = 2;

/** Bits of `subscribe`'s groups: NFNLGRP_NFTABLES, NFNLGRP_NFTRACE. */
export const GROUP_COMMITS = 1;
export const GROUP_TRACES = 2;
/** In NativeEventBatch.index, in the place of messages that were lost. */
export const OVERRUN = 0xffffffff;

/** Everything that was queued, in order. */
export interface NativeEventBatch {
  /** The messages back to back, each a whole nlmsghdr message of nf_tables with its nfgenmsg, at a 4-byte aligned offset. */
  readonly data: ArrayBuffer;
  /** Byte offset of each message in `data`, or OVERRUN. */
  readonly index: Uint32Array;
}

export type NativeGenerationReply =
  | { readonly failure: NativeFailure }
  | {
      readonly failure?: undefined;
      /** u32; events of a commit may come a moment after its generation is seen. */
      readonly generation: number;
      /** Who asks, not who committed: this thread in the initial pid namespace, and its name (nf_tables_fill_gen_info in nf_tables_api.c takes `current`). */
      readonly tid: number;
      readonly process: string;
    };

/** A socket that listens; the environment's event thread reads it into a bounded queue from the moment it is made. */
export interface NativeEventSource {
  /**
   * Calls back once, in a later turn of the event loop, with what is queued as soon as there is something. Until then the
   * callback is held and the event loop kept alive; otherwise neither is, and a source nobody holds is closed when collected.
   * One pull at a time; a closed source never calls.
   */
  pull(callback: (batch: NativeEventBatch) => void): void;
  /**
   * What `pull` would call back with, at once: where nothing is queued, it waits for the event thread to queue something, on this
   * thread and for at most `waitMs` (0 to 1000). Undefined where there was nothing, and of a closed source. A pull that waits goes on waiting,
   * for what comes after. Which commit a batch ends amid is the scheduler's choice, as with pull.
   */
  take(waitMs: number): NativeEventBatch | undefined;
  /** The generation of the namespace's ruleset now: one request on a socket of the source's own, whatever the connection's are at. EBADF when closed. */
  generation(): NativeGenerationReply;
  /** The sockets are closed on the event thread. May be called again. */
  close(): void;
}

export type NativeSubscribeReply =
  | { readonly failure: NativeFailure }
  | { readonly failure?: undefined; readonly source: NativeEventSource };

/**
 * Two nfnetlink sockets in one network namespace: one for batches and requests, one for dumps. A call on a socket that
 * is at work fails with errno EBUSY; after close() every call fails with EBADF, and a dump in flight ends with ECANCELED.
 */
export interface NativeConnection {
  /** nlmsg_pid of the batch socket: events that carry it are our own commits. */
  readonly portId: number;
  /** Whether SO_SNDBUFFORCE is permitted (CAP_NET_ADMIN in the initial user namespace). */
  readonly canForceBuffers: boolean;
  /** dev and ino of the namespace's file as stat(2) tells them; absent where it is the process's own. */
  readonly netns?: { readonly dev: number; readonly ino: number };
  /** Longest batch in bytes, batch messages included, that the socket would take as it can be sized. */
  readonly maxBatchBytes: number;
  /**
   * Sends one batch. `operations` holds four u32 per operation: nfnetlink message type without subsystem, nlmsg flags
   * (NLM_F_REQUEST is added), nfgenmsg family, and the end of its attributes in `attributes` (the start is the end before).
   */
  commitSync(attributes: Uint8Array, operations: Uint32Array, flags: number, generation: number): NativeCommitReply;
  commit(attributes: Uint8Array, operations: Uint32Array, flags: number, generation: number): Promise<NativeCommitReply>;
  /** `type`: subsystem << 8 | message. Restarted at most `maxRetries` times when interrupted, then failure errno EINTR. */
  dumpSync(type: number, family: number, attributes: Uint8Array, maxRetries: number): NativeDumpReply;
  dump(type: number, family: number, attributes: Uint8Array, maxRetries: number): Promise<NativeDumpReply>;
  /**
   * Dumps of nf_tables rules (NFT_MSG_GETRULE) with their counters, one after the other into one reply, all in one generation.
   * `parts` holds two u32 per dump: nfgenmsg family, and the end of its attributes in `attributes` (the start is the end before).
   */
  dumpCountersSync(parts: Uint32Array, attributes: Uint8Array, maxRetries: number, how: number): NativeCounterReply;
  dumpCounters(parts: Uint32Array, attributes: Uint8Array, maxRetries: number, how: number): Promise<NativeCounterReply>;
  /** Dumps the elements of a set (NFT_MSG_GETSETELEM), which `attributes` name; without DUMP_KEEP their number is all that is left. */
  dumpElementsSync(family: number, attributes: Uint8Array, maxRetries: number, how: number): NativeElementReply;
  dumpElements(family: number, attributes: Uint8Array, maxRetries: number, how: number): Promise<NativeElementReply>;
  /** One request outside a batch on the dump socket; `flags` are nlmsg flags without NLM_F_REQUEST. */
  requestSync(type: number, family: number, flags: number, attributes: Uint8Array): NativeRequestReply;
  request(type: number, family: number, flags: number, attributes: Uint8Array): Promise<NativeRequestReply>;
  /** SO_IP_SET on a raw socket in the connection's namespace: a set's index and family by name, or its name by index. */
  ipsetSync(query: string | number): NativeIpsetReply;
  ipset(query: string | number): Promise<NativeIpsetReply>;
  /** The legacy tables that the namespace has; makes none. */
  xtTablesSync(family: number): NativeXtTablesReply;
  xtTables(family: number): Promise<NativeXtTablesReply>;
  /** A legacy table as it is; never makes one. `lockPath`: held meanwhile if it can be had; '': not asked for. `known`: the digest of one read before, or nothing. */
  xtReadSync(family: number, table: string, lockPath: string, known: Uint8Array): NativeXtReadReply;
  xtRead(family: number, table: string, lockPath: string, known: Uint8Array): Promise<NativeXtReadReply>;
  /**
   * Under the lock: reads the table, does the commands (see lib/iptables/legacy/wire.ts for words and bytes), commits. One try at the lock.
   * `expected`: nothing, or what the table must be then: the 16 bytes of a digest, or one byte, of any value, for none at all.
   */
  xtCommitSync(
    family: number,
    table: string,
    lockPath: string,
    words: Uint32Array,
    bytes: Uint8Array,
    expected: Uint8Array,
  ): NativeXtCommitReply;
  xtCommit(
    family: number,
    table: string,
    lockPath: string,
    words: Uint32Array,
    bytes: Uint8Array,
    expected: Uint8Array,
  ): Promise<NativeXtCommitReply>;
  /** Whether the kernel has an extension in a revision (`target`: 1, a match: 0); loads its module. ENOENT: it has none. */
  xtRevisionSync(family: number, target: number, name: string, revision: number): NativeXtRevisionReply;
  xtRevision(family: number, target: number, name: string, revision: number): Promise<NativeXtRevisionReply>;
  /**
   * Listens in the connection's namespace from now on. `receiveBytes` is the socket's buffer by the kernel's accounting, as
   * far as permitted; beyond `queueBytes` of messages that nobody pulls, messages are dropped and an OVERRUN stands for them.
   */
  subscribe(groups: number, receiveBytes: number, queueBytes: number): NativeSubscribeReply;
  /** Refuses new calls with EBADF and makes a dump in flight give up, but closes nothing yet. */
  cancel(): void;
  /** Closes at once when idle, otherwise when the call at work ends. Never throws, may be called again. */
  closeSync(): void;
  /**
   * As closeSync, but close(2) happens on a pool thread: after a large commit it waits in the kernel for what has to be
   * destroyed, 140 ms for 100,000 rules. What is at work is closed when that ends, on this thread.
   */
  close(): Promise<void>;
}

export type NativeOpenReply = { readonly failure: NativeFailure } | { readonly failure?: undefined; readonly connection: NativeConnection };

export interface Native {
  /** A namespace by path, by open descriptor, or null for the process's own. setns runs on a thread of its own. */
  openSync(netns: string | number | null): NativeOpenReply;
  open(netns: string | number | null): Promise<NativeOpenReply>;
  /**
   * libnftnl's listing of one rule from the attributes of an NFT_MSG_NEWRULE message. The caller has made sure that every
   * attribute is known to libnftnl and of the size it expects: its parser ends the process otherwise.
   */
  bytecode(family: number, attributes: Uint8Array): string;
  /** What xtRead makes of a table's entries; `hooks` are valid_hooks, hook_entry[5], underflow[5] of struct ipt_getinfo. For who has entries from elsewhere. */
  xtWalk(family: number, hooks: Uint32Array, entries: Uint8Array): NativeXtReadReply;
}

let loaded: Native | undefined;

/**
 * The addon: NFLINK_ADDON when set (a path; for sanitizer builds), otherwise what node-gyp-build finds: `build/Release`
 * of a checkout, or the prebuild of this platform. Loaded at the first call, so that importing nflink never throws.
 */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  // Attributes are written and read as little-endian hosts have them; every platform of Node's that has netfilter is one but s390x.
  if (endianness() !== 'LE') throw new Error(`nflink runs on little-endian hosts only, this ${process.arch} is none`);
  const require = createRequire(import.meta.url);
  const override = process.env['NFLINK_ADDON'];
  try {
    if (override !== undefined && override !== '') return require(override) as Native;
    return (require('node-gyp-build') as (root: string) => Native)(packageRoot());
  } catch (cause) {
    const remedies = [
      process.platform === 'linux' ? undefined : `netfilter is Linux's: this is ${process.platform}`,
      'reinstall nflink so that its prebuilds/ folder is there (prebuilt for linux-x64, glibc 2.35 or newer)',
      'or build it: npx node-gyp rebuild in the package, npm run build:native in a checkout; with g++ make pkg-config libnftnl-dev libmnl-dev libiptc-dev',
    ].filter((line) => line !== undefined);
    throw new Error(
      `nflink's addon cannot be loaded (${process.platform}-${process.arch}, Node ${process.versions.node}):\n- ${remedies.join('\n- ')}`,
      { cause },
    );
  }
}

/** The folder of nflink's package.json, wherever the compiled file lies below it. */
export function packageRoot(): string {
  const require = createRequire(import.meta.url);
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      if ((require(join(folder, 'package.json')) as { name?: unknown }).name === 'nflink') return folder;
    } catch {
      // No package.json here: one level up.
    }
    if (folder === dirname(folder)) throw new Error('nflink: no package.json of nflink above the library');
  }
}
