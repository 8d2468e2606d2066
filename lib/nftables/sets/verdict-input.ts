// Verdicts of verdict maps: { accept: null }, { jump: { target } }, and the same as words: 'accept', 'jump chain'.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import type { Verdict } from '../expressions/data.ts';

const plain = ['accept', 'drop', 'continue', 'return'] as const;
const toChain = ['jump', 'goto'] as const;

export function verdictOf(input: unknown): Verdict {
  const [word, target] = parts(input);
  if (plain.includes(word as (typeof plain)[number])) return { verdict: word as (typeof plain)[number] };
  if (toChain.includes(word as (typeof toChain)[number])) {
    if (typeof target !== 'string' || target === '') throw new EncodeError('', `${word} needs the name of a chain, not ${show(target)}`);
    return { verdict: word as (typeof toChain)[number], chain: target };
  }
  throw new EncodeError('', `a verdict is needed, one of ${[...plain, ...toChain].join(', ')}, not ${show(input)}`);
}

function parts(input: unknown): readonly [word: string, target?: unknown] {
  if (typeof input === 'string') {
    const at = input.indexOf(' ');
    return at < 0 ? [input] : [input.slice(0, at), input.slice(at + 1).trim()];
  }
  const entry = typeof input === 'object' && input !== null ? Object.entries(input)[0] : undefined;
  if (entry === undefined) return [''];
  const value: unknown = entry[1];
  return [entry[0], typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)['target'] : value];
}

/** As libnftables-json shows it; other verdicts than its own as a number. */
export function shownVerdict(v: Verdict): unknown {
  if (v.verdict === 'jump' || v.verdict === 'goto') return { [v.verdict]: { target: v.chain ?? '' } };
  return typeof v.verdict === 'string' ? { [v.verdict]: null } : { verdict: v.verdict };
}
