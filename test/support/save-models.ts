// iptables tables as lists of lines: made at random, read from what the real save prints, changed by a diff. Nothing of nflink is used.
import { Random } from './random.ts';

export interface SavedChain {
  /** Of a builtin chain. */
  policy: string | undefined;
  /** `-A chain …`. */
  readonly lines: string[];
  /** By place: [packets:bytes] of the line, where the text has them. */
  readonly counters: string[];
}
export type SavedTable = Map<string, SavedChain>;
/** By table; chains in the order of the text. */
export type Saved = Map<string, SavedTable>;

/** Reads save text, with or without counters. */
export function readSaved(text: string): Saved {
  const out: Saved = new Map();
  let table: SavedTable = new Map();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) out.set(line.slice(1), (table = new Map()));
    else if (line.startsWith(':')) {
      const [name = '', policy = ''] = line.slice(1).split(' ');
      table.set(name, { policy: policy === '-' ? undefined : policy, lines: [], counters: [] });
    } else {
      const rule = /^(?:(\[\d+:\d+\]) )?(-A (\S+).*)$/.exec(line);
      if (rule === null) continue;
      const chain = table.get(rule[3] as string);
      if (chain === undefined) throw new Error(`a rule of no chain: ${line}`);
      chain.lines.push(rule[2] as string);
      chain.counters.push(rule[1] ?? '');
    }
  }
  return out;
}

/** What two tables have to have in common: the rules of each chain, and policies. A table without anything of its own says nothing. */
export function comparable(saved: Saved): Record<string, Record<string, readonly string[]>> {
  const out: Record<string, Record<string, readonly string[]>> = {};
  for (const [name, table] of [...saved].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const chains = [...table].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([, c]) => c.policy !== 'ACCEPT' || c.lines.length > 0);
    if (chains.length > 0) out[name] = Object.fromEntries(chains.map(([chain, c]) => [chain, [c.policy ?? '-', ...c.lines]]));
  }
  return out;
}

/** Changes tables as a diff says, and throws where they are not what it takes them for. */
export function patch(saved: Saved, diff: string): Saved {
  const out: Saved = new Map([...saved].map(([name, table]) => [name, new Map([...table].map(([c, chain]) => [c, copy(chain)]))]));
  const lines = diff === '' ? [] : diff.split('\n');
  if (diff !== '' && lines.pop() !== '') throw new Error('a diff ends with its last line');
  let table: SavedTable = new Map();
  /** The lines that the diff has not come to yet, and those before, of the chain of the last part. */
  let chain: { readonly name: string; readonly old: string[]; readonly done: string[]; taken: number } | undefined;
  const finish = (): void => {
    if (chain === undefined) return;
    const lines = [...chain.done, ...chain.old.slice(chain.taken)];
    const known = table.get(chain.name);
    // Of a chain that goes nothing is left.
    if (known === undefined && lines.length > 0) throw new Error(`chain ${chain.name} goes with rules in it`);
    if (known !== undefined) known.lines.splice(0, known.lines.length, ...lines);
    chain = undefined;
  };
  const gone = new Map<string, SavedChain>();
  let left = { old: 0, new: 0 };
  for (const line of lines) {
    const part = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ (\S+)$/.exec(line);
    if (part !== null) {
      if (left.old !== 0 || left.new !== 0) throw new Error(`a part is shorter than it says: before ${line}`);
      const name = part[5] as string;
      if (chain?.name !== name) {
        finish();
        const found = table.get(name) ?? gone.get(name);
        if (found === undefined) throw new Error(`no chain: ${line}`);
        chain = { name, old: [...found.lines], done: [], taken: 0 };
      }
      const [oldLength, newLength] = [Number(part[2] ?? 1), Number(part[4] ?? 1)];
      // Of none the line before.
      const [oldStart, newStart] = [Number(part[1]) - (oldLength === 0 ? 0 : 1), Number(part[3]) - (newLength === 0 ? 0 : 1)];
      if (oldStart < chain.taken) throw new Error(`parts overlap: ${line}`);
      chain.done.push(...chain.old.slice(chain.taken, oldStart));
      chain.taken = oldStart;
      if (chain.done.length !== newStart) throw new Error(`begins at ${chain.done.length + 1}: ${line}`);
      left = { old: oldLength, new: newLength };
    } else if (line.startsWith('--- *')) {
      finish();
      const name = line.slice(5);
      table = out.get(name) ?? new Map<string, SavedChain>();
      gone.clear();
      out.set(name, table);
    } else if (line.startsWith('+++ *')) {
      if (out.get(line.slice(5)) !== table) throw new Error(`another table: ${line}`);
    } else if (/^[-+]:/.test(line)) {
      const [name = '', policy = ''] = line.slice(2).split(' ');
      const found = table.get(name);
      if (line.startsWith('-')) {
        if (policy !== '-' && (found?.policy ?? 'ACCEPT') !== policy) throw new Error(`policy ${found?.policy}: ${line}`);
        if (policy === '-') {
          if (found === undefined) throw new Error(`no chain: ${line}`);
          gone.set(name, found);
          table.delete(name);
        }
      } else if (policy === '-') {
        if (found !== undefined) throw new Error(`is there: ${line}`);
        table.set(name, { policy: undefined, lines: [], counters: [] });
      } else table.set(name, { ...(found ?? { lines: [], counters: [] }), policy });
    } else if (line.startsWith('-') && chain !== undefined) {
      if (chain.old[chain.taken++] !== line.slice(1)) throw new Error(`is ${chain.old[chain.taken - 1]}: ${line}`);
      left.old--;
    } else if (line.startsWith('+') && chain !== undefined) {
      chain.done.push(line.slice(1));
      left.new--;
    } else throw new Error(`no line of a diff: ${line}`);
  }
  if (left.old !== 0 || left.new !== 0) throw new Error('the last part is shorter than it says');
  finish();
  return out;
}

