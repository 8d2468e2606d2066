// What users may put into a transaction, and how each object is written for each verb. One table says which pairs of
// object and verb there are.
import type { ElementInput, Family, SetObject } from '../model/ruleset.ts';
import { EncodeError } from '../wire/errors.ts';
import { show } from '../wire/kinds.ts';

import type { AttributeWriter } from '../wire/writer.ts';
import { inferCompat } from './compat.ts';
import type { Expression } from './expressions/index.ts';
import { chainTable } from './objects/chain.ts';
import { hookNumber, priority } from './objects/hooks.ts';
import * as m from './objects/messages.ts';
import { type AnyExpression, ruleTable } from './objects/rule.ts';
import { tableTable } from './objects/table.ts';
import { commentUserdata } from './objects/userdata.ts';

export type VerbName = 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'destroy' | 'flush' | 'rename' | 'reset';

export interface TableInput {
  readonly family: Family;
  readonly name: string;
  readonly handle?: bigint | number;
  readonly flags?: string | readonly string[];
  readonly comment?: string;
}
export interface ChainInput {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint | number;
  readonly newname?: string;
  readonly type?: string;
  readonly hook?: string;
  /** A number, or nft's names with an offset: 'filter', 'dstnat - 5'. */
  readonly prio?: number | string;
  readonly policy?: 'accept' | 'drop';
  readonly dev?: string | readonly string[];
  readonly comment?: string;
}
export interface RuleInput {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** delete, replace: the rule. add: the rule to come after. insert: the rule to come before. */
  readonly handle?: bigint | number;
  /** In place of a handle: the rule's place in the chain from 0, looked up when the transaction is committed. */
  readonly index?: number;
  /** Kept in userdata as nft keeps it; at most 128 bytes. */
  readonly comment?: string;
  readonly expressions?: readonly Expression[];
}
// biome-ignore format: a line holds what belongs together
export type StatefulObject =
  | 'counter' | 'quota' | 'limit' | 'ct helper' | 'ct timeout' | 'ct expectation' | 'synproxy' | 'secmark' | 'tunnel' | 'flowtable';
type StatefulInput = { [K in StatefulObject]: { readonly [P in K]: Readonly<Record<string, unknown>> } }[StatefulObject];

/** libnftables-json(5)'s objects. */
export type ObjectInput =
  | { readonly table: TableInput }
  | { readonly chain: ChainInput }
  | { readonly rule: RuleInput }
  | { readonly set: SetObject }
  | { readonly map: SetObject & { readonly map: string } }
  | {
      readonly element: {
        readonly family: Family;
        readonly table: string;
        readonly name: string;
        readonly elem: readonly ElementInput[] | { readonly keys: Uint8Array; readonly timeout?: number };
      };
    }
  | StatefulInput;

/** Something only the kernel knows, needed before the batch can be sent; written at `at` (a u64 in network order). */
export interface Lookup {
  readonly kind: 'chain handle' | 'rule handle';
  readonly family: number;
  readonly table: string;
  readonly chain: string;
  /** For rules: the place in the chain. */
  readonly index?: number;
  readonly at: number;
}

/** The header of a written operation. */
export interface Written {
  readonly type: number;
  readonly flags: number;
  readonly family: number;
  readonly lookup?: Lookup;
}

/** Position of a rule by another operation of the same transaction. */
export interface At {
  readonly position?: 'before' | 'after';
  readonly id?: number;
}

interface Context {
  readonly w: AttributeWriter;
  readonly verb: VerbName;
  readonly type: number;
  readonly flags: number;
  /** This operation's own number, from which its NFTA_RULE_ID is made. */
  readonly index: number;
  readonly at: At;
}

interface Pair {
  readonly type: number;
  readonly flags: number;
}
type Fields = Readonly<Record<string, unknown>>;
interface ObjectKind {
  readonly verbs: Partial<Readonly<Record<VerbName, Pair>>>;
  readonly table: { path(bytes: Uint8Array, start: number, end: number, offset: number): string };
  write(input: Fields, c: Context): Written;
}

const CREATE = m.NLM_F_CREATE;
const EXCL = m.NLM_F_CREATE | m.NLM_F_EXCL;

