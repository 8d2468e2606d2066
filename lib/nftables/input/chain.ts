// Chains in a transaction.
import type { Family } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { chainTable } from '../objects/chain.ts';
import { isPrefix } from '../objects/devices.ts';
import { hookNumber, priority } from '../objects/hooks.ts';
import * as m from '../objects/messages.ts';
import { ruleTable } from '../objects/rule.ts';
import { withComment } from '../objects/userdata.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, payloadAt, type WriteContext, type Written } from './kind.ts';
import { inWords, type Renames, userPath } from './user-paths.ts';

export const NFTA_CHAIN_HANDLE = 2;

export const chain: ObjectKind = {
  verbs: {
    add: { type: m.NFT_MSG_NEWCHAIN, flags: m.NLM_F_CREATE },
    create: { type: m.NFT_MSG_NEWCHAIN, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
    delete: { type: m.NFT_MSG_DELCHAIN, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYCHAIN, flags: 0 },
    flush: { type: m.NFT_MSG_DELRULE, flags: 0 },
    rename: { type: m.NFT_MSG_NEWCHAIN, flags: 0 },
    reset: { type: m.NFT_MSG_GETRULE_RESET, flags: m.NLM_F_DUMP },
  },
  write,
};

const properties = [
  ...['family', 'table', 'name', 'handle', 'newname', 'type', 'hook', 'prio', 'policy', 'dev', 'flags', 'id', 'counter'],
  ...['comment', 'userdata'],
];

const renames: Renames = [
  ['hook.hooknum', 'hook'],
  ['hook.priority', 'prio'],
  ['hook.devs', 'dev'],
  ['hook.dev', 'dev'],
  ['counters', 'counter'],
];

function write(input: Input, c: WriteContext): void {
  only(input, properties);
  const family = m.familyNumber(input['family']);
  const table = nameIn(input, 'table');
  const header = { type: c.type, flags: c.flags, family, locate: (path: string) => userPath(renames, path) };
  if (c.verb === 'flush' || c.verb === 'reset') {
    ruleTable.encode(c.w, { table, chain: nameIn(input, 'name') });
    return c.emit(header);
  }
  if (c.verb === 'rename') return writeRename(input, c, header, table);
  if (input['newname'] !== undefined) throw new EncodeError('newname', 'only rename has one');
  const adding = c.verb === 'add' || c.verb === 'create';
  // A name goes before a handle, as with nft: what is named is what is meant.
  const handle = adding || input['name'] !== undefined ? undefined : handleIn(input);
  const unnamed = adding && input['id'] !== undefined && input['name'] === undefined;
  inWords(renames, () =>
    chainTable.encode(c.w, {
      table,
      ...(handle !== undefined ? { handle } : unnamed ? {} : { name: nameIn(input, 'name') }),
      ...(adding ? added(input['family'] as Family, input) : removed(input)),
    }),
  );
  c.emit(header);
}

function added(family: Family, input: Input): object {
  return {
    ...baseChain(family, input),
    ...given('policy', input['policy']),
    ...given('counters', input['counter']),
    ...given('flags', flagsIn(input['flags'])),
    ...given('id', input['id']),
    ...given('userdata', withComment(input['userdata'], input['comment'])),
  };
}

/** nft says offload where the kernel says hw-offload. */
function flagsIn(flags: unknown): unknown {
  const list: unknown = typeof flags === 'string' ? [flags] : flags;
  return Array.isArray(list) ? list.map((flag: unknown) => (flag === 'offload' ? 'hw-offload' : flag)) : list;
}

/** Hook, priority, devices and type. A chain that is there already needs none of them. */
function baseChain(family: Family, input: Input): object {
  if (input['hook'] === undefined) {
    for (const key of ['type', 'prio', 'dev']) if (input[key] !== undefined) throw new EncodeError(key, 'only a chain with a hook has one');
    return {};
  }
  return {
    hook: { hooknum: hookNumber(family, input['hook']), priority: priority(family, input['prio'] ?? 0), ...devicesIn(input) },
    type: input['type'] ?? 'filter',
  };
}

/** One name goes where kernels before 5.5 look for it; a prefix can only stand in the list. */
function devicesIn(input: Input): object {
  const dev = input['dev'];
  if (dev === undefined) return {};
  if (typeof dev === 'string') return isPrefix(dev) ? { devs: [dev] } : { dev };
  return { devs: dev };
}

/** With devices a chain loses these and stays (Linux 6.4 and later). */
function removed(input: Input): object {
  const dev = input['dev'];
  return dev === undefined ? {} : { hook: { devs: typeof dev === 'string' ? [dev] : dev } };
}

/** The kernel finds a chain to rename by its handle only (nf_tables_newchain). */
function writeRename(input: Input, c: WriteContext, header: Written, table: string): void {
  const newname = nameIn(input, 'newname');
  const handle = input['name'] === undefined ? handleIn(input) : undefined;
  const start = c.w.length;
  chainTable.encode(c.w, { table, handle: handle ?? 0n, name: newname });
  if (handle !== undefined) return c.emit(header);
  const at = payloadAt(c.w, start, NFTA_CHAIN_HANDLE);
  c.emit({ ...header, lookup: { kind: 'chain handle', family: header.family, table, chain: nameIn(input, 'name'), at } });
}
