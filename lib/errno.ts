// errno numbers to names and words, by Node's own table (uv_err_name knows the kernel's numbers as negatives).
import { getSystemErrorMap, getSystemErrorName } from 'node:util';

/** Numbers that libuv has no name for, or another than the field's (asm-generic/errno.h, linux/errno.h). */
const others: Readonly<Record<number, readonly [string, string]>> = {
  35: ['EDEADLK', 'resource deadlock would occur'],
  42: ['ENOMSG', 'no message of desired type'],
  61: ['ENODATA', 'no data available'],
  62: ['ETIME', 'timer expired'],
  74: ['EBADMSG', 'not a data message'],
  85: ['ERESTART', 'interrupted system call should be restarted'],
  93: ['EPROTONOSUPPORT', 'protocol not supported'],
  96: ['EPFNOSUPPORT', 'protocol family not supported'],
  95: ['EOPNOTSUPP', 'operation not supported'],
  117: ['EUCLEAN', 'structure needs cleaning'],
  122: ['EDQUOT', 'quota exceeded'],
  524: ['ENOTSUPP', 'operation is not supported'],
};

/** The name of a positive errno, such as `ENOENT`; `E<number>` when there is none. */
export function errnoName(errno: number): string {
  const other = others[errno];
  if (other !== undefined) return other[0];
  const name = getSystemErrorName(-errno);
  return name.startsWith('Unknown') ? `E${errno}` : name;
}

export function errnoText(errno: number): string {
  return others[errno]?.[1] ?? getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const EINVAL = 22;
export const EMLINK = 31;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const EPROTO = 71;
export const ERESTART = 85;
export const EMSGSIZE = 90;
export const EOPNOTSUPP = 95;
export const ENOBUFS = 105;
export const ECANCELED = 125;
