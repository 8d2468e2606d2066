// -m comment (linux/netfilter/xt_comment.h; libxt_comment.c).
import { match, option, ValueError } from './codec.ts';
import { text } from './values.ts';

/** XT_MAX_COMMENT_LEN. */
const SIZE = 256;

export const comment = match('comment', {
  options: { comment: option(text(SIZE - 1)) },
  revisions: [
    {
      revision: 0,
      size: SIZE,
      write: (o, s) => s.setText(0, SIZE, o.comment ?? ''),
      read: (s) => ({ comment: s.text(0, SIZE) }),
    },
  ],
  finish: (o) => {
    if (o.comment === undefined) throw new ValueError('option "--comment" must be specified');
    return o;
  },
});
