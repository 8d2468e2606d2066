// The same calls through a queue and one after the other: what became of each, in a form that does not depend on the namespace.
import assert from 'node:assert/strict';
import { type Iptables, NetfilterError, type Queue, RuleSyntaxError } from '../../lib/index.ts';

export interface QueuedCall {
  readonly verb: 'append' | 'delete';
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
}
export const call = (verb: QueuedCall['verb'], table: string, chain: string, rule: string): QueuedCall => ({ verb, table, chain, rule });
export const append = (chain: string, rule: string, table = 'filter'): QueuedCall => call('append', table, chain, rule);
export const remove = (chain: string, rule: string, table = 'filter'): QueuedCall => call('delete', table, chain, rule);

/** 'done', or the code of the error. */
export async function outcomeOf({ verb, table, chain, rule }: QueuedCall, on: Iptables | Queue): Promise<string> {
  try {
    await on[verb](table, chain, rule);
    return 'done';
  } catch (err) {
    if (err instanceof RuleSyntaxError) return err.code;
    assert.ok(err instanceof NetfilterError, String(err));
    assert.equal(err.outcome, 'not-applied', err.message);
    return err.code;
  }
}

export async function queued(calls: readonly QueuedCall[], queue: Queue): Promise<string[]> {
  return await Promise.all(calls.map((c) => outcomeOf(c, queue)));
}
export async function oneByOne(calls: readonly QueuedCall[], ipt: Iptables): Promise<string[]> {
  const outcomes: string[] = [];
  for (const c of calls) outcomes.push(await outcomeOf(c, ipt));
  return outcomes;
}
