// nflink and the real program take turns on one table, each going on where the other left it; the same commands by the real program
// alone, in another namespace, say what must come of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { splitWords } from '../../lib/iptables/words.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { TestNamespace } from '../support/namespace.ts';
import { Random } from '../support/random.ts';
import { NamespaceShell } from '../support/shell.ts';

ownLockFile();

type Family = 'ip' | 'ip6';
type Backend = 'legacy' | 'nft';
const TABLE = 'filter';
const builtin = ['INPUT', 'FORWARD', 'OUTPUT'];

/** What is done: as command lines of the real program, and as a call. All lines but the last may fail. */
interface Turn {
  readonly name: string;
  readonly real: readonly (readonly string[])[];
  readonly input?: string;
  /** Absent: only the real program does this. */
  readonly ours?: (ipt: Iptables, sync: boolean) => unknown;
  /** What the model says afterwards, if it was done. */
  readonly done: () => void;
}

const shared = [
  '-j ACCEPT',
  '-p tcp -m tcp --dport 22 -j ACCEPT',
  '-p tcp -m tcp --sport 1024:65535 --tcp-flags SYN,ACK SYN -j DROP',
  '-p udp -m udp ! --dport 53 -j REJECT',
  '-i eth0 ! -o lo+ -j RETURN',
  '-m comment --comment "two words, \\"quoted\\"" -j ACCEPT',
  '-m comment --comment größe',
  '-p tcp -m multiport --dports 80,443,8000:8100 -j ACCEPT',
  '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-m limit --limit 5/min --limit-burst 9 -j LOG --log-prefix "seen: " --log-level 6',
  '-m statistic --mode nth --every 3 --packet 1 -j DROP',
  '-m mark ! --mark 0x4/0xff -j ACCEPT',
  '-j NFLOG --nflog-group 3 --nflog-prefix here',
  '-p 47 -j DROP',
];
const pools: Readonly<Record<Family, readonly string[]>> = {
  ip: [
    ...shared,
    ...Array.from({ length: 8 }, (_, i) => `-s 10.${i}.0.0/16 ! -d 192.0.2.${i} -j ACCEPT`),
    '-p icmp -m icmp --icmp-type 8 -j DROP',
    '-f -j DROP',
    '-m addrtype --dst-type LOCAL -j ACCEPT',
    '-p tcp -j REJECT --reject-with tcp-reset',
  ],
  ip6: [
    ...shared,
    ...Array.from({ length: 8 }, (_, i) => `-s 2001:db8:${i}::/48 ! -d 2001:db8::${i + 1} -j ACCEPT`),
    '-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP',
    '-m hl --hl-lt 5 -j DROP',
    '-m rt --rt-type 0 -j DROP',
  ],
};

class Model {
  readonly chains = new Map<string, string[]>(builtin.map((name) => [name, []]));
  readonly #random: Random;
  readonly #family: Family;
  readonly #backend: Backend;
  #names = 0;

  constructor(random: Random, family: Family, backend: Backend) {
    this.#random = random;
    this.#family = family;
    this.#backend = backend;
  }

