// A ruleset made again: in another namespace, or from a file after a reboot. One batch: all of it, or nothing.
import type { Connection } from '../connection.ts';
import { ledgerOf, type OwnRestore } from '../counters/ledger.ts';
import { NetfilterError } from '../errors.ts';
import type { Counter } from '../model/ruleset.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { Batch, type Named } from './batch.ts';
import { inferCompat } from './compat.ts';
import { countRules } from './counters.ts';
import { acceptable, acceptableQuota } from './expressions/acceptable.ts';
import type { AnyExpression } from './expressions/expression.ts';
import type { StatefulExpression } from './expressions/index.ts';
import { type ChainAttributes, chainTable } from './objects/chain.ts';
import { type ElementAttributes, livingOn } from './objects/element.ts';
import { flowtableTable } from './objects/flowtable.ts';
import * as m from './objects/messages.ts';
import { type ObjectAttributes, objectTable } from './objects/object.ts';
import { ruleTable } from './objects/rule.ts';
import { type SetAttributes, setTable } from './objects/set.ts';
import { tableTable } from './objects/table.ts';
import { fromJson, fromPicture, type PortableChain, type PortableSet, type PortableTable } from './portable.ts';
import { renewExpressions, renewObject } from './renew.ts';
import { NftRuleset } from './ruleset.ts';
import { type CommitResult, sendBatch } from './send.ts';
import { ElementMessages } from './sets/element-messages.ts';

export interface RestoreSettings {
  /** Tables that are there already: 'fail' with EEXIST (default), or 'replace' them, in the same transaction. */
  readonly existing?: 'fail' | 'replace';
  /** Restore counters, quotas' consumption and the like; default: they begin anew. */
  readonly counters?: boolean;
}

export function* restore(connection: Connection, ruleset: unknown, o: RestoreSettings): Verb<CommitResult> {
  const tables = ruleset instanceof NftRuleset ? fromPicture(ruleset.picture) : fromJson(ruleset);
  const batch = new Batch();
  const begun: OwnRestore[] = [];
  for (const table of tables) new TableWriter(batch, table, o, begun).write();
  const ledger = ledgerOf(connection);
  return yield* ledger.during(function* () {
    const scopes = tables.map((t) => ({ family: m.familyNumber(t.family), table: t.attributes.name ?? '' }));
    const before = yield* ledger.look(() => countRules(connection, scopes));
    const result = yield* sendBatch(connection, batch, { handles: false });
    for (const entry of begun) ledger.add(before === undefined ? entry : { ...entry, before: before.of(entry.place) });
    return result;
  });
}

class TableWriter {
  readonly #batch: Batch;
  readonly #table: PortableTable;
  readonly #replace: boolean;
  readonly #counters: boolean;
  readonly #family: number;
  readonly #name: string;

  /** What the rules of each chain begin to count from, for who compares polls. */
  readonly #begun: OwnRestore[];

  constructor(batch: Batch, table: PortableTable, o: RestoreSettings, begun: OwnRestore[]) {
    this.#begun = begun;
    this.#batch = batch;
    this.#table = table;
    this.#replace = o.existing === 'replace';
    this.#counters = o.counters === true;
    this.#family = m.familyNumber(table.family);
    this.#name = table.attributes.name ?? '';
  }

  /** What is referred to comes before what refers to it: objects, sets and chains, then elements, then rules. */
  write(): void {
    const { objects, flowtables, sets, chains } = this.#table;
    this.#addTable();
    for (const o of objects) this.#emit(m.NFT_MSG_NEWOBJ, 'object', o.name, () => objectTable.encode(this.#batch.writer, this.#object(o)));
    for (const { handle: _1, use: _2, ...f } of flowtables) {
      this.#emit(m.NFT_MSG_NEWFLOWTABLE, 'flowtable', f.name, () => flowtableTable.encode(this.#batch.writer, f));
    }
    for (const [i, s] of sets.entries()) {
      this.#emit(m.NFT_MSG_NEWSET, 'set', s.attributes.name, () => setTable.encode(this.#batch.writer, this.#set(s.attributes, i)));
    }
    for (const c of chains)
      this.#emit(m.NFT_MSG_NEWCHAIN, 'chain', c.attributes.name, () => chainTable.encode(this.#batch.writer, this.#chain(c.attributes)));
    for (const s of sets) this.#elements(s);
    for (const c of boundFirst(chains)) this.#rules(c);
  }

