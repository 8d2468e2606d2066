// Userdata of tables, chains, rules: type-length-value, one byte each for type and length (libnftnl/udata.h). The kernel
// does not look inside. nft keeps comments there: type 0 in all three (NFTNL_UDATA_{TABLE,CHAIN,RULE}_COMMENT), NUL-terminated.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { decodeText, encodeText } from '../../wire/text.ts';

const COMMENT = 0;
/** nft's limit on comments; NFT_USERDATA_MAXLEN is 256. */
const COMMENT_MAX = 128;
export const USERDATA_MAX = 256;

export function commentOf(userdata: Uint8Array | undefined): string | undefined {
  if (userdata === undefined) return undefined;
  for (let at = 0; at + 2 <= userdata.length; ) {
    const length = userdata[at + 1] as number;
    const end = at + 2 + length;
    if (end > userdata.length) return undefined;
    if (userdata[at] === COMMENT && length > 0 && userdata[end - 1] === 0) return decodeText(userdata, at + 2, end - 1);
    at = end;
  }
  return undefined;
}

/** The userdata of a comment: 1 to 128 bytes. */
export function commentUserdata(comment: unknown): Uint8Array {
  if (typeof comment !== 'string') throw new EncodeError('comment', `a string is needed, not ${show(comment)}`);
  const text = encodeText(comment);
  if (text.length > COMMENT_MAX) throw new EncodeError('comment', `${text.length} bytes, nft allows ${COMMENT_MAX}`);
  if (text.includes(0)) throw new EncodeError('comment', 'a comment cannot hold a NUL');
  const out = new Uint8Array(text.length + 3);
  out.set([COMMENT, text.length + 1]);
  out.set(text, 2);
  return out;
}

/** Where the comment's entry begins and ends; undefined where there is none, an EncodeError where the bytes are no such list. */
function commentEntry(userdata: Uint8Array): readonly [start: number, end: number] | undefined {
  let found: readonly [number, number] | undefined;
  for (let at = 0; at < userdata.length; ) {
    const end = at + 2 + (userdata[at + 1] ?? 0);
    if (end > userdata.length) throw new EncodeError('userdata', 'is no list of type, length, value, so a comment has no place in it');
    if (userdata[at] === COMMENT) found ??= [at, end];
    at = end;
  }
  return found;
}

/** Userdata as given, with the comment in it: put first, or in the place of another; all other entries are kept. */
export function withComment(userdata: unknown, comment: unknown): Uint8Array | undefined {
  if (userdata === undefined) return comment === undefined ? undefined : commentUserdata(comment);
  if (!(userdata instanceof Uint8Array)) throw new EncodeError('userdata', `bytes are needed, not ${show(userdata)}`);
  if (comment === undefined || commentOf(userdata) === comment) return userdata;
  const [start, end] = commentEntry(userdata) ?? [0, 0];
  const entry = commentUserdata(comment);
  const out = new Uint8Array(userdata.length - (end - start) + entry.length);
  out.set(userdata.subarray(0, start));
  out.set(entry, start);
  out.set(userdata.subarray(end), start + entry.length);
  if (out.length > USERDATA_MAX) throw new EncodeError('userdata', `${out.length} bytes with the comment, ${USERDATA_MAX} are allowed`);
  return out;
}

/** Whether there is more, or anything else, than a comment. */
export function holdsMore(userdata: Uint8Array | undefined): boolean {
  if (userdata === undefined || userdata.length === 0) return false;
  return commentOf(userdata) === undefined || userdata[0] !== COMMENT || userdata.length !== 2 + (userdata[1] as number);
}
