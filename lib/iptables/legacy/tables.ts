// Legacy tables as they were read last, by name: what has not changed is neither transferred nor decoded again.
import type { Counter } from '../../model/ruleset.ts';
import type { Verb } from '../../run.ts';
import type { RuleContext } from '../context.ts';
import { requestTable } from './requests.ts';
import { LegacyTable } from './table.ts';
import { LegacyView } from './view.ts';

/** By row of the table. */
export type RowCounters = (row: number) => Counter;

export class LegacyTables {
  readonly #context: RuleContext;
  readonly #views = new Map<string, LegacyView>();

  constructor(context: RuleContext) {
    this.#context = context;
  }

  *look(name: string): Verb<LegacyView> {
    const { connection, family } = this.#context;
    const before = this.#views.get(name);
    const reply = yield* requestTable(connection, family, name, { known: before?.digest });
    if (reply.known === true && before !== undefined) return before;
    const table = reply.missing === true ? undefined : new LegacyTable(family, name, reply);
    const view = new LegacyView(table, this.#context, before);
    this.#views.set(name, view);
    return view;
  }

  /** What the rules have counted, if the table is as it was looked at last; otherwise a commit that expects that will not happen. */
  *counters(name: string): Verb<RowCounters | undefined> {
    const { connection, family } = this.#context;
    const { packets, bytes } = yield* requestTable(connection, family, name);
    if (packets === undefined || bytes === undefined) return undefined;
    return (row) => ({ packets: packets[row] ?? 0n, bytes: bytes[row] ?? 0n });
  }

  /** As it was looked at last. */
  last(name: string): LegacyView | undefined {
    return this.#views.get(name);
  }
}
