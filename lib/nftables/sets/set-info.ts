// What must be known of a set before an element can be written for it: from the set being added in the same transaction,
// or from the kernel's own words.
import { SET_FLAGS, type SetAttributes } from '../objects/set.ts';
import type { Entry } from './entries.ts';
import { type DataKind, dataKindOf, type FieldHint, TYPE_MASK } from './field.ts';
import type { Merging } from './merging.ts';
import { typeofHints } from './typeof.ts';
import { readSetUserdata } from './userdata.ts';

/** NFT_DATA_VERDICT. */
export const VERDICT_TYPE = 0xffffff00;

export interface SetInfo {
  readonly key: DataKind;
  /** What a map's elements lead to. */
  readonly data?: DataKind | 'verdict' | 'object';
  /** Each data value is a range: its first and last value, one after the other. */
  readonly dataInterval: boolean;
  /** Bits of NFT_SET_*. */
  readonly flags: number;
  readonly autoMerge: boolean;
  /** Milliseconds that an element without its own timeout lives; absent where it lives for ever. */
  readonly timeout?: bigint;
  /** NFTA_SET_ID, for a set of the same transaction. */
  readonly id?: number;
  /** Intervals it holds, where they have to be known (auto-merge). */
  readonly entries?: readonly Entry[];
  /** How they stand after the operations so far. */
  readonly merging?: Merging;
}

export const hasFlag = (info: Pick<SetInfo, 'flags'>, flag: keyof typeof SET_FLAGS): boolean => (info.flags & SET_FLAGS[flag]) !== 0;

/** Keys are ranges in two elements, start and end: interval sets of one field. */
export const endsApart = (info: SetInfo): boolean => hasFlag(info, 'interval') && !concatenated(info);
/** Keys are ranges in one element with KEY_END. */
export const keyHasEnd = (info: SetInfo): boolean => hasFlag(info, 'interval') && concatenated(info);
const concatenated = (info: SetInfo): boolean => hasFlag(info, 'concat') || info.key.fields.length > 1;

export function flagBits(flags: SetAttributes['flags']): number {
  return (flags ?? []).reduce<number>((bits, flag) => bits | (typeof flag === 'number' ? flag : SET_FLAGS[flag]), 0);
}

/** From NFT_MSG_NEWSET as the kernel dumps it. */
export function setInfoOf(a: SetAttributes): SetInfo {
  const userdata = readSetUserdata(a.userdata);
  const flags = flagBits(a.flags);
  const keyHints = hintsOf(a.keyType, userdata.keyTypeof, userdata.keyOrder, a.desc?.concat);
  const key = dataKindOf(a.keyType ?? 0, a.keyLen ?? 0, keyHints);
  const width = a.dataLen ?? 0;
  const dataKind = (): DataKind =>
    dataKindOf(
      a.dataType ?? 0,
      userdata.dataInterval ? width / 2 : width,
      hintsOf(a.dataType, userdata.dataTypeof, userdata.dataOrder, undefined),
    );
  const data =
    (flags & SET_FLAGS.object) !== 0
      ? 'object'
      : (flags & SET_FLAGS.map) === 0
        ? undefined
        : a.dataType === VERDICT_TYPE
          ? 'verdict'
          : dataKind();
  return {
    key,
    flags,
    ...(data === undefined ? {} : { data }),
    ...(a.timeout === undefined || a.timeout === 0n ? {} : { timeout: a.timeout }),
    dataInterval: userdata.dataInterval,
    autoMerge: userdata.autoMerge,
  };
}

function hintsOf(
  type: number | undefined,
  typeOf: Uint8Array | undefined,
  order: FieldHint['order'],
  concat: readonly { readonly len?: number }[] | undefined,
): readonly FieldHint[] {
  const hints = typeofHints(typeOf);
  if (concat !== undefined) return concat.map(({ len }, i) => ({ ...hints[i], ...(len === undefined ? {} : { size: len }) }));
  // The set's own byte order is said for a single value only; of a concatenation nft says none.
  if ((type ?? 0) <= TYPE_MASK && order !== undefined) return [{ ...hints[0], order }];
  return hints;
}
