// The errors users see. Whether an operation took effect is never left to guessing: `outcome` says it.
import { EACCES, EPERM, errnoName, errnoText } from './errno.ts';
import type { NativeFailure } from './native.ts';
import { jsonSafe } from './wire/json.ts';

export type Outcome = 'not-applied' | 'applied' | 'partly-applied' | 'unknown';

/** The operation an error is about. */
export interface FailedOperation {
  readonly index: number;
  readonly verb: string;
  readonly object: unknown;
  /** The attribute the kernel or nflink found wrong, such as `expressions[2].key`. */
  readonly path?: string;
}

export interface NetfilterErrorOptions {
  /** 'EEXIST', or 'ERR_…' for nflink's own. */
  readonly code: string;
  /** Positive; 0 for nflink's own. */
  readonly errno?: number;
  readonly outcome?: Outcome;
  readonly tables?: readonly string[];
  readonly kernelMessage?: string;
  readonly operation?: FailedOperation;
  readonly failures?: readonly NetfilterError[];
  readonly cause?: unknown;
}

export class NetfilterError extends Error {
  /** 'EEXIST', or 'ERR_…' for nflink's own. */
  readonly code: string;
  /** Negative, as Node's; 0 for nflink's own. */
  readonly errno: number;
  readonly outcome: Outcome;
  readonly tables?: readonly string[];
  /** The extended acknowledgement (NLMSGERR_ATTR_MSG). */
  readonly kernelMessage?: string;
  readonly operation?: FailedOperation;
  /** Every failure the kernel reported, in the order of the operations; the error itself where there is one only. */
  readonly failures: readonly NetfilterError[];

  constructor(message: string, o: NetfilterErrorOptions) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.name = 'NetfilterError';
    this.code = o.code;
    this.errno = o.errno === undefined || o.errno === 0 ? 0 : -o.errno;
    this.outcome = o.outcome ?? 'not-applied';
    if (o.tables !== undefined) this.tables = o.tables;
    if (o.kernelMessage !== undefined) this.kernelMessage = o.kernelMessage;
    if (o.operation !== undefined) this.operation = o.operation;
    this.failures = o.failures ?? [this];
  }

  /** For logs: an error that stands among its own failures is no circle there. */
  toJSON(): unknown {
    const { name, message, code, errno, outcome, tables, kernelMessage, operation } = this;
    const failures = this.failures.filter((failure) => failure !== this);
    return jsonSafe({
      name,
      message,
      code,
      errno,
      outcome,
      tables,
      kernelMessage,
      operation,
      ...(failures.length === 0 ? {} : { failures }),
    });
  }
}

/** Rule text that is no rule. */
export class RuleSyntaxError extends SyntaxError {
  readonly code = 'ERR_RULE_SYNTAX';
  /** The word that is wrong, '' where one is missing at the end. */
  readonly word: string;
  /** Its number among the words, from 0. */
  readonly wordIndex: number;
  /** Column of the word in its line, from 1. */
  readonly column: number;
  /** Line in save text, from 1. */
  readonly line?: number;

  constructor(reason: string, at: { readonly word: string; readonly wordIndex: number; readonly column: number; readonly line?: number }) {
    super(`${at.line === undefined ? '' : `line ${at.line}, `}column ${at.column}: ${reason}`);
    this.name = 'RuleSyntaxError';
    this.word = at.word;
    this.wordIndex = at.wordIndex;
    this.column = at.column;
    if (at.line !== undefined) this.line = at.line;
  }
}

/** What lacks when the kernel says EPERM: said, because "operation not permitted" sends people looking. */
export const NEED_CAP_NET_ADMIN = 'CAP_NET_ADMIN is needed in the user namespace that owns the network namespace';
export const NEED_CAP_NET_RAW = 'CAP_NET_RAW is needed in the user namespace that owns the network namespace';
const NEED_CAP_SYS_ADMIN = 'CAP_SYS_ADMIN is needed to enter another network namespace';

function needed({ call, errno }: NativeFailure): string | undefined {
  if (errno !== EPERM && errno !== EACCES) return undefined;
  return call === 'setns' ? NEED_CAP_SYS_ADMIN : NEED_CAP_NET_ADMIN;
}

export function fromFailure(what: string, failure: NativeFailure, outcome: Outcome = 'not-applied', hint?: string): NetfilterError {
  const why = hint ?? needed(failure);
  const message = `${what}: ${failure.call}: ${errnoText(failure.errno)} (${errnoName(failure.errno)})${why === undefined ? '' : `; ${why}`}`;
  return new NetfilterError(message, { code: errnoName(failure.errno), errno: failure.errno, outcome });
}

export function closedError(what: string): NetfilterError {
  return new NetfilterError(`${what}: the connection is closed`, { code: 'ERR_CLOSED' });
}
