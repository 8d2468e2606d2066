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
