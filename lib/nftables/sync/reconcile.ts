// Look at the tables of a scope, plan, send: one transaction, on the condition that they are still as they were looked at.
import type { Connection } from '../../connection.ts';
import { Slice, type Verb } from '../../run.ts';
import { type Attempt, type Committed, commitPlanned } from '../../sync/commit.ts';
import { Batch } from '../batch.ts';
import { CommitLog } from '../events/commit-log.ts';
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
  readonly tables: readonly TablePlan[];
  /** What to send, written when it is first asked for. */
  readonly batch: () => Batch;
}

export class Reconciler {
  readonly #connection: Connection;
  readonly #scopes: readonly TableScope[];
  readonly #o: NftSyncSettings;

  constructor(connection: Connection, scopes: readonly TableScope[], o: NftSyncSettings) {
    this.#connection = connection;
    this.#scopes = scopes;
    this.#o = o;
  }

  plan(): Verb<RulesetPlan> {
    return this.#logging((log) => this.#plan(log));
  }

  /** A plan without changes that was made some time ago is made again: there is nothing to send that the kernel would refuse. */
  carryOut(plan: RulesetPlan): Verb<Committed<RulesetPlan>> {
    return this.#logging((log) => this.#commit(plan.empty ? undefined : plan, log));
  }

  sync(): Verb<Committed<RulesetPlan>> {
    return this.#logging((log) => this.#commit(undefined, log));
  }

  /** Commits are listened to from before the first look on. */
  *#logging<T>(verb: (log: CommitLog) => Verb<T>): Verb<T> {
    const log = new CommitLog(this.#connection, this.#scopes);
    try {
      return yield* verb(log);
    } finally {
      log.close();
    }
  }

  *#commit(first: RulesetPlan | undefined, log: CommitLog): Verb<Committed<RulesetPlan>> {
    return yield* commitPlanned(first, {
      plan: (lost) => this.#planAgain(lost, log),
      send: (plan) => this.#send(plan),
      what: this.#scopes.map(({ family, name }) => `${family} ${name}`).join(', '),
      by: () => log.writer(),
    });
  }

  /** Where others have committed elsewhere only, a plan that lost to them holds in their generation too. */
  *#planAgain(lost: RulesetPlan | undefined, log: CommitLog): Verb<RulesetPlan> {
    const generation = lost === undefined ? undefined : yield* log.untouchedSince(lost.generation);
    return lost === undefined || generation === undefined ? yield* this.#plan(log) : { ...lost, generation };
  }

  *#plan(log: CommitLog): Verb<RulesetPlan> {
    const { generation, value: pictures } = yield* this.#look(log);
    const settings = { dynamic: this.#o.dynamic === true, numbers: new Numbers(), slice: new Slice() };
    const tables: TablePlan[] = [];
    for (const [i, scope] of this.#scopes.entries()) {
      const [was] = fromPicture(pictures[i] as Picture, 'sync') as [PortableTable?];
      tables.push(yield* planTable(scope, was, settings));
    }
    let batch: Batch | undefined;
    return { tables, generation, empty: tables.every(isEmpty), batch: () => (batch ??= this.#batch(tables)) };
  }

  #look(log: CommitLog): Verb<{ readonly generation: number; readonly value: readonly Picture[] }> {
    const unchangedSince = log.listens
      ? function* (generation: number): Verb<boolean> {
          return (yield* log.untouchedSince(generation)) !== undefined;
        }
      : undefined;
    const [connection, scopes] = [this.#connection, this.#scopes];
    const look = function* (): Verb<Picture[]> {
      const pictures: Picture[] = [];
      for (const { family, name } of scopes)
        pictures.push(yield* readPicture(connection, { table: { family, name }, ...(unchangedSince && { unchangedSince }) }));
      return pictures;
    };
    return consistently(connection, 'sync', look, unchangedSince);
  }

  #batch(tables: readonly TablePlan[]): Batch {
    const batch = new Batch();
    const ids = new BatchIds();
    for (const table of tables) if (!isEmpty(table)) new TableWriter(batch, table, ids, this.#o.counters === true).write();
    return batch;
  }

  *#send({ batch, generation }: RulesetPlan): Verb<number> {
    const sent = yield* sendBatch(this.#connection, batch(), { generation, handles: false });
    return sent.generation ?? nextGeneration(generation);
  }
}
