// The real programs of each backend and family, and what a namespace holds in their eyes.
import './xtables-lock.ts';
import { tablesOf } from './fixtures.ts';
import type { RunResult, TestNamespace } from './namespace.ts';

export type Backend = 'legacy' | 'nft';
export type IpFamily = 'ip' | 'ip6';

export const backends: readonly Backend[] = ['legacy', 'nft'];
export const ipFamilies: readonly IpFamily[] = ['ip', 'ip6'];

export class Programs {
  readonly backend: Backend;
  readonly family: IpFamily;
  /** `iptables-legacy`, `ip6tables-nft` … */
  readonly name: string;

  constructor(backend: Backend, family: IpFamily) {
    this.backend = backend;
    this.family = family;
    this.name = `${family === 'ip' ? 'iptables' : 'ip6tables'}-${backend}`;
  }

  async run(ns: TestNamespace, ...args: readonly string[]): Promise<RunResult> {
    return await ns.run(this.name, args);
  }
  async must(ns: TestNamespace, ...args: readonly string[]): Promise<string> {
    return await ns.must(this.name, args);
  }
  async save(ns: TestNamespace, ...args: readonly string[]): Promise<string> {
    return await ns.must(`${this.name}-save`, args);
  }
  async restore(ns: TestNamespace, input: string, ...args: readonly string[]): Promise<void> {
    await ns.must(`${this.name}-restore`, args, { input });
  }
  /** A restore that may fail. */
  async tryRestore(ns: TestNamespace, input: string, ...args: readonly string[]): Promise<RunResult> {
    return await ns.run(`${this.name}-restore`, args, { input });
  }

  /** The `-A` lines of a table. */
  async rules(ns: TestNamespace, table: string): Promise<string[]> {
    return (await this.save(ns, '-t', table)).split('\n').filter((line) => line.startsWith('-A '));
  }

  /**
   * What the save prints with counters, table by table. A table as it is made, without rules, user chains and policies, says
   * nothing: the real programs make one by looking.
   */
  async state(ns: TestNamespace): Promise<Map<string, string[]>> {
    const tables = tablesOf(await this.save(ns, '-c'));
    for (const [name, lines] of tables) if (lines.every((line) => /^:[A-Z]+ ACCEPT \[0:0\]$/.test(line))) tables.delete(name);
    return tables;
  }
}
