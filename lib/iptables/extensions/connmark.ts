// -m connmark (linux/netfilter/xt_connmark.h; libxt_connmark.c).
import { isNot, match, notOption } from './codec.ts';
import { markRevisions } from './mark.ts';
import { bare, mandatory } from './option-values.ts';
import { marked, markText } from './values.ts';

export const connmark = match('connmark', {
  options: { mark: notOption(marked) },
  revisions: markRevisions,
  // Two blanks where there is no `!`.
  list: (o) => (o.mark === undefined ? '' : ` connmark match ${isNot(o.mark) ? '!' : ''} ${markText(bare(o.mark))}`),
  finish: (o) => {
    mandatory(o, 'mark');
    return o;
  },
});