  get #user(): string[] {
    return [...this.chains.keys()].filter((name) => !builtin.includes(name));
  }
  #chain(): string {
    // Now and then one that isn't there.
    return this.#random.chance(0.02) ? 'nowhere' : this.#random.pick([...this.chains.keys()]);
  }
  #rule(): string {
    const user = this.#user;
    const r = this.#random;
    if (user.length > 0 && r.chance(0.25))
      return `-s ${this.#family === 'ip' ? '10.9.9.9' : '2001:db8::9'} ${r.pick(['-j', '-g'])} ${r.pick(user)}`;
    return r.pick(pools[this.#family]);
  }
  #rules(chain: string): string[] {
    return this.chains.get(chain) ?? [];
  }

  next(): Turn {
    const r = this.#random;
    const verb = r.pick([
      ...[
        'append',
        'append',
        'append',
        'append',
        'insert',
        'insert',
        'replace',
        'delete',
        'deleteAt',
        'newChain',
        'renameChain',
        'deleteChain',
      ],
      ...['flushChain', 'setPolicy', 'zero', 'restore', 'appendUnique', 'ensureChain'],
    ] as const);
    const chain = this.#chain();
    const rules = this.#rules(chain);
    const rule = this.#rule();
    const words = splitWords(rule).map((w) => w.text);
    const number = 1 + r.below(rules.length + (r.chance(0.1) ? 3 : verb === 'insert' ? 1 : 0) || 1);
    switch (verb) {
      case 'append':
        return {
          name: `-A ${chain} ${rule}`,
          real: [['-A', chain, ...words]],
          ours: (ipt, sync) => (sync ? ipt.appendSync(TABLE, chain, rule) : ipt.append(TABLE, chain, rule)),
          done: () => rules.push(rule),
        };
      case 'appendUnique':
        return {
          name: `-C or -A ${chain} ${rule}`,
          real: rules.includes(rule) ? [['-C', chain, ...words]] : [['-A', chain, ...words]],
          ours: (ipt, sync) => (sync ? ipt.appendUniqueSync(TABLE, chain, rule) : ipt.appendUnique(TABLE, chain, rule)),
          done: () => rules.includes(rule) || rules.push(rule),
        };
      case 'insert':
        return {
          name: `-I ${chain} ${number} ${rule}`,
          real: [['-I', chain, String(number), ...words]],
          ours: (ipt, sync) => (sync ? ipt.insertSync(TABLE, chain, number, rule) : ipt.insert(TABLE, chain, number, rule)),
          done: () => rules.splice(number - 1, 0, rule),
        };
      case 'replace':
        return {
          name: `-R ${chain} ${number} ${rule}`,
          real: [['-R', chain, String(number), ...words]],
          ours: (ipt, sync) => (sync ? ipt.replaceSync(TABLE, chain, number, rule) : ipt.replace(TABLE, chain, number, rule)),
          done: () => rules.splice(number - 1, 1, rule),
        };
      case 'delete': {
        const there = rules.length > 0 && r.chance(0.9) ? r.pick(rules) : rule;
        return {
          name: `-D ${chain} ${there}`,
          real: [['-D', chain, ...splitWords(there).map((w) => w.text)]],
          ours: (ipt, sync) => (sync ? ipt.deleteSync(TABLE, chain, there) : ipt.delete(TABLE, chain, there)),
          done: () => rules.splice(rules.indexOf(there), 1),
        };
      }
      case 'deleteAt':
        return {
          name: `-D ${chain} ${number}`,
          real: [['-D', chain, String(number)]],
          ours: (ipt, sync) => (sync ? ipt.deleteAtSync(TABLE, chain, number) : ipt.deleteAt(TABLE, chain, number)),
          done: () => rules.splice(number - 1, 1),
        };
      case 'newChain': {
        const name = r.chance(0.1) ? chain : `c${this.#names++}`;
        return {
          name: `-N ${name}`,
          real: [['-N', name]],
          ours: (ipt, sync) => (sync ? ipt.newChainSync(TABLE, name) : ipt.newChain(TABLE, name)),
          done: () => this.chains.set(name, []),
        };
      }
      case 'ensureChain': {
        const user = this.#user;
        const name = user.length > 0 && r.chance(0.7) ? r.pick(user) : `c${this.#names++}`;
        return {
          name: `-N unless there ${name}`,
          real: user.includes(name) ? [['-S', name]] : [['-N', name]],
          ours: (ipt, sync) => (sync ? ipt.ensureChainSync(TABLE, name) : ipt.ensureChain(TABLE, name)),
          done: () => user.includes(name) || this.chains.set(name, []),
        };
      }
      case 'renameChain': {
        const from = r.pick([...this.#user, 'nowhere']);
        const to = r.chance(0.1) ? chain : `r${this.#names++}`;
        return {
          name: `-E ${from} ${to}`,
          real: [['-E', from, to]],
          ours: (ipt, sync) => (sync ? ipt.renameChainSync(TABLE, from, to) : ipt.renameChain(TABLE, from, to)),
          done: () => this.#rename(from, to),
        };
      }
      case 'deleteChain': {
        const name = r.pick([...this.#user, 'nowhere']);
        return {
          name: `-X ${name}`,
          real: [['-X', name]],
          ours: (ipt, sync) => (sync ? ipt.deleteChainSync(TABLE, name) : ipt.deleteChain(TABLE, name)),
          done: () => this.chains.delete(name),
        };
      }
      case 'flushChain': {
        const all = r.chance(0.1);
        return {
          name: all ? '-F' : `-F ${chain}`,
          real: [all ? ['-F'] : ['-F', chain]],
          ours: (ipt, sync) => (sync ? ipt.flushChainSync(TABLE, all ? undefined : chain) : ipt.flushChain(TABLE, all ? undefined : chain)),
          done: () => {
            for (const list of all ? this.chains.values() : [rules]) list.length = 0;
          },
        };
      }
      case 'setPolicy': {
        const name = r.pick(builtin);
        const policy = r.pick(['ACCEPT', 'DROP'] as const);
        return {
          name: `-P ${name} ${policy}`,
          real: [['-P', name, policy]],
          ours: (ipt, sync) => (sync ? ipt.setPolicySync(TABLE, name, policy) : ipt.setPolicy(TABLE, name, policy)),
          done: () => {},
        };
      }
      case 'zero': {
        const all = r.chance(0.2);
        return { name: all ? '-Z' : `-Z ${chain}`, real: [all ? ['-Z'] : ['-Z', chain]], done: () => {} };
      }
      case 'restore': {
        const counters = r.chance(0.7) && !(this.#backend === 'nft' && this.#family === 'ip6');
        const added = Array.from({ length: 1 + r.below(3) }, () => this.#rule()).filter((text) => !counters || this.#counted(text));
        const declared = `c${this.#names++}`;
        const lines = added.map((text) => `${counters ? `[${r.below(1000)}:${r.u32()}] ` : ''}-A ${chain} ${text}`);
        const input = `*${TABLE}\n:${declared} - [0:0]\n${lines.join('\n')}\nCOMMIT\n`;
        return {
          name: `restore --noflush${counters ? ' --counters' : ''} ${input}`,
          real: [['restore', '--noflush', ...(counters ? ['--counters'] : [])]],
          input,
          ours: (ipt, sync) =>
            sync ? ipt.restoreSync(input, { noflush: true, counters }) : ipt.restore(input, { noflush: true, counters }),
          done: () => {
            this.chains.set(declared, []);
            rules.push(...added);
          },
        };
      }
      default:
        return verb satisfies never;
    }
  }

  /**
   * Whether the real program can zero the rule again, and restores its counters at all: iptables-nft 1.8.9 does not zero (-Z: EINVAL) a rule
   * with counts whose match needs a protocol, where that is compared in the form of 1.8.10, which is ours; and ip6tables-nft 1.8.9 takes no
   * counters from a text.
   */
  #counted(rule: string): boolean {
    return this.#backend === 'legacy' || !rule.includes('-p ');
  }

  #rename(from: string, to: string): void {
    const rules = this.#rules(from);
    this.chains.delete(from);
    this.chains.set(to, rules);
    // Jumps follow.
    for (const list of this.chains.values())
      for (const [i, rule] of list.entries()) list[i] = rule.replace(new RegExp(`(-[jg]) ${from}$`), `$1 ${to}`);
  }
}

/** Without program, date and the comment lines around. */
const plain = (save: string): string => save.replace(/^#.*\n/gm, '');

async function takeTurns(family: Family, backend: Backend, count: number, seed: number): Promise<void> {
  await using mixed = await TestNamespace.create();
  await using alone = await TestNamespace.create();
  await using here = new NamespaceShell(mixed);
  await using there = new NamespaceShell(alone);
  const program = `${family === 'ip' ? 'iptables' : 'ip6tables'}-${backend}`;
  const random = new Random(seed);
  const model = new Model(random, family, backend);
  const ipt = await Iptables.open({ family, backend, netns: mixed.path });
  const log: string[] = [];
  const history = (): string => `seed ${seed}, the last turns:\n${log.slice(-12).join('\n')}`;
  const real = async (shell: NamespaceShell, turn: Turn): Promise<string | undefined> => {
    let failure: string | undefined;
    for (const words of turn.real) {
      const line =
        words[0] === 'restore' ? [`${program}-restore`, ...words.slice(1)] : [program, ...(backend === 'legacy' ? ['-w'] : []), ...words];
      const { code, output } = await shell.run(line, turn.input);
      failure = code === 0 ? undefined : output;
    }
    return failure;
  };
  const tally = { ours: 0, theirs: 0, refused: 0 };
  try {
    for (let i = 0; i < count; i++) {
      const turn = model.next();
      const mine = turn.ours !== undefined && random.chance(0.5);
      const sync = random.chance(0.3);
      log.push(`${i} ${mine ? 'nflink' : 'real'}: ${turn.name}`);
      const expected = await real(there, turn);
      let failure: string | undefined;
      if (mine) {
        tally.ours++;
        try {
          await turn.ours?.(ipt, sync);
        } catch (err) {
          failure = String(err);
        }
      } else {
        tally.theirs++;
        failure = await real(here, turn);
      }
      assert.equal(failure === undefined, expected === undefined, `here: ${failure}\nalone: ${expected}\n${history()}`);
      if (failure === undefined) turn.done();
      else tally.refused++;
      if (i % 50 !== 49 && i !== count - 1) continue;
      // The table has to be in both before a program is asked: to save it may make it.
      const wanted = plain(await there.must([`${program}-save`, '-c', '-t', TABLE]));
      assert.equal(plain(await ipt.save({ table: TABLE, counters: true })), wanted, history());
      assert.equal(plain(await here.must([`${program}-save`, '-c', '-t', TABLE])), wanted, history());
      // The model said what was done, or what was drawn from it was not what it seemed.
      const rules = [...model.chains.values()].reduce((sum, list) => sum + list.length, 0);
      assert.equal(wanted.split('\n').filter((line) => line.includes('] -A ')).length, rules, history());
    }
    assert.ok(tally.ours > count / 3 && tally.theirs > count / 3, JSON.stringify(tally));
    assert.ok(tally.refused > count / 50 && tally.refused < count / 2, JSON.stringify(tally));
  } finally {
    await ipt.close();
  }
}

for (const [family, backend, count, seed] of [
  ['ip', 'legacy', 1000, 1],
  ['ip', 'nft', 1000, 2],
  ['ip6', 'legacy', 300, 3],
  ['ip6', 'nft', 300, 4],
] as const) {
  test(`${count} turns on one table: ${family}, ${backend}`, async () => {
    await takeTurns(family, backend, count, seed);
  });
}
