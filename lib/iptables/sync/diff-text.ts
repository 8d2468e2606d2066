// A plan as text: lines of save text that go and come, chain by chain, as diff -u prints them.
import { hunks } from '../../sync/hunks.ts';
import { printRule } from '../rule-text.ts';
import { isForeignKey, type KeyKind, specOfKey } from './rule-key.ts';
import type { ChainState } from './state.ts';
import { type ChainPlan, isEmpty, type TablePlan } from './table-plan.ts';

/** What a rule is called that iptables has no words for. */
export const UNSUPPORTED = '[unsupported]';

export function diffText(plans: readonly TablePlan[], kind: KeyKind): string {
  return plans
    .filter((plan) => !isEmpty(plan))
    .map((plan) => tableText(plan, kind))
    .join('');
}

function tableText({ table, chains, deleted }: TablePlan, kind: KeyKind): string {
  const lines = [`--- *${table}`, `+++ *${table}`];
  for (const { name, was, builtin, policy } of chains) {
    if (!builtin) {
      if (was === undefined) lines.push(`+:${name} - [0:0]`);
    } else if (policy !== undefined) {
      lines.push(`-:${name} ${was?.policy ?? 'ACCEPT'}`, `+:${name} ${policy}`);
    }
  }
  for (const { name } of deleted) lines.push(`-:${name} - [0:0]`);
  for (const chain of chains) lines.push(...chainLines(chain, kind));
  for (const chain of deleted) lines.push(...goneLines(chain, kind));
  return `${lines.join('\n')}\n`;
}

/** The parts in which a chain differs, each under its rule numbers before and after, from 1. */
function chainLines({ name, was, keys, alignment }: ChainPlan, kind: KeyKind): string[] {
  const before = was?.keys ?? [];
  return hunks(name, before.length, alignment.from, {
    gone: (place) => ruleLine(name, before[place] as string, kind),
    comes: (place) => ruleLine(name, keys[place] as string, kind),
  });
}

function goneLines({ name, keys }: ChainState, kind: KeyKind): string[] {
  const gone = (place: number): string => ruleLine(name, keys[place] as string, kind);
  return hunks(name, keys.length, new Int32Array(0), { gone, comes: gone });
}

function ruleLine(chain: string, key: string, kind: KeyKind): string {
  const text = isForeignKey(key) ? UNSUPPORTED : printRule(specOfKey(key, kind), kind.family);
  return text === '' ? `-A ${chain}` : `-A ${chain} ${text}`;
}
