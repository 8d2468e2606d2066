// A ruleset made again: in another namespace, or from a file after a reboot. One batch: all of it, or nothing.
import type { Connection } from '../connection.ts';
import { ledgerOf, type OwnRestore } from '../counters/ledger.ts';
import { NetfilterError } from '../errors.ts';
import type { Counter } from '../model/ruleset.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { Batch, type Named } from './batch.ts';
import { countRules } from './counters.ts';
import { chainTable } from './objects/chain.ts';
import { flowtableTable } from './objects/flowtable.ts';
import * as m from './objects/messages.ts';
import { objectTable } from './objects/object.ts';
import { ruleTable } from './objects/rule.ts';
import { setTable } from './objects/set.ts';
import { tableTable } from './objects/table.ts';
import { type PortableChain, type PortableSet, type PortableTable, portableTables } from './portable.ts';
import { type CommitResult, sendBatch } from './send.ts';
import { ElementMessages } from './sets/element-messages.ts';
import {
  boundFirst,
  chainAsTaken,
  elementAsTaken,
  expressionsAsTaken,
  hasEnds,
  objectAsTaken,
  ruleContent,
  setAsTaken,
  tableAsTaken,
  wholeRanges,
} from './taken.ts';

export interface RestoreSettings {
  /** Tables that are there already: 'fail' with EEXIST (default), or 'replace' them, in the same transaction. */
  readonly existing?: 'fail' | 'replace';
  /** Restore counters, quotas' consumption and the like; default: they begin anew. */
  readonly counters?: boolean;
}

export function* restore(connection: Connection, ruleset: unknown, o: RestoreSettings): Verb<CommitResult> {
  const tables = portableTables(ruleset, 'restore');
  const batch = new Batch();
  const begun: OwnRestore[] = [];
  for (const table of tables) new TableRestore(batch, table, o, begun).write();
  const ledger = ledgerOf(connection);
  return yield* ledger.during(function* () {
    const scopes = tables.map((t) => ({ family: m.familyNumber(t.family), table: t.attributes.name ?? '' }));
    const before = yield* ledger.look(() => countRules(connection, scopes));
    const result = yield* sendBatch(connection, batch, { handles: false });
    for (const entry of begun) ledger.add(before === undefined ? entry : { ...entry, before: before.of(entry.place) });
    return result;
  });
}

class TableRestore {
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
    for (const o of objects)
      this.#emit(m.NFT_MSG_NEWOBJ, 'object', o.name, () => objectTable.encode(this.#batch.writer, objectAsTaken(o, this.#counters)));
    for (const { handle: _1, use: _2, ...f } of flowtables) {
      this.#emit(m.NFT_MSG_NEWFLOWTABLE, 'flowtable', f.name, () => flowtableTable.encode(this.#batch.writer, f));
    }
    for (const [i, s] of sets.entries()) {
      // The kernel wants an id for each new set, though names are what refers to them here.
      const set = { ...setAsTaken(s.attributes), id: i + 1 };
      this.#emit(m.NFT_MSG_NEWSET, 'set', s.attributes.name, () => setTable.encode(this.#batch.writer, set));
    }
    for (const c of chains)
      this.#emit(m.NFT_MSG_NEWCHAIN, 'chain', c.attributes.name, () =>
        chainTable.encode(this.#batch.writer, chainAsTaken(c.attributes, this.#counters)),
      );
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
    const encode = (): void => tableTable.encode(this.#batch.writer, tableAsTaken(this.#table.attributes));
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

  #elements(set: PortableSet): void {
    const { name = '' } = set.attributes;
    const elements = hasEnds(set.attributes) ? wholeRanges(set.elements) : set.elements;
    const named = { verb: 'restore', object: { element: { family: this.#table.family, table: this.#name, name } } };
    const header = { type: m.NFT_MSG_NEWSETELEM, flags: m.NLM_F_CREATE | m.NLM_F_EXCL, family: this.#family };
    const messages = new ElementMessages(this.#batch.writer, { table: this.#name, set: name }, () => void this.#batch.push(header, named));
    try {
      let index = 0;
      for (const e of elements) messages.add(index++, elementAsTaken(e, this.#counters));
      messages.end();
    } catch (err) {
      throw this.#refused(err, 'element', name, named);
    }
  }

  #rules(chain: PortableChain): void {
    const name = chain.attributes.name ?? '';
    const counters: (Counter | undefined)[] = [];
    this.#begun.push({ kind: 'restore', place: { family: this.#table.family, table: this.#name, chain: name }, counters });
    for (const { expressions, userdata } of chain.rules) {
      const kept = expressionsAsTaken(expressions, this.#counters);
      counters.push(kept.find((e) => e.type === 'counter') as Counter | undefined);
      const rule = { table: this.#name, chain: name, ...ruleContent(this.#table.family, kept, userdata) };
      this.#emit(m.NFT_MSG_NEWRULE, 'rule', name, () => ruleTable.encode(this.#batch.writer, rule), m.NLM_F_CREATE | m.NLM_F_APPEND);
    }
  }
}
