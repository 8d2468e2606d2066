// What a test of one row of docs/parity.md is made of.
import type { Backend } from '../../support/iptables.ts';
import type { TestNamespace } from '../../support/namespace.ts';

/**
 * Rules as iptables-save prints them, by table and chain: `{ 'filter WEB': ['-j DROP'] }`. Of builtin chains only those with
 * rules or with policy DROP, which then stands first as `policy DROP`.
 */
export type State = Readonly<Record<string, readonly string[]>>;

/** Where the row's code was run. */
export interface Scene {
  readonly backend: Backend;
  readonly ns: TestNamespace;
  /** What the backend's real program prints: `real('-S', 'WEB')`. */
  real(...args: readonly string[]): Promise<string>;
}

export interface Case {
  readonly when: string;
  /** Where the page says that the backends differ: the one that this is about. */
  readonly on?: Backend;
  /** Save text that the real program restores first, with its counters. */
  readonly before?: string;
  /** Names of the code that have another value than the page says. */
  readonly names?: Readonly<Record<string, unknown>>;
  /** What the code's value is; undefined unless said, or left to `judge`. */
  readonly gives?: unknown;
  readonly judge?: (value: unknown, scene: Scene) => void | Promise<void>;
  /** The error's code, where the code is meant to throw. */
  readonly fails?: string;
  readonly after: State | 'as before';
  /**
   * The commands that the other binding runs in this case, without the program's name: they are run by the real program in a namespace that
   * began alike, and must leave what nflink leaves. `!` before one: it exits with an error. `restore …` is the restore program, fed `text`.
   */
  readonly theirs?: readonly string[];
  /** What theirs leave, where the page says that nflink leaves something else. */
  readonly theirsLeave?: State;
}

/** By the row's name; 'none' where the page says that there is nothing like it. */
export type Cases = Readonly<Record<string, readonly Case[] | 'none'>>;

export const A = '-s 10.0.0.1/32 -j DROP';
export const B = '-s 10.0.0.2/32 -j DROP';
/** The page's `spec` as iptables-save prints it. */
export const S = '-s 10.1.0.0/16 -j ACCEPT';

function filter(...lines: readonly string[]): string {
  return `*filter\n${lines.join('\n')}\nCOMMIT\n`;
}
/** Chain WEB with rules A and B, which have counted. */
export const two = filter(':WEB - [0:0]', `[7:420] -A WEB ${A}`, `[8:480] -A WEB ${B}`);
/** The same with the page's `spec` between them. */
export const three = filter(':WEB - [0:0]', `[7:420] -A WEB ${A}`, `[0:0] -A WEB ${S}`, `[8:480] -A WEB ${B}`);
/** Chain WEB without a rule. */
export const empty = filter(':WEB - [0:0]');
/** Chain WEB with rule A, which FORWARD jumps to. */
export const jumped = filter(':WEB - [0:0]', `[7:420] -A WEB ${A}`, '[0:0] -A FORWARD -j WEB');
