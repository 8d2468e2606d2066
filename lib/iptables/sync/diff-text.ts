// A plan as text: lines of save text that go and come, chain by chain, as diff -u prints them.
import { hunks } from '../../sync/hunks.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { printRule } from '../rule-text.ts';
import { isForeignKey, specOfKey } from './rule-key.ts';
import type { ChainState } from './state.ts';
import { type ChainPlan, isEmpty, type TablePlan } from './table-plan.ts';

/** What a rule is called that iptables has no words for. */
export const UNSUPPORTED = '[unsupported]';

/** `own`: of the keys. */
export function diffText(plans: readonly TablePlan[], own: BytesContext): string {
  return plans
    .filter((plan) => !isEmpty(plan))
    .map((plan) => tableText(plan, own))
    .join('');
}

function tableText({ table, chains, deleted }: TablePlan, own: BytesContext): string {
  const lines = [`--- *${table}`, `+++ *${table}`];
  for (const { name, was, builtin, policy } of chains) {
    if (!builtin) {
      if (was === undefined) lines.push(`+:${name} - [0:0]`);
    } else if (policy !== undefined) {
      lines.push(`-:${name} ${was?.policy ?? 'ACCEPT'}`, `+:${name} ${policy}`);
    }
  }
  for (const { name } of deleted) lines.push(`-:${name} - [0:0]`);
  for (const chain of chains) lines.push(...chainLines(chain, own));
  for (const chain of deleted) lines.push(...goneLines(chain, own));
  return `${lines.join('\n')}\n`;
}

/** The parts in which a chain differs, each under its rule numbers before and after, from 1. */
function chainLines({ name, was, keys, alignment }: ChainPlan, own: BytesContext): string[] {
  const before = was?.keys ?? [];
  return hunks(name, before.length, alignment.from, {
    gone: (place) => ruleLine(name, before[place] as string, own),
    comes: (place) => ruleLine(name, keys[place] as string, own),
  });
}

function goneLines({ name, keys }: ChainState, own: BytesContext): string[] {
  const gone = (place: number): string => ruleLine(name, keys[place] as string, own);
  return hunks(name, keys.length, new Int32Array(0), { gone, comes: gone });
}

function ruleLine(chain: string, key: string, own: BytesContext): string {
  const text = isForeignKey(key) ? UNSUPPORTED : printRule(specOfKey(key, own), own.family);
  return text === '' ? `-A ${chain}` : `-A ${chain} ${text}`;
}
