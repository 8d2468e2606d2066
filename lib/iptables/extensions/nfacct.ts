// -m nfacct (linux/netfilter/xt_nfacct.h; libxt_nfacct.c). The accounting object of the name must be there when the rule is put in.
import { match, option, type Revision, type Value, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import { text } from './values.ts';

/** NFACCT_NAME_MAX. */
const NAME_SIZE = 32;

const any = text(NAME_SIZE - 1);
const objectName: Value<string> = {
  ...any,
  wide: true,
  parse: (words, c) => checkName(any.parse(words, c)),
};
function checkName(name: string): string {
  if (name === '') throw new ValueError('Argument must have a minimum length of 1 characters');
  return name;
}
const options = { 'nfacct-name': option(objectName) } as const;

/** char name[32]; then the kernel's struct nf_acct *nfacct, which revision 1 aligns to 8 on every host. */
function layout(revision: 0 | 1): Revision<{ readonly nfacctName?: string }> {
  return {
    revision,
    size: 40,
    kernelPrivate: [[NAME_SIZE, 40]],
    write: (o, s) => s.setText(0, NAME_SIZE, o.nfacctName ?? ''),
    read: (s) => ({ nfacctName: checkName(endedText(s, 0, NAME_SIZE)) }),
  };
}

export const nfacct = match('nfacct', {
  options,
  revisions: [layout(0), layout(1)],
  list: (o, c) => (o.nfacctName === undefined ? '' : ` nfacct-name  ${objectName.format(o.nfacctName, c)[0]}`),
  finish: (o) => {
    mandatory(o, 'nfacctName');
    return o;
  },
});
