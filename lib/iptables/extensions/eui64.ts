// -m eui64 (libip6t_eui64.c): no options; its struct is an int nobody looks at.
import { match } from './codec.ts';

export const eui64 = match('eui64', {
  family: 'ip6',
  options: {},
  revisions: [{ revision: 0, size: 4, write: () => {}, read: () => ({}) }],
  // The real program prints no blank before it, and one after.
  list: () => 'eui64 ',
});