  #emit(type: number, kind: string, name: string | undefined, encode: () => void, flags: number = m.NLM_F_CREATE | m.NLM_F_EXCL): void {
    const named = { verb: 'restore', object: { [kind]: { family: this.#table.family, table: this.#name, name } } };
    try {
      encode();
    } catch (err) {
      throw this.#refused(err, kind, name, named);
    }
    this.#batch.push({ type, flags, family: this.#family }, named);
  }

  #refused(err: unknown, kind: string, name: string | undefined, named: Named): unknown {
    if (!(err instanceof EncodeError)) return err;
    return new NetfilterError(`restore: ${kind} ${this.#table.family} ${this.#name} ${name ?? ''}: ${err.message}; nothing was sent`, {
      code: 'ERR_INVALID_ARG',
      operation: { index: this.#batch.length, verb: named.verb, object: named.object, path: err.path },
      cause: err,
    });
  }

  #addTable(): void {
    const { handle: _1, use: _2, owner: _3, flags, ...rest } = this.#table.attributes;
    // An owned table is its socket's and would vanish with ours: what is restored belongs to nobody.
    const kept = flags?.filter((f) => f !== 'owner');
    const encode = (): void => tableTable.encode(this.#batch.writer, { ...rest, ...(kept === undefined ? {} : { flags: kept }) });
    if (this.#replace) {
      this.#emit(
        m.NFT_MSG_NEWTABLE,
        'table',
        this.#name,
        // Without flags: with them a dormant table would wake before it goes.
        () => tableTable.encode(this.#batch.writer, { name: this.#name }),
        m.NLM_F_CREATE,
      );
      this.#emit(m.NFT_MSG_DELTABLE, 'table', this.#name, () => tableTable.encode(this.#batch.writer, { name: this.#name }), 0);
    }
    this.#emit(m.NFT_MSG_NEWTABLE, 'table', this.#name, encode);
  }

  #object({ handle: _1, use: _2, ...o }: ObjectAttributes): ObjectAttributes {
    const taken = objectAsTaken(o);
    return this.#counters ? taken : renewObject(taken);
  }

  #set({ handle: _1, type: _2, count: _3, ...s }: SetAttributes, index: number): SetAttributes {
    // The kernel wants an id for each new set, though names are what refers to them here.
    return { ...withExpressions(s, (e) => e.map(acceptable)), id: index + 1 };
  }

  #chain({ handle: _1, use: _2, counters, ...c }: ChainAttributes): ChainAttributes {
    if (counters === undefined) return c;
    return { ...c, counters: this.#counters ? counters : { packets: 0n, bytes: 0n } };
  }

