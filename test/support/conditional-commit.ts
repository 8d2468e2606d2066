// Commits of legacy tables that are conditional on what was looked at, as by one who keeps a picture of the tables.
import { Connection } from '../../lib/connection.ts';
import type { Command } from '../../lib/iptables/commands.ts';
import { RuleContext } from '../../lib/iptables/context.ts';
import type { IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { commitLegacy, TABLE_ABSENT } from '../../lib/iptables/legacy/commit.ts';
import { readTable } from '../../lib/iptables/legacy/requests.ts';
import { legacyRevisions } from '../../lib/iptables/legacy/revisions.ts';
import { parseRule } from '../../lib/iptables/rule-text.ts';
import { runSync, type Verb } from '../../lib/run.ts';

export class ConditionalCommits implements Disposable {
  readonly #connection: Connection;
  readonly #context: RuleContext;
  readonly #family: IpFamily;

  constructor(netns: string, family: IpFamily) {
    this.#connection = runSync(Connection.open(netns));
    this.#context = new RuleContext(this.#connection, family, 'legacy', legacyRevisions(this.#connection, family));
    this.#family = family;
  }
  [Symbol.dispose](): void {
    this.#connection.closeSync();
  }

  /** What a commit may expect, as things are. */
  look(table = 'filter'): Uint8Array {
    return runSync(readTable(this.#connection, this.#family, table))?.digest ?? TABLE_ABSENT;
  }
  append(chain: string, rule: string): Command {
    return { verb: 'append', chain, rule: parseRule(rule, this.#family) };
  }

  /** How many commands had something to do. */
  async commit(form: 'promise' | 'sync', expected: Uint8Array | undefined, commands: readonly Command[], o: Options = {}): Promise<number> {
    const { table = 'filter', dryRun = false } = o;
    const settings = { lockTimeoutMs: 10_000, dryRun, expected };
    const context = this.#context;
    const verb = function* (): Verb<number> {
      return (yield* commitLegacy(context, { table, commands, fresh: false }, settings)).changes;
    };
    return form === 'sync'
      ? this.#connection.runSync('commit', verb, true)
      : await this.#connection.runAsync('commit', verb, undefined, true);
  }
}

interface Options {
  readonly table?: string;
  readonly dryRun?: boolean;
}
