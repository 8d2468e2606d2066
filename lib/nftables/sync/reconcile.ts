// Look at the tables of a scope, plan, send: one transaction, on the condition that they are still as they were looked at.
import type { Connection } from '../../connection.ts';
import { Slice, type Verb } from '../../run.ts';
import { type Attempt, type Committed, commitPlanned, type Writer } from '../../sync/commit.ts';
import { Batch } from '../batch.ts';
import { LastWriter } from '../events/last-writer.ts';
import { consistently, type Picture, readPicture } from '../picture.ts';
import { fromPicture, type PortableTable } from '../portable.ts';
import { nextGeneration } from '../read.ts';
import { sendBatch } from '../send.ts';
import { Numbers } from './content.ts';
import { isEmpty, type TablePlan } from './parts.ts';
import type { TableScope } from './scope.ts';
import { planTable } from './table-plan.ts';
import { BatchIds, TableWriter } from './table-writer.ts';

export interface NftSyncSettings {
  /** What is made begins with the counts it has in the desired ruleset; default: counters, quotas and the like begin anew. */
  readonly counters?: boolean;
  /** Elements of dynamic sets are made what is desired too; default: those that the packet path has added or changed stay. */
  readonly dynamic?: boolean;
}

export interface RulesetPlan extends Attempt {
  readonly generation: number;
  readonly by: Writer | undefined;
  readonly tables: readonly TablePlan[];
}

export class Reconciler {
  readonly #connection: Connection;
  readonly #scopes: readonly TableScope[];
  readonly #o: NftSyncSettings;
  #writers: LastWriter | undefined;

  constructor(connection: Connection, scopes: readonly TableScope[], o: NftSyncSettings) {
    this.#connection = connection;
    this.#scopes = scopes;
    this.#o = o;
  }

  *plan(): Verb<RulesetPlan> {
    const { generation, value: pictures } = yield* consistently(this.#connection, 'sync', () => this.#look());
    const settings = { dynamic: this.#o.dynamic === true, numbers: new Numbers(), slice: new Slice() };
    const tables: TablePlan[] = [];
    for (const [i, scope] of this.#scopes.entries()) {
      const [was] = fromPicture(pictures[i] as Picture, 'sync') as [PortableTable?];
      tables.push(yield* planTable(scope, was, settings));
    }
    return { tables, generation, by: this.#writers?.last(), empty: tables.every(isEmpty) };
  }

  *#look(): Verb<Picture[]> {
    const pictures: Picture[] = [];
    for (const { family, name } of this.#scopes) pictures.push(yield* readPicture(this.#connection, { table: { family, name } }));
    return pictures;
  }

  /** A plan without changes that was made some time ago is made again: there is nothing to send that the kernel would refuse. */
  *carryOut(plan: RulesetPlan, old = false): Verb<Committed<RulesetPlan>> {
    const first = old && plan.empty ? yield* this.plan() : plan;
    try {
      return yield* commitPlanned(first, {
        plan: () => {
          // Events tell who is faster; before the first conflict nobody needs to know.
          this.#writers ??= new LastWriter(this.#connection);
          return this.plan();
        },
        send: (planned) => this.#send(planned),
        what: this.#scopes.map(({ family, name }) => `${family} ${name}`).join(', '),
      });
    } finally {
      this.#writers?.close();
      this.#writers = undefined;
    }
  }

  *#send({ tables, generation }: RulesetPlan): Verb<number> {
    const batch = new Batch();
    const ids = new BatchIds();
    for (const table of tables) if (!isEmpty(table)) new TableWriter(batch, table, ids, this.#o.counters === true).write();
    const sent = yield* sendBatch(this.#connection, batch, { generation, handles: false });
    return sent.generation ?? nextGeneration(generation);
  }
}

export function* planAndCarryOut(reconciler: Reconciler): Verb<Committed<RulesetPlan>> {
  return yield* reconciler.carryOut(yield* reconciler.plan());
}