function copy({ policy, lines, counters }: SavedChain): SavedChain {
  return { policy, lines: [...lines], counters: [...counters] };
}

const BUILTIN: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
};
export const builtinsOf = (table: string): readonly string[] => BUILTIN[table] ?? [];
export const modelTables: readonly string[] = ['filter', 'nat', 'mangle'];
const USER = ['A', 'B', 'C', 'KUBE-D', 'e.f', 'g_h'] as const;

/** Rules of chains without `-A chain `. Jumps lead to chains that come later in `order`: there are no loops. */
interface TableModel {
  order: string[];
  readonly chains: Map<string, { policy: string | undefined; rules: string[] }>;
}
export type Model = Map<string, TableModel>;

/** Makes models at random; a rule is written as both real programs print it. */
export class Models {
  readonly #random: Random;
  readonly #family: 'ip' | 'ip6';

  constructor(seed: number, family: 'ip' | 'ip6') {
    this.#random = new Random(seed);
    this.#family = family;
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  any(): Model {
    return new Map(modelTables.filter(() => this.#random.chance(0.7)).map((table) => [table, this.#table(table)]));
  }

  /** A model that has much in common with another. */
  like(model: Model): Model {
    const random = this.#random;
    const out: Model = new Map();
    for (const table of modelTables) {
      const was = model.get(table);
      if (was === undefined) {
        if (random.chance(0.1)) out.set(table, this.#table(table));
        continue;
      }
      if (random.chance(0.05)) continue;
      const next: TableModel = { order: [...was.order], chains: new Map() };
      // The other way round: what A jumped to may now jump to A.
      if (random.chance(0.3)) next.order.reverse();
      for (const [name, { policy, rules }] of was.chains)
        if (policy !== undefined || !random.chance(0.1)) next.chains.set(name, { policy, rules: [...rules] });
      for (const name of USER)
        if (!next.chains.has(name) && random.chance(0.1))
          next.chains.set(name, { policy: undefined, rules: this.#rules(next, table, name) });
      for (const [name, chain] of next.chains) {
        if (chain.policy !== undefined && random.chance(0.1)) chain.policy = this.#policy(table);
        for (let edits = random.below(4); edits > 0; edits--) this.#edit(next, table, name, chain.rules);
      }
      for (const [name, chain] of next.chains) chain.rules = chain.rules.filter((rule) => leadsOn(next, name, rule));
      out.set(table, next);
    }
    return out;
  }

  #edit(model: TableModel, table: string, name: string, rules: string[]): void {
    const random = this.#random;
    const at = random.below(rules.length + 1);
    const kind = random.below(4);
    const [taken] = kind < 2 ? rules.splice(at, 1) : [];
    if (kind === 0) return;
    if (kind === 1 && taken !== undefined) rules.splice(random.below(rules.length + 1), 0, taken);
    else if (kind === 2 && rules[at] !== undefined) rules.splice(random.below(rules.length + 1), 0, rules[at]);
    else rules.splice(at, 0, this.#rule(model, table, name));
  }

  #table(table: string): TableModel {
    const random = this.#random;
    const model: TableModel = { order: [...USER], chains: new Map() };
    if (random.chance(0.5)) model.order.reverse();
    for (const name of builtinsOf(table)) model.chains.set(name, { policy: this.#policy(table), rules: [] });
    for (const name of USER) if (random.chance(0.6)) model.chains.set(name, { policy: undefined, rules: [] });
    for (const [name, chain] of model.chains) chain.rules.push(...this.#rules(model, table, name));
    return model;
  }

  #policy(table: string): string {
    return table !== 'nat' && this.#random.chance(0.2) ? 'DROP' : 'ACCEPT';
  }

  #rules(model: TableModel, table: string, name: string): string[] {
    return Array.from({ length: this.#random.below(this.#random.pick([3, 8, 14])) }, () => this.#rule(model, table, name));
  }

  /** Few enough that some are alike. */
  #rule(model: TableModel, table: string, name: string): string {
    const random = this.#random;
    const jumps = model.order.filter((to) => model.chains.has(to) && leadsOn(model, name, `-j ${to}`));
    if (jumps.length > 0 && random.chance(0.25)) return `${random.pick(['', '-p udp '])}${random.pick(['-j', '-g'])} ${random.pick(jumps)}`;
    const n = 1 + random.below(6);
    const verdict = random.pick(table === 'nat' ? ['ACCEPT', 'RETURN'] : ['ACCEPT', 'DROP', 'RETURN']);
    return random.pick(
      [
        this.#family === 'ip' ? `-s 10.0.${n}.0/24 -j ${verdict}` : `-s fd00:${n}::/64 -j ${verdict}`,
        `-p tcp -m tcp --dport ${n} -j ${verdict}`,
        `-p udp -m udp ! --sport ${n}:9 -j ${verdict}`,
        `-m comment --comment "number ${n}" -j ${verdict}`,
        `-m mark --mark 0x${n}/0xff`,
        `-p tcp -m multiport --dports ${n},80 -j ${verdict}`,
        `! -i eth${n} -j ${verdict}`,
      ].slice(0, name === 'OUTPUT' || name === 'POSTROUTING' ? 6 : 7),
    );
  }
}

function leadsOn({ order, chains }: TableModel, from: string, rule: string): boolean {
  const to = /-[jg] (\S+)$/.exec(rule)?.[1] ?? '';
  if (!USER.includes(to as 'A')) return true;
  return chains.has(to) && order.indexOf(from) < order.indexOf(to);
}

/** As save text. `counter`: of the n-th rule. */
export function textOfModel(model: Model, counter?: (n: number) => string): string {
  let text = '';
  let n = 0;
  for (const [table, { chains }] of model) {
    text += `*${table}\n`;
    for (const [name, { policy }] of chains) text += `:${name} ${policy ?? '-'} [0:0]\n`;
    for (const [name, { rules }] of chains)
      for (const rule of rules) text += `${counter === undefined ? '' : `${counter(n++)} `}-A ${name} ${rule}\n`;
    text += 'COMMIT\n';
  }
  return text;
}
