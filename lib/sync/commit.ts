// A plan is sent on the condition that nothing has changed since it was made, and made anew where somebody else was faster.
import { ERESTART } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';

/** How often a commit is tried that others come before. */
const TRIES = 10;

/** Who has committed last. */
export interface Writer {
  readonly process: string;
  readonly tid: number;
}

/** What was seen, and what has to be done about it. */
export interface Attempt {
  readonly empty: boolean;
  readonly generation: number | undefined;
}

export interface Committed<P> {
  /** The one that was carried out. */
  readonly plan: P;
  /** Afterwards. */
  readonly generation: number | undefined;
  readonly retries: number;
}

export interface Commit<P> {
  /** `lost`: the plan that others came before. EINTR where they came before a whole look. */
  plan(lost: P | undefined): Verb<P>;
  /** The generation it made; ERESTART where what the plan saw is so no more. */
  send(plan: P): Verb<number | undefined>;
  /** What is synced, for the error. */
  readonly what: string;
  /** Who has committed last, where the kernel tells. */
  by(): Writer | undefined;
}

/** `first`: a plan that was made already. ERR_CONFLICT naming the last writer after ten tries. */
export function* commitPlanned<P extends Attempt>(first: P | undefined, o: Commit<P>): Verb<Committed<P>> {
  let plan = first;
  for (let retries = 0; ; retries++) {
    try {
      if (plan === undefined || retries > 0) plan = yield* o.plan(plan);
      return { plan, generation: plan.empty ? plan.generation : yield* o.send(plan), retries };
    } catch (err) {
      const outrun = err instanceof NetfilterError && (err.code === 'ERESTART' || err.code === 'EINTR') && err.outcome === 'not-applied';
      if (!outrun) throw err;
      if (retries + 1 >= TRIES) throw conflict(o.what, o.by(), retries + 1, err);
    }
  }
}

function conflict(what: string, by: Writer | undefined, tries: number, cause: NetfilterError): NetfilterError {
  const who = by === undefined || by.process === '' ? '' : `, last by ${by.process} (thread ${by.tid})`;
  const text = `sync of ${what}: somebody else has committed during each of ${tries} tries${who}; nothing was applied`;
  return new NetfilterError(text, { code: 'ERR_CONFLICT', errno: ERESTART, cause });
}