/** Object × verb. What is missing here is impossible or, for the kinds in `later`, not there yet. */
const kinds: Readonly<Record<string, ObjectKind>> = {
  table: {
    table: tableTable,
    verbs: {
      add: { type: m.NFT_MSG_NEWTABLE, flags: CREATE },
      create: { type: m.NFT_MSG_NEWTABLE, flags: EXCL },
      delete: { type: m.NFT_MSG_DELTABLE, flags: 0 },
      destroy: { type: m.NFT_MSG_DESTROYTABLE, flags: 0 },
      flush: { type: m.NFT_MSG_DELRULE, flags: 0 },
    },
    write: writeTable,
  },
  chain: {
    table: chainTable,
    verbs: {
      add: { type: m.NFT_MSG_NEWCHAIN, flags: CREATE },
      create: { type: m.NFT_MSG_NEWCHAIN, flags: EXCL },
      delete: { type: m.NFT_MSG_DELCHAIN, flags: 0 },
      destroy: { type: m.NFT_MSG_DESTROYCHAIN, flags: 0 },
      flush: { type: m.NFT_MSG_DELRULE, flags: 0 },
      rename: { type: m.NFT_MSG_NEWCHAIN, flags: 0 },
    },
    write: writeChain,
  },
  rule: {
    table: ruleTable,
    verbs: {
      add: { type: m.NFT_MSG_NEWRULE, flags: CREATE | m.NLM_F_APPEND },
      create: { type: m.NFT_MSG_NEWRULE, flags: EXCL | m.NLM_F_APPEND },
      insert: { type: m.NFT_MSG_NEWRULE, flags: CREATE },
      replace: { type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_REPLACE },
      delete: { type: m.NFT_MSG_DELRULE, flags: 0 },
      destroy: { type: m.NFT_MSG_DESTROYRULE, flags: 0 },
    },
    write: writeRule,
  },
};
// biome-ignore format: a line holds what belongs together
const later: readonly string[] = ['set', 'map', 'element', 'counter', 'quota', 'limit', 'ct helper', 'ct timeout', 'ct expectation', 'synproxy', 'secmark', 'tunnel', 'flowtable'];

export class UnsupportedPair extends Error {}

/** The one property that names the kind, and what it holds. */
export function kindOf(object: unknown): { readonly name: string; readonly input: Fields } {
  const keys = typeof object === 'object' && object !== null ? Object.keys(object) : [];
  const name = keys[0];
  if (keys.length !== 1 || name === undefined)
    throw new EncodeError('', `an object with one property such as { rule: … } is needed, not ${show(object)}`);
  const input = (object as Fields)[name];
  if (typeof input !== 'object' || input === null) throw new EncodeError(name, `an object is needed, not ${show(input)}`);
  return { name, input: input as Fields };
}

/** Appends the operation's attributes to `w`. Throws EncodeError, or UnsupportedPair for what no kernel or nflink can do. */
export function writeOperation(w: AttributeWriter, verb: VerbName, object: unknown, index: number, at: At): Written {
  const { name, input } = kindOf(object);
  const kind = Object.hasOwn(kinds, name) ? (kinds[name] as ObjectKind) : undefined;
  if (kind === undefined) {
    if (later.includes(name)) throw new UnsupportedPair(`${verb} ${name} is not supported yet`);
    throw new EncodeError(name, `unknown object, one of ${[...Object.keys(kinds), ...later].join(', ')}`);
  }
  const pair = kind.verbs[verb];
  if (pair === undefined) {
    const why = verb === 'reset' ? 'is not supported yet' : `does not exist; a ${name} knows ${Object.keys(kind.verbs).join(', ')}`;
    throw new UnsupportedPair(`${verb} ${name} ${why}`);
  }
  return kind.write(input, { w, verb, index, at, ...pair });
}

/** The path of the attribute at `offset` of an operation's bytes, as the kernel reports it. */
export function pathAt(object: unknown, bytes: Uint8Array, offset: number): string | undefined {
  const { name } = kindOf(object);
  const path = kinds[name]?.table.path(bytes, 0, bytes.length, offset);
  return path === '' ? undefined : path;
}

function only(input: Fields, allowed: readonly string[]): void {
  for (const key in input) {
    if (!allowed.includes(key) && input[key] !== undefined) throw new EncodeError(key, `unknown property, one of ${allowed.join(', ')}`);
  }
}

function text(input: Fields, key: string): string {
  const v = input[key];
  if (typeof v !== 'string' || v === '') throw new EncodeError(key, v === undefined ? 'is missing' : `a name is needed, not ${show(v)}`);
  return v;
}

