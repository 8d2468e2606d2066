// One suite over {legacy, nft} × {ip, ip6} × {promise, sync}: every case gets two new namespaces, one that nflink changes and one that the
// real program changes; what both hold in the real save's eyes must then be the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables, NetfilterError } from '../../lib/index.ts';
import { type Backend, backends, type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type RunResult, TestNamespace } from '../support/namespace.ts';
import { type Form, forms, type Verbs, verbsOf } from './forms.ts';
import { type DifferenceName, differences, type Suite } from './manifest.ts';

export type Case = (h: Host) => Promise<void>;
type Define = (it: (name: string, test: Case) => void) => void;

/** What an error says; `operation`: the verb, alone in its call. */
export interface Expected {
  readonly code: string;
  /** Positive; 0 for nflink's own codes. */
  readonly errno: number;
  readonly verb?: string;
  readonly message?: RegExp;
}

/** Defines a suite for every cell of the grid, and after it the test that each of its differences was needed. */
export function conformance(suite: Suite, define: Define): void {
  const used = new Set<string>();
  for (const backend of backends) {
    for (const family of ipFamilies) {
      for (const form of forms) {
        describe(`${backend} ${family} ${form}`, () => {
          define((name, test) => void it(name, () => withHost({ suite, backend, family, form, used }, test)));
        });
      }
    }
  }
  it(`${suite}: every difference of the manifest is one, and needed on both backends`, () => {
    for (const [name, d] of Object.entries(differences)) {
      if (d.suite !== suite) continue;
      assert.notDeepEqual(d.legacy, d.nft, `${name}: no difference`);
      for (const backend of backends) assert.ok(used.has(`${name} ${backend}`), `${name}: not needed on ${backend}`);
    }
  });
}

interface Cell {
  readonly suite: Suite;
  readonly backend: Backend;
  readonly family: IpFamily;
  readonly form: Form;
  readonly used: Set<string>;
}

async function withHost(cell: Cell, test: Case): Promise<void> {
  const [ns, twin] = await Promise.all([TestNamespace.create(), TestNamespace.create()]);
  try {
    const ipt = await Iptables.open({ family: cell.family, backend: cell.backend, netns: ns.path });
    try {
      await test(new Host(cell, ns, twin, ipt));
    } finally {
      await ipt.close();
    }
  } finally {
    await Promise.all([ns.close(), twin.close()]);
  }
}

export class Host {
  readonly cell: Cell;
  /** nflink's. */
  readonly ns: TestNamespace;
  /** The real program's. */
  readonly twin: TestNamespace;
  readonly iptables: Iptables;
  /** The verbs in the form of this cell. */
  readonly ipt: Verbs;
  readonly programs: Programs;

  constructor(cell: Cell, ns: TestNamespace, twin: TestNamespace, iptables: Iptables) {
    this.cell = cell;
    this.ns = ns;
    this.twin = twin;
    this.iptables = iptables;
    this.ipt = verbsOf(iptables, cell.form);
    this.programs = new Programs(cell.backend, cell.family);
  }

  get backend(): Backend {
    return this.cell.backend;
  }
  get family(): IpFamily {
    return this.cell.family;
  }

  /** The nth address. */
  ip(n: number): string {
    return this.family === 'ip' ? `10.0.0.${n}` : `fd00::${n.toString(16)}`;
  }
  /** As the programs print it. */
  host(n: number): string {
    return `${this.ip(n)}/${this.family === 'ip' ? 32 : 128}`;
  }

  /** What the manifest says of this backend. */
  differs<N extends DifferenceName>(name: N): (typeof differences)[N][Backend] {
    assert.equal(differences[name].suite, this.cell.suite, `${name} is of another suite`);
    this.cell.used.add(`${name} ${this.backend}`);
    return differences[name][this.backend] as (typeof differences)[N][Backend];
  }

  /** Save text into both namespaces, by the real program. */
  async given(text: string): Promise<void> {
    await Promise.all([this.ns, this.twin].map((ns) => this.programs.restore(ns, text, '-c')));
  }

  /** The real program, in its own namespace. */
  async real(...args: readonly string[]): Promise<string> {
    return await this.programs.must(this.twin, ...args);
  }
  async tryReal(...args: readonly string[]): Promise<RunResult> {
    return await this.programs.run(this.twin, ...args);
  }

  async state(): Promise<Map<string, string[]>> {
    return await this.programs.state(this.ns);
  }
  /** What nflink wrote: the `-A` lines of a table. */
  async rules(table: string): Promise<string[]> {
    return await this.programs.rules(this.ns, table);
  }

  /** Both namespaces hold the same. */
  async same(message?: string): Promise<void> {
    assert.deepEqual(await this.state(), await this.programs.state(this.twin), message);
  }

  /** nflink did one thing; the real program does it by each of `commands`: then both hold the same. */
  async as<T>(ours: Promise<T>, ...commands: readonly (readonly string[])[]): Promise<T> {
    const result = await ours;
    for (const command of commands) await this.real(...command);
    await this.same(commands.map((c) => c.join(' ')).join('; '));
    return result;
  }

  /**
   * nflink refuses, and so does the real program, where there is one: nothing has changed. What a rejected commit says of itself is checked whole.
   */
  async refuses(ours: () => Promise<unknown>, expected: Expected, ...commands: readonly (readonly string[])[]): Promise<NetfilterError> {
    const before = await this.state();
    let caught: unknown;
    try {
      await ours();
    } catch (err) {
      caught = err;
    }
    assert.ok(caught instanceof NetfilterError, `expected ${expected.code}: ${String(caught)}`);
    const { code, errno, outcome } = caught;
    assert.deepEqual({ code, errno, outcome }, { code: expected.code, errno: 0 - expected.errno, outcome: 'not-applied' }, caught.message);
    assert.equal(caught.failures[0] instanceof NetfilterError, true);
    if (expected.verb !== undefined) {
      assert.equal(caught.operation?.verb, expected.verb, caught.message);
      assert.equal(caught.operation?.index, 0);
    }
    if (expected.message !== undefined) assert.match(caught.message, expected.message);
    assert.deepEqual(await this.state(), before, 'nothing has changed');
    for (const command of commands) {
      const real = await this.tryReal(...command);
      assert.notEqual(real.code, 0, `the real program takes ${command.join(' ')}`);
    }
    return caught;
  }
}