  #elements(set: PortableSet): void {
    const { flags, name = '' } = set.attributes;
    const ranges = flags?.includes('interval') === true && !flags.includes('concat');
    const elements = ranges ? wholeRanges([...set.elements].sort(byKey)) : set.elements;
    const named = { verb: 'restore', object: { element: { family: this.#table.family, table: this.#name, name } } };
    const header = { type: m.NFT_MSG_NEWSETELEM, flags: m.NLM_F_CREATE | m.NLM_F_EXCL, family: this.#family };
    const messages = new ElementMessages(this.#batch.writer, { table: this.#name, set: name }, () => void this.#batch.push(header, named));
    try {
      let index = 0;
      for (const e of elements) messages.add(index++, this.#element(e));
      messages.end();
    } catch (err) {
      throw this.#refused(err, 'element', name, named);
    }
  }

  #element(e: ElementAttributes): ElementAttributes {
    return withExpressions(elementAsTaken(e), (list) => {
      const taken = list.map(acceptable);
      return this.#counters ? taken : renewExpressions(taken);
    });
  }

  #rules(chain: PortableChain): void {
    const name = chain.attributes.name ?? '';
    const counters: (Counter | undefined)[] = [];
    this.#begun.push({ kind: 'restore', place: { family: this.#table.family, table: this.#name, chain: name }, counters });
    for (const { expressions, userdata } of chain.rules) {
      const taken = expressions.map(acceptable);
      const kept = this.#counters ? taken : renewExpressions(taken);
      counters.push(kept.find((e) => e.type === 'counter') as Counter | undefined);
      const compat = inferCompat(this.#table.family, kept);
      const rule = {
        table: this.#name,
        chain: name,
        expressions: kept,
        ...(userdata === undefined ? {} : { userdata }),
        ...(compat === undefined ? {} : { compat }),
      };
      this.#emit(m.NFT_MSG_NEWRULE, 'rule', name, () => ruleTable.encode(this.#batch.writer, rule), m.NLM_F_CREATE | m.NLM_F_APPEND);
    }
  }
}

/**
 * The kernel takes no more rules into an anonymous chain once a rule jumps to it: those chains come before the chains that jump
 * to them, innermost first.
 */
function boundFirst(chains: readonly PortableChain[]): readonly PortableChain[] {
  const bound = new Map(chains.filter((c) => c.attributes.flags?.includes('binding')).map((c) => [c.attributes.name ?? '', c]));
  if (bound.size === 0) return chains;
  const ordered: PortableChain[] = [];
  const visit = (chain: PortableChain): void => {
    bound.delete(chain.attributes.name ?? '');
    // Rules can be read once: they are kept for when the chain's turn comes.
    const rules = [...chain.rules];
    for (const to of rules.flatMap((r) => jumps(r.expressions))) {
      const inner = bound.get(to);
      if (inner !== undefined) visit(inner);
    }
    ordered.push({ ...chain, rules });
  };
  const others = chains.filter((c) => !bound.has(c.attributes.name ?? ''));
  for (const chain of bound.values()) visit(chain);
  return [...ordered, ...others];
}

function jumps(expressions: readonly AnyExpression[]): string[] {
  return expressions.flatMap((e) => {
    const data = e.type === 'immediate' ? (e['data'] as { readonly chain?: string } | undefined) : undefined;
    return data?.chain === undefined ? [] : [data.chain];
  });
}

/** Ranges go in ascending, the end of one before a start at the same key: the order in which the kernel checks overlaps. */
function byKey(a: ElementAttributes, b: ElementAttributes): number {
  const order = Buffer.compare(a.key ?? new Uint8Array(0), b.key ?? new Uint8Array(0));
  if (order !== 0) return order;
  return Number(isEnd(b)) - Number(isEnd(a));
}

function isEnd(e: ElementAttributes): boolean {
  return e.flags?.includes('interval end') === true;
}

/**
 * Without ends that end nothing: of a range that has just expired the kernel still dumps the end. An end at 0 opens a set that
 * does not begin there, as nft writes it.
 */
function* wholeRanges(sorted: readonly ElementAttributes[]): Generator<ElementAttributes> {
  let open = false;
  let first = true;
  for (const e of sorted) {
    if (e.key === undefined) {
      yield e;
      continue;
    }
    const end = isEnd(e);
    const opens = first && end && e.key.every((byte) => byte === 0);
    first = false;
    if (end && !open && !opens) continue;
    open = !end;
    yield e;
  }
}

/** The form the kernel takes (nft_add_set_elem): the end of a range has a key and nothing else. */
function elementAsTaken(e: ElementAttributes): ElementAttributes {
  if (isEnd(e)) {
    const { key, flags } = e;
    return { ...(key === undefined ? {} : { key }), ...(flags === undefined ? {} : { flags }) };
  }
  return livingOn(e);
}

interface Stateful {
  readonly expr?: StatefulExpression;
  readonly expressions?: readonly StatefulExpression[];
}

/** Sets and elements hold one expression as `expr`, several as `expressions`. */
function withExpressions<T extends Stateful>(holder: T, change: (list: readonly StatefulExpression[]) => readonly StatefulExpression[]): T {
  const { expr, expressions } = holder;
  if (expr === undefined && expressions === undefined) return holder;
  const one = expr === undefined ? undefined : change([expr])[0];
  return {
    ...holder,
    ...(one === undefined ? {} : { expr: one }),
    ...(expressions === undefined ? {} : { expressions: change(expressions) }),
  };
}

function objectAsTaken(o: ObjectAttributes): ObjectAttributes {
  const { data } = o;
  if (o.kind !== 'quota' || typeof data !== 'object' || data === null || data instanceof Uint8Array) return o;
  return { ...o, data: acceptableQuota(data) };
}
