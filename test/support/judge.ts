// libnftnl as judge: what nflink encodes must parse there and be written again as the same bytes. Where libnftnl 1.2.4
// itself differs, a test names the exception with its reason; an exception that is none any more fails.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as m from '../../lib/nftables/objects/messages.ts';
import { compileC } from './compile-c.ts';
import { root } from './fixtures.ts';
import { cleanEnv } from './namespace.ts';

/** Random cases of each table, from one seed. */
export const RANDOM_CASES = 300;
export const SEED = 20260;

let program: string | undefined;
function judge(): string {
  program ??= compileC(join(root, 'test', 'oracle', 'judge.c'), { packages: ['libnftnl', 'libmnl'] });
  return program;
}

export interface Message {
  readonly type: number;
  readonly attributes: Uint8Array;
}
export type Verdict = { readonly same: true } | { readonly same: false; readonly why: string };

/** One judge for many messages; begun again behind a message that ended it. `expected`: what it should write, where not the same. */
export function judged(
  messages: readonly Message[],
  expected: readonly Uint8Array[] = messages.map((message) => message.attributes),
): Verdict[] {
  const verdicts: Verdict[] = [];
  while (verdicts.length < messages.length) {
    const rest = messages.slice(verdicts.length);
    const input = Buffer.concat(rest.flatMap((message) => [header(message), message.attributes]));
    const done = spawnSync(judge(), { input, env: cleanEnv(), maxBuffer: 1 << 30 });
    if (done.error !== undefined) throw done.error;
    let at = 0;
    while (at < done.stdout.length) {
      const errno = done.stdout.readUInt32LE(at);
      const end = at + 8 + done.stdout.readUInt32LE(at + 4);
      verdicts.push(compared(expected[verdicts.length] as Uint8Array, errno, done.stdout.subarray(at + 8, end)));
      at = end;
    }
    if (verdicts.length < messages.length) {
      const how = done.signal ?? `exit code ${done.status}`;
      verdicts.push({ same: false, why: `libnftnl ended the process: ${how} ${done.stderr.toString().trim().slice(0, 300)}` });
    }
  }
  return verdicts;
}

function header(message: Message): Buffer {
  const record = Buffer.alloc(8);
  record.writeUInt32LE(message.attributes.length, 0);
  record[4] = message.type;
  record[5] = m.families.ip;
  return record;
}

function compared(ours: Uint8Array, errno: number, theirs: Buffer): Verdict {
  if (errno !== 0) return { same: false, why: `libnftnl refused it: errno ${errno}` };
  if (Buffer.compare(ours, theirs) === 0) return { same: true };
  return { same: false, why: `other bytes\n    nflink   ${attributes(ours)}\n    libnftnl ${attributes(theirs)}` };
}

/** Attributes as `type:payload`, nested ones in brackets: short enough to see which differs. */
function attributes(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true);
    if (length < 4) return `${out.join(' ')} (broken)`;
    const payload = bytes.subarray(at + 4, at + length);
    out.push(`${type & 0x7fff}:${type & 0x8000 ? `[${attributes(payload)}]` : Buffer.from(payload).toString('hex')}`);
    at += (length + 3) & ~3;
  }
  return out.join(' ');
}

/** Something that libnftnl 1.2.4 cannot do, and the proof that it still can't: each exception must be met at least once. */
export type Exception<T> =
  /** It does not write all of it: what it writes, to be compared with. `value` itself where the exception doesn't apply. */
  | { readonly reason: string; readonly writes: (value: T) => T }
  /** It refuses the message, or ends the process. */
  | { readonly reason: string; readonly refuses: (value: T) => boolean };

/** All values that the judge agrees on, or whose difference has a name. */
export function judgeAll<T extends object>(values: readonly T[], encode: (value: T) => Message, exceptions: readonly Exception<T>[]): void {
  const problems: string[] = [];
  const met = new Set<Exception<T>>();
  const expected = values.map((value) => {
    let left = value;
    for (const e of exceptions) {
      const less = 'writes' in e ? e.writes(left) : left;
      if (less !== left) met.add(e);
      left = less;
    }
    return encode(left).attributes;
  });
  for (const [i, verdict] of judged(values.map(encode), expected).entries()) {
    const value = values[i] as T;
    const refused = exceptions.filter((e) => 'refuses' in e && e.refuses(value));
    if (refused.length > 0 && !verdict.same) for (const e of refused) met.add(e);
    else if (!verdict.same) problems.push(`${inspect(value, { depth: 5, breakLength: 140 })}\n    ${verdict.why}`);
  }
  const shown = problems.sort((x, y) => x.length - y.length).slice(0, 5);
  assert.equal(
    problems.length,
    0,
    `${problems.length} of ${values.length} differ (random ones from seed ${SEED}), the shortest:\n${shown.join('\n')}`,
  );
  for (const e of exceptions) assert.ok(met.has(e), `libnftnl never met this exception: ${e.reason}`);
}

export const without =
  <T extends object>(key: keyof T) =>
  (value: T): T => {
    if (value[key] === undefined) return value;
    const { [key]: _, ...rest } = value;
    return rest as T;
  };
