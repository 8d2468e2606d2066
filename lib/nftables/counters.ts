// A poll of rule counters: typed arrays straight from the dump; a row is decoded only when asked for.
import type { Connection } from '../connection.ts';
import { commentMatches, placed } from '../model/filter.ts';
import type { CounterSnapshot, InstalledRule, Place } from '../model/ruleset.ts';
import type { Verb } from '../run.ts';
import { type ChainRows, RuleDump } from './installed-rule.ts';
import { familyNumber, NFPROTO_UNSPEC } from './objects/messages.ts';
import type { TableName } from './picture.ts';
import { dumpScopes, perChainPays, type RuleScope, readGeneration } from './read.ts';

export interface CounterScope {
  readonly table?: TableName;
  /** Needs `table`. */
  readonly chain?: string;
}

/** How a row is shown: as an nf_tables rule, or as the iptables rule it stands for. */
export type RowView = (dump: RuleDump, row: number) => InstalledRule;

export function* readCounters(connection: Connection, scope: CounterScope, view: RowView): Verb<CounterSnapshot> {
  const { table, chain } = scope;
  const rules = {
    family: table === undefined ? NFPROTO_UNSPEC : familyNumber(table.family),
    ...(table === undefined ? {} : { table: table.name }),
    ...(chain === undefined ? {} : { chain }),
  };
  return yield* countRules(connection, rules, view);
}

/** The chains of the last poll that would have been cheaper chain by chain: good for as long as the generation stands. */
const perChain = new WeakMap<Connection, { readonly key: string; readonly generation: number; readonly scopes: readonly RuleScope[] }>();

/** `keep` leaves out the rows of other chains; the cost of the dump is the same. */
export function* countRules(
  connection: Connection,
  scope: RuleScope,
  view: RowView,
  keep?: (rows: ChainRows) => boolean,
): Verb<CounterSnapshot> {
  const whole = [scope];
  const remembered = perChain.get(connection);
  const key = JSON.stringify([scope.family, scope.table, scope.chain]);
  const before = remembered === undefined ? undefined : (yield* readGeneration(connection)).generation;
  const scopes = remembered !== undefined && remembered.key === key && remembered.generation === before ? remembered.scopes : whole;
  // One uninterrupted dump is of one generation: no need to wait for a quiet moment. Its low 16 bits stand in the messages.
  let reply = yield* dumpScopes(connection, scopes);
  let after = (yield* readGeneration(connection)).generation;
  if (scopes !== whole && after !== before) {
    // Somebody committed since the chains were remembered: there may be others by now.
    perChain.delete(connection);
    reply = yield* dumpScopes(connection, whole);
    after = (yield* readGeneration(connection)).generation;
  }
  const generation = reply.generation16 < 0 || (after & 0xffff) === reply.generation16 ? after : undefined;
  const dump = new RuleDump(reply);
  if (generation !== undefined && perChainPays(dump.length, dump.chains.length)) {
    const chains = dump.chains.map((c) => ({ family: familyNumber(c.family), table: c.table, chain: c.chain }));
    perChain.set(connection, { key, generation, scopes: chains });
  }
  return new DumpedCounters(keep === undefined ? dump : dump.select(keep), generation, performance.timeOrigin + performance.now(), view);
}

class DumpedCounters implements CounterSnapshot {
  readonly length: number;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly handles: BigUint64Array;
  readonly chain: Uint32Array;
  readonly generation?: number;
  readonly takenAt: number;
  readonly #dump: RuleDump;
  readonly #view: RowView;

  constructor(dump: RuleDump, generation: number | undefined, takenAt: number, view: RowView) {
    this.#dump = dump;
    this.#view = view;
    this.length = dump.length;
    this.packets = dump.reply.packets;
    this.bytes = dump.reply.bytes;
    this.handles = dump.reply.handles;
    this.chain = dump.reply.chain;
    if (generation !== undefined) this.generation = generation;
    this.takenAt = takenAt;
  }

  row(i: number): InstalledRule {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) throw new RangeError(`row ${i} of ${this.length}`);
    return this.#view(this.#dump, i);
  }

  indexOf(where: Partial<Place> & { readonly comment?: string; readonly handle?: bigint }): number {
    for (const rows of this.#dump.chains) {
      if (!placed(rows, where)) continue;
      for (let row = rows.start; row < rows.end; row++) {
        if (where.handle !== undefined && this.handles[row] !== where.handle) continue;
        if (where.comment !== undefined && !commentMatches(this.#view(this.#dump, row).comment, where.comment)) continue;
        return row;
      }
    }
    return -1;
  }
}
