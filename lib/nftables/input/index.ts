// Object × verb: one table of all kinds. What is missing in a kind's verbs no kernel can do.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { chain } from './chain.ts';
import { element } from './element.ts';
import { flowtable } from './flowtable.ts';
import { type Input, type ObjectKind, UnsupportedPair, type WriteContext } from './kind.ts';
import { rule } from './rule.ts';
import { map, set } from './set.ts';
import { stateful } from './stateful.ts';
import { ruleset, table } from './table.ts';
import type { VerbName } from './types.ts';

export const kinds: Readonly<Record<string, ObjectKind>> = { ruleset, table, chain, rule, ...stateful, flowtable, set, map, element };

/** Why a pair that is missing in `kinds` cannot be: the kernel has no message for it, or takes the message and does nothing. */
export const whyNot: Readonly<Record<VerbName, string>> = {
  add: 'it is there as long as its namespace is',
  create: 'it is there as long as its namespace is',
  delete: 'it is there as long as its namespace is',
  destroy: 'it is there as long as its namespace is',
  insert: 'only rules have an order',
  replace: 'only rules are replaced in their place',
  flush: 'it holds nothing that could be deleted from it',
  rename: 'only chains have a name that can change',
  reset: 'it counts nothing that a reset would zero',
};

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
export function writeOperation(
  verb: VerbName,
  object: unknown,
  c: Pick<WriteContext, 'w' | 'index' | 'at' | 'emit' | 'sets' | 'defer'>,
): void {
  const { name, input } = kindOf(object);
  const kind = Object.hasOwn(kinds, name) ? (kinds[name] as ObjectKind) : undefined;
  if (c.at.id !== undefined && name !== 'rule') throw new EncodeError('at', `a ${name} has no place, only rules have`);
  if (kind === undefined) {
    throw new EncodeError(name, `unknown object, one of ${Object.keys(kinds).join(', ')}`);
  }
  const pair = kind.verbs[verb];
  if (pair === undefined) {
    throw new UnsupportedPair(`${verb} ${name} does not exist: ${whyNot[verb]}; a ${name} knows ${Object.keys(kind.verbs).join(', ')}`);
  }
  kind.write(input, { ...c, ...pair, verb });
}
