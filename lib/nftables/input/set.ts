// Sets and maps in a transaction.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import type { AnyExpression } from '../expressions/expression.ts';
import * as m from '../objects/messages.ts';
import { SET_FLAGS, type SetAttributes, setTable } from '../objects/set.ts';
import { durationMs } from '../sets/datatypes.ts';
import { stateful } from '../sets/element-input.ts';
import { countElements, writeElements } from '../sets/element-operations.ts';
import { type DataKind, dataKindNamed } from '../sets/field.ts';
import { objectTypes } from '../sets/object-kinds.ts';
import type { SetName } from '../sets/scope.ts';
import { hasFlag, type SetInfo, VERDICT_TYPE } from '../sets/set-info.ts';
import { statementList } from '../sets/statements.ts';
import { setUserdata } from '../sets/userdata.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, type WriteContext } from './kind.ts';

const properties = [
  'family', 'table', 'name', 'handle', 'type', 'map', 'flags', 'timeout', 'gc-interval', 'size', 'policy', 'auto-merge', 'comment', 'stmt',
  'expressions', 'userdata', 'elem', 'count', 'backend',
]; // biome-ignore format: a list

const verbs: ObjectKind['verbs'] = {
  add: { type: m.NFT_MSG_NEWSET, flags: m.NLM_F_CREATE },
  create: { type: m.NFT_MSG_NEWSET, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
  delete: { type: m.NFT_MSG_DELSET, flags: 0 },
  destroy: { type: m.NFT_MSG_DESTROYSET, flags: 0 },
  flush: { type: m.NFT_MSG_DELSETELEM, flags: 0 },
  reset: { type: m.NFT_MSG_GETSETELEM_RESET, flags: m.NLM_F_DUMP },
};
export const set: ObjectKind = { verbs, write: (input, c) => write(input, c, false) };
export const map: ObjectKind = { verbs, write: (input, c) => write(input, c, true) };

function write(input: Input, c: WriteContext, isMap: boolean): void {
  only(input, properties);
  const family = m.familyNumber(input['family']);
  const table = nameIn(input, 'table');
  const adding = c.verb === 'add' || c.verb === 'create';
  if (adding) return writeNew(input, c, family, table, isMap);
  const handle = c.verb === 'flush' || c.verb === 'reset' ? undefined : handleIn(input);
  const name = handle === undefined ? nameIn(input, 'name') : undefined;
  // NFTA_SET_ELEM_LIST_TABLE and _SET have the numbers of NFTA_SET_TABLE and _NAME.
  setTable.encode(c.w, { table, ...given('name', name), ...given('handle', handle) });
  c.emit({ type: c.type, flags: c.flags, family });
  if (name === undefined) {
    if (handle !== undefined) c.sets.forgetHandle(handle, family, table);
  } else if (c.verb === 'flush') c.sets.flush({ family, table, name });
  else if (c.verb !== 'reset') c.sets.forget({ family, table, name });
}

function writeNew(input: Input, c: WriteContext, family: number, table: string, isMap: boolean): void {
  const name = nameIn(input, 'name');
  const place = { family, table, name };
  const info: SetInfo = { ...infoOf(input, name, isMap), id: c.index + 1 };
  const { expr, expressions } = stateful(expressionsOf(input));
  const timeout = milliseconds(input, 'timeout');
  const gcInterval = milliseconds(input, 'gc-interval');
  const elements = input['elem'];
  const size = sizeOf(input, info, place);
  const flags = info.flags | (timeout === undefined ? 0 : SET_FLAGS.timeout) | (expressions === undefined ? 0 : SET_FLAGS.expr);
  setTable.encode(c.w, {
    table,
    name,
    flags: words(flags),
    keyType: info.key.id,
    keyLen: info.key.length,
    ...dataAttributes(info, input),
    id: c.index + 1,
    ...given('policy', input['policy'] as SetAttributes['policy']),
    ...descOf(info, size),
    ...given('timeout', timeout),
    ...given('gcInterval', gcInterval === undefined ? undefined : Number(gcInterval)),
    userdata: userdataOf(input, info),
    ...given('expr', expr),
    ...given('expressions', expressions),
  } as SetAttributes);
  c.emit({ type: c.type, flags: c.flags, family });
  const known: SetInfo = { ...info, flags, ...given('timeout', timeout) };
  if (elements !== undefined) writeInline(known, place, elements, c);
  // Last: a set whose elements are refused is not added.
  c.sets.add(place, known);
}

function writeInline(known: SetInfo, place: SetName, elements: unknown, c: WriteContext): void {
  const element = { type: m.NFT_MSG_NEWSETELEM, flags: c.flags, fresh: true };
  if (!known.autoMerge) return writeElements(known, place, elements, { ...c, ...element });
  // What is already in it matters, and a set that is added may be there already.
  const entries = c.verb === 'create' ? { entries: [] } : {};
  c.defer({
    ...place,
    ...c.sets.history(place),
    known: { ...known, ...entries },
    write: (found, late) => writeElements(found, place, elements, { ...late, ...element }),
  });
}

const flagWords: Readonly<Record<string, number>> = {
  constant: SET_FLAGS.constant,
  interval: SET_FLAGS.interval,
  timeout: SET_FLAGS.timeout,
  dynamic: SET_FLAGS.eval,
  anonymous: SET_FLAGS.anonymous,
};

function infoOf(input: Input, name: string, isMap: boolean): SetInfo {
  const list =
    input['flags'] === undefined ? [] : Array.isArray(input['flags']) ? (input['flags'] as readonly unknown[]) : [input['flags']];
  let flags = /^__(set|map)%d$/.test(name) ? SET_FLAGS.anonymous : 0;
  for (const [i, flag] of list.entries()) {
    const bit = typeof flag === 'string' && Object.hasOwn(flagWords, flag) ? flagWords[flag] : undefined;
    if (bit === undefined) throw new EncodeError(`flags[${i}]`, `unknown flag ${show(flag)}, one of ${Object.keys(flagWords).join(', ')}`);
    flags |= bit;
  }
  const key = dataKindNamed(input['type'], 'type');
  const autoMerge = input['auto-merge'] === true;
  if (key.fields.length > 1 && (flags & SET_FLAGS.interval) !== 0) flags |= SET_FLAGS.concat;
  if (autoMerge && ((flags & SET_FLAGS.interval) === 0 || isMap || key.fields.length > 1)) {
    throw new EncodeError('auto-merge', 'is for sets with the flag interval and a key of one value');
  }
  if (!isMap) {
    if (input['map'] !== undefined) throw new EncodeError('map', 'only a map has one: { map: … } is needed, not { set: … }');
    return { key, dataInterval: false, flags, autoMerge };
  }
  const { data, interval } = mapData(input['map']);
  return { key, data, dataInterval: interval, flags: flags | (data === 'object' ? SET_FLAGS.object : SET_FLAGS.map), autoMerge };
}

/** `verdict`, an object's kind, a type, a concatenation; `interval ipv4_addr` for data that are ranges. */
function mapData(input: unknown): { readonly data: DataKind | 'verdict' | 'object'; readonly interval: boolean } {
  if (input === 'verdict') return { data: 'verdict', interval: false };
  if (typeof input === 'string' && Object.hasOwn(objectTypes, input)) return { data: 'object', interval: false };
  const interval = typeof input === 'string' && input.startsWith('interval ');
  return { data: dataKindNamed(interval ? (input as string).slice('interval '.length).trim() : input, 'map'), interval };
}

function dataAttributes(info: SetInfo, input: Input): SetAttributes {
  if (info.data === undefined) return {};
  if (info.data === 'object') return given('objType', objectTypes[input['map'] as string]);
  if (info.data === 'verdict') return { dataType: VERDICT_TYPE, dataLen: 0 };
  return { dataType: info.data.id, dataLen: info.data.length * (info.dataInterval ? 2 : 1) };
}

function words(bits: number): NonNullable<SetAttributes['flags']> {
  return (Object.keys(SET_FLAGS) as (keyof typeof SET_FLAGS)[]).filter((flag) => (bits & SET_FLAGS[flag]) !== 0);
}

function expressionsOf(input: Input): readonly AnyExpression[] {
  if (input['expressions'] === undefined) return input['stmt'] === undefined ? [] : statementList(input['stmt'], 'stmt');
  if (!Array.isArray(input['expressions'])) throw new EncodeError('expressions', `a list is needed, not ${show(input['expressions'])}`);
  return input['expressions'] as readonly AnyExpression[];
}

function milliseconds(input: Input, key: string): bigint | undefined {
  if (input[key] === undefined) return undefined;
  const ms = durationMs(input[key]);
  if (ms === undefined) throw new EncodeError(key, `seconds, or text such as '1h30m', are needed, not ${show(input[key])}`);
  return ms;
}

/** As nft: a set whose contents never change is as large as they are, ends of intervals counted. */
function sizeOf(input: Input, info: SetInfo, place: SetName): unknown {
  if (input['size'] !== undefined || input['elem'] === undefined || !hasFlag(info, 'constant')) return input['size'];
  return countElements(info, place, input['elem']);
}

function descOf(info: SetInfo, size: unknown): SetAttributes {
  const concat = hasFlag(info, 'concat') ? info.key.fields.map((f) => ({ len: f.size })) : undefined;
  if (size === undefined && concat === undefined) return {};
  return { desc: { ...given('size', size as number | undefined), ...given('concat', concat) } };
}

function userdataOf(input: Input, info: SetInfo): Uint8Array {
  const raw = input['userdata'];
  if (raw !== undefined) {
    if (!(raw instanceof Uint8Array)) throw new EncodeError('userdata', `bytes are needed, not ${show(raw)}`);
    return raw;
  }
  return setUserdata({
    key: info.key,
    ...given('data', info.data),
    dataInterval: info.dataInterval,
    autoMerge: info.autoMerge,
    ...given('comment', input['comment']),
  });
}
