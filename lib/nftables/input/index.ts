// Object × verb: one table of all kinds. What is missing in a kind's verbs no kernel can do.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { chain } from './chain.ts';
import { type Input, type ObjectKind, UnsupportedPair, type WriteContext } from './kind.ts';
import { rule } from './rule.ts';
import { table } from './table.ts';
import type { VerbName } from './types.ts';

const kinds: Readonly<Record<string, ObjectKind>> = { table, chain, rule };

/** Objects of libnftables-json(5) that have no kind here yet. */
// biome-ignore format: a line holds what belongs together
const later: readonly string[] = ['set', 'map', 'element', 'counter', 'quota', 'limit', 'ct helper', 'ct timeout', 'ct expectation', 'synproxy', 'secmark', 'tunnel', 'flowtable'];

/** The one property that names the kind, and what it holds. */
export function kindOf(object: unknown): { readonly name: string; readonly input: Input } {
  const keys = typeof object === 'object' && object !== null ? Object.keys(object) : [];
  const name = keys[0];
  if (keys.length !== 1 || name === undefined) {
    throw new EncodeError('', `an object with one property such as { rule: … } is needed, not ${show(object)}`);
  }
  const input = (object as Input)[name];
  if (typeof input !== 'object' || input === null) throw new EncodeError(name, `an object is needed, not ${show(input)}`);
  return { name, input: input as Input };
}

/** Writes the operation's messages. Throws EncodeError, or UnsupportedPair for what no kernel or nflink can do. */
export function writeOperation(verb: VerbName, object: unknown, c: Pick<WriteContext, 'w' | 'index' | 'at' | 'emit'>): void {
  const { name, input } = kindOf(object);
  const kind = Object.hasOwn(kinds, name) ? (kinds[name] as ObjectKind) : undefined;
  if (kind === undefined) {
    if (later.includes(name)) throw new UnsupportedPair(`${verb} ${name} is not supported yet`);
    throw new EncodeError(name, `unknown object, one of ${[...Object.keys(kinds), ...later].join(', ')}`);
  }
  const pair = kind.verbs[verb];
  if (pair === undefined) {
    const why = verb === 'reset' ? 'is not supported yet' : `does not exist; a ${name} knows ${Object.keys(kind.verbs).join(', ')}`;
    throw new UnsupportedPair(`${verb} ${name} ${why}`);
  }
  kind.write(input, { ...c, ...pair, verb });
}