function handleOf(input: Fields): bigint | undefined {
  const h = input['handle'];
  if (h === undefined) return undefined;
  if (typeof h === 'bigint') return h;
  if (typeof h === 'number' && Number.isSafeInteger(h)) return BigInt(h);
  throw new EncodeError('handle', `a bigint or a safe integer is needed, not ${show(h)}`);
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function writeTable(input: Fields, c: Context): Written {
  only(input, ['family', 'name', 'handle', 'flags', 'comment']);
  const family = m.familyNumber(input['family']);
  if (c.verb === 'flush') {
    ruleTable.encode(c.w, { table: text(input, 'name') });
    return { type: c.type, flags: c.flags, family };
  }
  const adding = c.verb === 'add' || c.verb === 'create';
  const handle = adding ? undefined : handleOf(input);
  const flags = input['flags'];
  tableTable.encode(c.w, {
    ...(handle === undefined ? { name: text(input, 'name') } : {}),
    ...(adding ? { flags: (typeof flags === 'string' ? [flags] : (flags ?? [])) as never } : {}),
    ...given('handle', handle),
    ...(adding && input['comment'] !== undefined ? { userdata: commentUserdata(input['comment']) } : {}),
  });
  return { type: c.type, flags: c.flags, family };
}

function writeChain(input: Fields, c: Context): Written {
  only(input, ['family', 'table', 'name', 'handle', 'newname', 'type', 'hook', 'prio', 'policy', 'dev', 'comment']);
  const family = m.familyNumber(input['family']);
  const table = text(input, 'table');
  const header = { type: c.type, flags: c.flags, family };
  if (c.verb === 'flush') {
    ruleTable.encode(c.w, { table, chain: text(input, 'name') });
    return header;
  }
  if (c.verb === 'rename') return writeRename(input, c, header, table);
  const adding = c.verb === 'add' || c.verb === 'create';
  const handle = adding ? undefined : handleOf(input);
  chainTable.encode(c.w, {
    table,
    ...(handle === undefined ? { name: text(input, 'name') } : { handle }),
    ...(adding ? baseChain(input['family'] as Family, input) : {}),
  });
  return header;
}

/** Hook, policy, type and comment of a chain being added. */
function baseChain(family: Family, input: Fields): object {
  const comment = input['comment'] === undefined ? {} : { userdata: commentUserdata(input['comment']) };
  if (input['hook'] === undefined) {
    for (const key of ['type', 'prio', 'dev']) if (input[key] !== undefined) throw new EncodeError(key, 'only a chain with a hook has one');
    return { ...given('policy', input['policy']), ...comment };
  }
  const dev = input['dev'];
  const devices = dev === undefined ? {} : typeof dev === 'string' ? { dev } : { devs: dev };
  return {
    hook: { hooknum: hookNumber(family, input['hook']), priority: priority(family, input['prio'] ?? 0), ...devices },
    ...given('policy', input['policy']),
    type: input['type'] ?? 'filter',
    ...comment,
  };
}

/** The kernel finds a chain to rename by its handle only (nf_tables_newchain). */
function writeRename(input: Fields, c: Context, header: Written, table: string): Written {
  const newname = text(input, 'newname');
  const handle = handleOf(input);
  const start = c.w.length;
  chainTable.encode(c.w, { table, handle: handle ?? 0n, name: newname });
  if (handle !== undefined) return header;
  const at = handlePayload(c.w, start);
  return { ...header, lookup: { kind: 'chain handle', family: header.family, table, chain: text(input, 'name'), at } };
}

/** Where the handle's eight bytes stand: after the first attribute (the table's name) in a chain, the second in a rule. */
function handlePayload(w: AttributeWriter, start: number, before = 1): number {
  let at = start;
  for (let i = 0; i < before; i++) at += (w.view.getUint16(at, true) + 3) & ~3;
  return at + 4;
}

function writeRule(input: Fields, c: Context): Written {
  only(input, ['family', 'table', 'chain', 'handle', 'index', 'comment', 'expressions', 'counter']);
  const family = m.familyNumber(input['family']);
  const table = text(input, 'table');
  const chain = text(input, 'chain');
  const header = { type: c.type, flags: c.flags, family };
  const handle = handleOf(input);
  const index = input['index'];
  const adding = c.verb === 'add' || c.verb === 'create' || c.verb === 'insert';
  if (index !== undefined && handle === undefined && !(typeof index === 'number' && Number.isInteger(index) && index >= 0)) {
    throw new EncodeError('index', `a place in the chain from 0 is needed, not ${show(index)}`);
  }
  const byIndex = handle === undefined && c.at.id === undefined && typeof index === 'number';
  if (!adding && handle === undefined && !byIndex)
    throw new EncodeError('handle', `is missing: ${c.verb} needs the rule's handle or index`);
  // A handle still to be looked up is written as 0 and filled in before sending.
  const place = byIndex ? 0n : handle;
  const start = c.w.length;
  const needsBody = adding || c.verb === 'replace';
  const expressions = input['expressions'] as readonly AnyExpression[] | undefined;
  if (needsBody && expressions === undefined) throw new EncodeError('expressions', 'is missing');
  if (needsBody && !Array.isArray(expressions)) throw new EncodeError('expressions', `a list is needed, not ${show(expressions)}`);
  const compat = needsBody ? inferCompat(expressions ?? []) : undefined;
  ruleTable.encode(c.w, {
    table,
    chain,
    ...(adding ? {} : given('handle', place)),
    ...(adding && c.at.id === undefined ? given('position', place) : {}),
    ...(needsBody && input['comment'] !== undefined ? { userdata: commentUserdata(input['comment']) } : {}),
    ...(needsBody ? { expressions: expressions ?? [] } : {}),
    ...given('compat', compat),
    ...(adding ? { id: ruleId(c.index), ...given('positionId', c.at.id === undefined ? undefined : ruleId(c.at.id)) } : {}),
  });
  const flags = c.at.position === 'before' ? c.flags & ~m.NLM_F_APPEND : c.flags;
  if (!byIndex) return { ...header, flags };
  return {
    ...header,
    flags,
    lookup: { kind: 'rule handle', family, table, chain, index: index as number, at: handlePayload(c.w, start, 2) },
  };
}

/** NFTA_RULE_ID of the operation: 0 is a value too, but 1-based reads better in traces. */
function ruleId(index: number): number {
  return index + 1;
}
