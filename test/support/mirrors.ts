// What a mirror says, against what is there.
import assert from 'node:assert/strict';
import type { Iptables, IptablesRule, Mirror, NetfilterError } from '../../lib/index.ts';
import { builtinChain, tableNames } from '../../lib/iptables/builtin.ts';
import type { ChaosChains } from './iptables-chaos.ts';

/** A rule but for what it has counted. */
export function seenRule(rule: IptablesRule): unknown {
  const { family, table, chain, index, handle, comment } = rule;
  return { family, table, chain, index, handle, comment, text: String(rule) };
}

export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (err) {
    return (err as NetfilterError).code;
  }
  return undefined;
}

/** Compares mirrors with fresh dumps, and remembers which chains there have been. */
export class MirrorJudge {
  readonly #mirror: Mirror;
  readonly #tables: readonly string[];
  readonly #names = new Map<string, Set<string>>();

  constructor(mirror: Mirror, tables: readonly string[] = tableNames) {
    this.#mirror = mirror;
    this.#tables = tables;
    for (const table of tables) this.#names.set(table, new Set(['NOBODYS']));
  }

  /** Throws where the mirror says anything else than another connection's dump. Gives the chains with their lengths. */
  compare(other: Iptables, what: string): ChaosChains {
    const mirror = this.#mirror;
    const dump = other.snapshotSync({ tables: this.#tables });
    assert.equal(mirror.generation, dump.generation, `${what}: generation`);
    const chains = new Map<string, Map<string, number>>();
    for (const name of this.#tables) {
      const found = dump.table(other.family, name)?.chains ?? [];
      const rules = found.flatMap((chain) => chain.rules.map(seenRule));
      assert.deepEqual(mirror.list(name).map(seenRule), rules, `${what}: table ${name}`);
      const lengths = new Map(found.map((chain) => [chain.name, chain.rules.length]));
      for (const [chain, length] of lengths) assert.equal(mirror.list(name, chain).length, length, `${what}: ${name} ${chain}`);
      const names = this.#names.get(name) as Set<string>;
      for (const chain of lengths.keys()) names.add(chain);
      for (const chain of names) {
        if (lengths.has(chain)) continue;
        const expected = builtinChain(name, chain) === undefined ? 'ENOENT' : undefined;
        assert.equal(
          codeOf(() => assert.deepEqual(mirror.list(name, chain), [])),
          expected,
          `${what}: ${name} ${chain} is not there`,
        );
      }
      chains.set(name, lengths);
    }
    return chains;
  }

  /** The same against the text of the real save program. How many tables it had. */
  compareSaved(save: string): number {
    let compared = 0;
    for (const text of save.split(/^(?=\*)/m)) {
      const name = /^\*(\S+)\n/.exec(text)?.[1];
      if (name === undefined || !this.#tables.includes(name)) continue;
      compared++;
      const saved = text.split('\n').filter((line) => line.startsWith('-A '));
      const mirrored = this.#mirror.list(name).map((rule) => `-A ${rule.chain} ${rule}`.trimEnd());
      assert.deepEqual(mirrored, saved);
    }
    return compared;
  }
}
