// Random commands of iptables on a few chains: for a transaction, for the real program, and as lines of a restore.
import type { Iptables } from '../../lib/index.ts';
import { Random } from './random.ts';

type Transaction = ReturnType<Iptables['transaction']>;

export interface ChaosCommand {
  /** Of the real program, but for `-t table`. */
  readonly words: readonly string[];
  push(tx: Transaction): void;
}

/** Chains by table: what is there, or was a moment ago. */
export type ChaosChains = ReadonlyMap<string, ReadonlyMap<string, number>>;

const tables = ['filter', 'nat', 'mangle', 'raw', 'security'] as const;
const builtin: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};
const userChains = ['A', 'B', 'C', 'D', 'E'];

/** Few, so that what is looked for is often there; `-j` may lead to a chain that is not. */
const rules: readonly (readonly string[])[] = [
  ['-j', 'A'],
  ['-j', 'B'],
  ['-p', 'tcp', '-g', 'C'],
  ['-p', 'tcp', '-m', 'tcp', '--dport', '22', '-j', 'ACCEPT'],
  ['-p', 'udp', '-m', 'multiport', '--dports', '53,67:68', '-j', 'RETURN'],
  ['-m', 'comment', '--comment', 'a b', '-j', 'DROP'],
  ['-m', 'mark', '!', '--mark', '0x1/0xff'],
  ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'],
  ['-m', 'limit', '--limit', '5/min', '-j', 'RETURN'],
  ['-m', 'set', '--match-set', 'known', 'src', '-j', 'DROP'],
  [],
];

export class IptablesChaos {
  readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  table(): string {
    // Most of it happens in two tables: rules meet rules.
    return this.random.chance(0.7) ? this.random.pick(['filter', 'nat']) : this.random.pick(tables);
  }

  /** One to `most` commands on a table, as it is. */
  commands(table: string, chains: ChaosChains, most: number): ChaosCommand[] {
    const there = chains.get(table) ?? new Map<string, number>();
    return Array.from({ length: 1 + this.random.below(most) }, () => this.#command(table, there));
  }

  #chain(table: string, there: ReadonlyMap<string, number>): string {
    const known = [...there.keys()];
    if (known.length > 0 && this.random.chance(0.8)) return this.random.pick(known);
    return this.random.pick([...(builtin[table] ?? []), ...userChains]);
  }

  #command(table: string, there: ReadonlyMap<string, number>): ChaosCommand {
    const { random } = this;
    const chain = this.#chain(table, there);
    const length = there.get(chain) ?? 0;
    const number = 1 + random.below(Math.max(1, length));
    // Mostly what is taken: one command that is refused is the end of a transaction.
    const free = userChains.filter((name) => !there.has(name));
    const [user, gone] = [random.pick(free.length > 0 && random.chance(0.95) ? free : userChains), random.pick(userChains)];
    const nowhere = (words: readonly string[]): boolean => userChains.includes(words.at(-1) ?? '') && !there.has(words.at(-1) ?? '');
    const rule = random.pick(random.chance(0.95) ? rules.filter((words) => !nowhere(words)) : rules);
    // Long chains get shorter.
    const low = length === 0 && builtin[table]?.includes(chain) === true ? random.below(25) : random.below(100);
    const roll = length > 12 ? 55 + random.below(20) : length === 0 && low >= 45 && low < 73 ? 80 : low;
    if (roll < 25) return { words: ['-A', chain, ...rule], push: (tx) => void tx.append(chain, rule) };
    if (roll < 45) return { words: ['-I', chain, `${number}`, ...rule], push: (tx) => void tx.insert(chain, number, rule) };
    if (roll < 55) return { words: ['-R', chain, `${number}`, ...rule], push: (tx) => void tx.replace(chain, number, rule) };
    if (roll < 68) return { words: ['-D', chain, `${number}`], push: (tx) => void tx.deleteAt(chain, number) };
    if (roll < 73) return { words: ['-D', chain, ...rule], push: (tx) => void tx.delete(chain, rule) };
    if (roll < 76) return { words: ['-F', chain], push: (tx) => void tx.flushChain(chain) };
    if (roll < 77) return { words: ['-F'], push: (tx) => void tx.flushChain() };
    if (roll < 88) return { words: ['-N', user], push: (tx) => void tx.newChain(user) };
    if (roll < 91) return { words: ['-X', gone], push: (tx) => void tx.deleteChain(gone) };
    if (roll < 95) return { words: ['-E', chain, user], push: (tx) => void tx.renameChain(chain, user) };
    if (roll < 97) return { words: ['-Z', chain], push: (tx) => void tx.zero(chain) };
    const policy = random.pick(['ACCEPT', 'DROP'] as const);
    return { words: ['-P', chain, policy], push: (tx) => void tx.setPolicy(chain, policy) };
  }

  /** What a sync of the whole table may want: its rules in another order, with a few more and a few less. */
  desired(table: string, lines: readonly string[]): string {
    const { random } = this;
    const left = lines.filter(() => random.chance(0.85));
    for (let moves = random.below(4); moves > 0 && left.length > 1; moves--) {
      const [line] = left.splice(random.below(left.length), 1);
      left.splice(random.below(left.length + 1), 0, line as string);
    }
    const chain = random.pick(builtin[table] ?? []);
    if (random.chance(0.5)) left.push(`-A ${chain} -p tcp -m tcp --dport ${1 + random.below(99)} -j ACCEPT`);
    return [`*${table}`, ...userChains.map((name) => `:${name} - [0:0]`), ...left, 'COMMIT', ''].join('\n');
  }
}
