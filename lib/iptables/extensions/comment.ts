// -m comment (linux/netfilter/xt_comment.h; libxt_comment.c).
import { match, option } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import { text } from './values.ts';

/** XT_MAX_COMMENT_LEN. */
export const SIZE = 256;

export const comment = match('comment', {
  options: { comment: option(text(SIZE - 1)) },
  revisions: [
    {
      revision: 0,
      size: SIZE,
      write: (o, s) => s.setText(0, SIZE, o.comment ?? ''),
      read: (s) => ({ comment: endedText(s, 0, SIZE) }),
    },
  ],
  list: (o) => ` /* ${o.comment ?? ''} */`,
  finish: (o) => {
    mandatory(o, 'comment');
    return o;
  },
});
