// The netfilter project's own extension cases, with what the real programs did. They are read from beside the project and
// are not part of it, so a clone elsewhere doesn't have them. Their absence is no skipped test (npm test fails on those): the
// test passes, warns where it runs, and npm test says at its end which files had nothing to compare.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { root } from './fixtures.ts';

/** What a real program did with a case. */
export interface Outcome {
  readonly rc: number;
  readonly supported_here: boolean;
  readonly stderr?: string;
  readonly saved?: string;
  readonly saved_1_8_9?: string;
  readonly xt_entry?: string;
  readonly nft_expressions?: string;
}
/** A line of iptables-extensions.jsonl. */
export interface Case {
  readonly source: string;
  readonly line: number;
  readonly family: IpFamily;
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  readonly legacy: Outcome;
  readonly nft: Outcome;
}

/** The folder of the cases, from NFLINK_ORACLE or `../shared/oracle`; undefined where there is none. */
export function oraclePath(): string | undefined {
  const path = process.env['NFLINK_ORACLE'] ?? join(root, '..', 'shared', 'oracle');
  return existsSync(path) ? path : undefined;
}

/** The cases; undefined, with a warning, where there are none. */
export function oracleCases(t: TestContext): readonly Case[] | undefined {
  const file = 'iptables-extensions.jsonl';
  const path = oraclePath();
  if (path === undefined) {
    t.diagnostic(`THE ORACLE CASES WERE NOT COMPARED: no folder ../shared/oracle (or NFLINK_ORACLE) with ${file}`);
    return undefined;
  }
  const lines = readFileSync(join(path, file), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Case);
}
