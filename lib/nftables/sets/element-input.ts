// Elements as users write them (libnftables-json's forms), read for one set.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import type { AnyExpression } from '../expressions/expression.ts';
import { durationMs } from './datatypes.ts';
import type { CatchAll, Entry, EntryRest } from './entries.ts';
import type { Interval } from './intervals.ts';
import { dataBytes, keyInterval } from './key-input.ts';
import { hasFlag, type SetInfo } from './set-info.ts';
import { statement, statementNames } from './statements.ts';
import { elementUserdata } from './userdata.ts';
import { verdictOf } from './verdict-input.ts';

type Input = Readonly<Record<string, unknown>>;

export interface ElementList {
  readonly entries: readonly Entry[];
  readonly catchAll: readonly CatchAll[];
}

/** `adding`: timeouts, data and the like are read too; without, keys only. Errors carry `elem[17].val`. */
export function readElementInput(info: SetInfo, input: unknown, adding: boolean): ElementList {
  // A single element without a list, as libnftables-json allows.
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  const entries: Entry[] = [];
  const catchAll: CatchAll[] = [];
  for (let index = 0; index < list.length; index++) {
    try {
      readElement(info, list[index], adding, index, entries, catchAll);
    } catch (err) {
      throw err instanceof EncodeError ? err.within(`elem[${index}]`) : err;
    }
  }
  return { entries, catchAll };
}

/** Shared: most elements are a key and nothing else. */
const noRest: EntryRest = {};

function readElement(info: SetInfo, input: unknown, adding: boolean, index: number, entries: Entry[], catchAll: CatchAll[]): void {
  if (typeof input === 'string' && input !== '*' && (info.data === undefined || !adding)) {
    const { low, high } = keyAt(info, input, 'val');
    entries.push({ low, high, rest: noRest, index });
    return;
  }
  const { outer, key, value } = partsOf(info, input);
  const rest: EntryRest = adding ? Object.assign(restOf(info, outer), dataOf(info, value)) : noRest;
  if (key === '*') {
    catchAll.push({ rest, index });
    return;
  }
  entries.push({ ...keyAt(info, key, 'val'), rest, index });
}

/** The key, a map's value, and the object that says more of the element. */
function partsOf(info: SetInfo, input: unknown): { readonly outer: Input | undefined; readonly key: unknown; readonly value: unknown } {
  const pair = info.data !== undefined && Array.isArray(input) ? (input as readonly unknown[]) : undefined;
  if (pair !== undefined && pair.length !== 2) throw new EncodeError('', `a pair [key, value] is needed, not ${pair.length} values`);
  const head = pair === undefined ? input : pair[0];
  const outer = elementObject(head);
  // { elem: { val: [key, value], … } } is taken as well as [{ elem: { val: key } }, value].
  const inner =
    pair === undefined && outer !== undefined && info.data !== undefined && Array.isArray(outer['val']) ? outer['val'] : undefined;
  const key: unknown = inner === undefined ? (outer === undefined ? head : outer['val']) : inner[0];
  return { outer, key, value: pair === undefined ? inner?.[1] : pair[1] };
}

/** An element that is looked for: by its key, of a map also with its value. */
export interface WantedElement {
  /** Absent: the catch-all element. */
  readonly range?: Interval;
  readonly data?: EntryRest;
}

/** In any form that an element is written or shown in; undefined for what can't be in such a set. */
export function wantedElement(info: SetInfo, input: unknown): WantedElement | undefined {
  try {
    const { key, value } = partsOf(info, input);
    return { ...(key === '*' ? {} : { range: keyAt(info, key, 'val') }), ...(value === undefined ? {} : { data: dataOf(info, value) }) };
  } catch (err) {
    if (err instanceof EncodeError) return undefined;
    throw err;
  }
}

function elementObject(input: unknown): Input | undefined {
  const elem = typeof input === 'object' && input !== null ? (input as Input)['elem'] : undefined;
  if (elem === undefined) return undefined;
  if (typeof elem !== 'object' || elem === null) throw new EncodeError('elem', `an object is needed, not ${show(elem)}`);
  return elem as Input;
}

function keyAt(info: SetInfo, key: unknown, path: string): Interval {
  try {
    return keyInterval(info.key, key, { interval: hasFlag(info, 'interval'), needs: 'the set needs the flag interval' });
  } catch (err) {
    throw err instanceof EncodeError ? err.within(path) : err;
  }
}

function dataOf(info: SetInfo, value: unknown): EntryRest {
  if (info.data === undefined) return {};
  if (value === undefined) throw new EncodeError('data', 'is missing: an element of a map is a pair [key, value]');
  try {
    if (info.data === 'verdict') return { data: verdictOf(value) };
    if (info.data === 'object') {
      if (typeof value !== 'string' || value === '') throw new EncodeError('', `the name of an object is needed, not ${show(value)}`);
      return { objref: value };
    }
    return { data: dataBytes(info.data, value, info.dataInterval) };
  } catch (err) {
    throw err instanceof EncodeError ? err.within('data') : err;
  }
}

const properties = ['val', 'timeout', 'expires', 'comment', 'expressions', ...statementNames];

function restOf(info: SetInfo, elem: Input | undefined): EntryRest {
  if (elem === undefined) return {};
  for (const key in elem) {
    if (!properties.includes(key) && elem[key] !== undefined)
      throw new EncodeError(key, `unknown property, one of ${properties.join(', ')}`);
  }
  const [timeout, expiration] = [milliseconds(info, elem, 'timeout'), milliseconds(info, elem, 'expires')];
  const expressions = expressionsOf(elem);
  const userdata = elementUserdata(elem['comment'], false);
  const rest: { -readonly [K in keyof EntryRest]: EntryRest[K] } = {};
  if (timeout !== undefined) rest.timeout = timeout;
  if (expiration !== undefined) rest.expiration = expiration;
  if (userdata !== undefined) rest.userdata = userdata;
  if (expressions.length > 0) Object.assign(rest, stateful(expressions));
  return rest;
}

/** One goes into NFTA_SET_ELEM_EXPR, several into NFTA_SET_ELEM_EXPRESSIONS; likewise for sets. */
export function stateful(expressions: readonly AnyExpression[]): Pick<EntryRest, 'expr' | 'expressions'> {
  if (expressions.length === 0) return {};
  const list = expressions as NonNullable<EntryRest['expressions']>;
  return list.length === 1 && list[0] !== undefined ? { expr: list[0] } : { expressions: list };
}

function expressionsOf(elem: Input): readonly AnyExpression[] {
  const given = elem['expressions'];
  if (given !== undefined) {
    if (!Array.isArray(given)) throw new EncodeError('expressions', `a list is needed, not ${show(given)}`);
    return given as readonly AnyExpression[];
  }
  const list: AnyExpression[] = [];
  for (const name in elem) if (statementNames.includes(name) && elem[name] !== undefined) list.push(statement(name, elem[name], name));
  return list;
}

function milliseconds(info: SetInfo, elem: Input, key: 'timeout' | 'expires'): bigint | undefined {
  const value = elem[key];
  if (value === undefined) return undefined;
  const ms = durationMs(value);
  if (ms === undefined) throw new EncodeError(key, `seconds, or text such as '1h30m', are needed, not ${show(value)}`);
  if (!hasFlag(info, 'timeout')) throw new EncodeError(key, 'the set needs the flag timeout');
  return ms;
}
