// A set as it was dumped in libnftables-json's words.
import type { ElementInput, Family, SetObject } from '../../model/ruleset.ts';
import type { AnyExpression } from '../expressions/expression.ts';
import type { ElementAttributes } from '../objects/element.ts';
import type { SetAttributes } from '../objects/set.ts';
import { type DumpedElement, elementList, plainElements } from './decoded.ts';
import { typeWords } from './field.ts';
import { objectKindOf } from './object-kinds.ts';
import { endsApart, hasFlag, type SetInfo, setInfoOf } from './set-info.ts';
import { elementStatements, setStatements } from './statements.ts';
import { elementComment, readSetUserdata } from './userdata.ts';
import { shownData, shownKey } from './value-shown.ts';
import { shownVerdict } from './verdict-input.ts';

/** Without `elements` the model has no `elem`: they were not read. An empty set's `elem` is absent too, as in nft's JSON. */
export function setModel(family: Family, a: SetAttributes, elements?: readonly ElementAttributes[]): SetObject {
  const info = setInfoOf(a);
  const { comment } = readSetUserdata(a.userdata);
  const flags = flagWords(info);
  const statements = setStatements(stateful(a));
  const map = mapWord(info, a);
  const elem = elements === undefined || elements.length === 0 ? [] : setElements(info, elements);
  return {
    family,
    name: a.name ?? '',
    table: a.table ?? '',
    type: typeWords(info.key),
    ...(a.handle === undefined ? {} : { handle: a.handle }),
    ...(comment === undefined ? {} : { comment }),
    ...(map === undefined ? {} : { map }),
    // nft shows the policy where it isn't the default.
    ...(a.policy === 'memory' ? { policy: 'memory' } : {}),
    // Of a constant set the size follows from its elements.
    ...(a.desc?.size === undefined || hasFlag(info, 'constant') ? {} : { size: a.desc.size }),
    ...(flags.length === 0 ? {} : { flags }),
    ...(info.autoMerge ? { 'auto-merge': true } : {}),
    ...(a.timeout === undefined || a.timeout === 0n ? {} : { timeout: Number(a.timeout) / 1000 }),
    ...(a.gcInterval === undefined || a.gcInterval === 0 ? {} : { 'gc-interval': a.gcInterval / 1000 }),
    ...(statements.length === 0 ? {} : { stmt: statements }),
    ...(a.count === undefined ? {} : { count: a.count }),
    ...(elem.length === 0 ? {} : { elem }),
  };
}

/** Whether a set is a map: what it is called in libnftables-json. */
export function isMap(a: SetAttributes): boolean {
  return setInfoOf(a).data !== undefined;
}

function stateful(a: { readonly expr?: unknown; readonly expressions?: unknown }): readonly AnyExpression[] {
  return ((a.expressions as readonly AnyExpression[] | undefined) ?? (a.expr === undefined ? [] : [a.expr])) as readonly AnyExpression[];
}

function flagWords(info: SetInfo): string[] {
  const words = (['constant', 'interval', 'timeout'] as const).filter((flag) => hasFlag(info, flag)) as string[];
  return hasFlag(info, 'eval') ? [...words, 'dynamic'] : words;
}

function mapWord(info: SetInfo, a: SetAttributes): string | undefined {
  if (info.data === undefined) return undefined;
  if (info.data === 'verdict') return 'verdict';
  if (info.data === 'object') return objectKindOf(a.objType);
  const words = [typeWords(info.data)].flat().join(' . ');
  return info.dataInterval ? `interval ${words}` : words;
}

/** The elements of a set as libnftables-json shows them, in the order of their keys where it is an interval set. */
export function setElements(info: SetInfo, elements: readonly ElementAttributes[]): ElementInput[] {
  const list = endsApart(info) ? elementList(elements) : plainElements(elements);
  return list.map((e) => elementModel(info, e));
}

export function elementModel(info: SetInfo, e: DumpedElement): ElementInput {
  const val =
    e.low === undefined || e.high === undefined ? '*' : shownKey(info.key, { low: e.low, high: e.high }, hasFlag(info, 'interval'));
  const more = {
    ...(e.rest.timeout === undefined ? {} : { timeout: Number(e.rest.timeout) / 1000 }),
    ...(e.rest.expiration === undefined ? {} : { expires: Number(e.rest.expiration) / 1000 }),
    ...commentOf(e.rest.userdata),
    ...elementStatements(stateful(e.rest)),
  };
  const key = (Object.keys(more).length === 0 ? val : { elem: { val, ...more } }) as ElementInput;
  return info.data === undefined ? key : [key, dataModel(info, e)];
}

function commentOf(userdata: Uint8Array | undefined): { comment?: string } {
  const comment = elementComment(userdata);
  return comment === undefined ? {} : { comment };
}

function dataModel(info: SetInfo, e: DumpedElement): unknown {
  const { data, objref } = e.rest;
  if (objref !== undefined) return objref;
  if (data === undefined) return null;
  if (!(data instanceof Uint8Array)) return shownVerdict(data);
  return typeof info.data === 'object' ? shownData(info.data, data, info.dataInterval) : data;
}
