// Does on a legacy table what argv says, and prints what came of each piece of work: for processes that are made to fail.
import { Iptables, type NetfilterError } from '../../../lib/index.ts';
import { ConditionalCommits } from '../../support/conditional-commit.ts';

export interface LegacyWork {
  readonly netns?: string;
  readonly family: 'ip' | 'ip6';
  readonly sync?: boolean;
  /** Save text; or commands of one transaction as [verb, …arguments]. */
  readonly restore?: string;
  readonly noflush?: boolean;
  /** Append that rule to INPUT of the table as it is, on the condition that it still is. */
  readonly expecting?: string;
  readonly table?: string;
  readonly commands?: readonly (readonly (string | number)[])[];
  readonly lockTimeoutMs?: number;
  /** Commit the same transaction again where the first commit failed. */
  readonly twice?: boolean;
}
export interface LegacyEnd {
  /** 'done', or the code of the error. */
  readonly end: string;
  readonly outcome?: string;
  readonly tables?: readonly string[];
  readonly message?: string;
  readonly operation?: string;
}

async function ending(work: () => unknown): Promise<LegacyEnd> {
  try {
    await work();
    return { end: 'done' };
  } catch (err) {
    const { code, outcome, tables, message, operation } = err as NetfilterError;
    return {
      end: code,
      outcome,
      message,
      ...(tables === undefined ? {} : { tables }),
      ...(operation === undefined ? {} : { operation: operation.verb }),
    };
  }
}

async function perform(w: LegacyWork): Promise<LegacyEnd[]> {
  const { expecting, netns } = w;
  if (expecting !== undefined && netns !== undefined) {
    using commits = new ConditionalCommits(netns, w.family);
    const commit = () => commits.commit(w.sync === true ? 'sync' : 'promise', commits.look(), [commits.append('INPUT', expecting)]);
    return [await ending(commit)];
  }
  const where = w.netns === undefined ? {} : { netns: w.netns };
  const waits = w.lockTimeoutMs === undefined ? {} : { lockTimeoutMs: w.lockTimeoutMs };
  let ipt: Iptables | undefined;
  const opened = await ending(() => {
    ipt = Iptables.openSync({ family: w.family, backend: 'legacy', ...where, ...waits });
  });
  if (ipt === undefined) return [opened];
  const open = ipt;
  try {
    const { restore } = w;
    if (restore !== undefined) {
      const options = { noflush: w.noflush === true };
      return [await ending(() => (w.sync === true ? open.restoreSync(restore, options) : open.restore(restore, options)))];
    }
    const tx = open.transaction(w.table ?? 'filter');
    const verbs = tx as unknown as Record<string, (...args: readonly (string | number)[]) => unknown>;
    for (const [verb = '', ...args] of w.commands ?? []) {
      if (typeof verbs[verb] !== 'function') throw new Error(`no verb ${verb}`);
      verbs[verb](...args);
    }
    const commit = () => ending(() => (w.sync === true ? tx.commitSync() : tx.commit()));
    const first = await commit();
    return w.twice === true ? [first, await commit()] : [first];
  } finally {
    await open.close();
  }
}

console.log(JSON.stringify(await perform(JSON.parse(process.argv[2] as string) as LegacyWork)));
