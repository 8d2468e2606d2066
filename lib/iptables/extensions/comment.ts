// -m comment (linux/netfilter/xt_comment.h; libxt_comment.c).
import { match, option, type Value, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import { text } from './values.ts';

/** XT_MAX_COMMENT_LEN. */
export const SIZE = 256;

const any = text(SIZE - 1);
/** A line's end would end the line of save text, in the middle of the rule. */
const oneLine: Value<string> = {
  ...any,
  parse: (words, c) => {
    return checkOneLine(any.parse(words, c));
  },
};
function checkOneLine(value: string): string {
  if (value.includes('\n')) throw new ValueError('a comment of two lines could not be read back from save text');
  return value;
}

export const comment = match('comment', {
  options: { comment: option(oneLine) },
  revisions: [
    {
      revision: 0,
      size: SIZE,
      write: (o, s) => s.setText(0, SIZE, o.comment ?? ''),
      read: (s) => ({ comment: checkOneLine(endedText(s, 0, SIZE)) }),
    },
  ],
  list: (o) => ` /* ${o.comment ?? ''} */`,
  finish: (o) => {
    mandatory(o, 'comment');
    return o;
  },
});
