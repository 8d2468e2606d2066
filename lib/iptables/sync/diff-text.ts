// A plan as text: lines of save text that go and come, chain by chain, as diff -u prints them.
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
  const { from } = alignment;
  const lines: string[] = [];
  let [old, place] = [0, 0];
  while (old < before.length || place < keys.length) {
    const next = place < keys.length ? (from[place] as number) : -1;
    if (next === old) {
      old++;
      place++;
      continue;
    }
    const part: string[] = [];
    const [oldStart, start] = [old, place];
    let comes = place;
    while (comes < keys.length && (from[comes] as number) < 0) comes++;
    const oldEnd = comes < keys.length ? (from[comes] as number) : before.length;
    for (; old < oldEnd; old++) part.push(`-${ruleLine(name, before[old] as string, own)}`);
    for (; place < comes; place++) part.push(`+${ruleLine(name, keys[place] as string, own)}`);
    lines.push(`@@ -${range(oldStart, old)} +${range(start, place)} @@ ${name}`, ...part);
  }
  return lines;
}

function goneLines({ name, keys }: ChainState, own: BytesContext): string[] {
  if (keys.length === 0) return [];
  return [`@@ -${range(0, keys.length)} +0,0 @@ ${name}`, ...keys.map((key) => `-${ruleLine(name, key, own)}`)];
}

/** As diff -u: the first line and how many; of none the line before. */
function range(start: number, end: number): string {
  const length = end - start;
  return length === 1 ? String(start + 1) : `${length === 0 ? start : start + 1},${length}`;
}

function ruleLine(chain: string, key: string, own: BytesContext): string {
  const text = isForeignKey(key) ? UNSUPPORTED : printRule(specOfKey(key, own), own.family);
  return text === '' ? `-A ${chain}` : `-A ${chain} ${text}`;
}
