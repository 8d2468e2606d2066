// Tables that the kernel takes and no iptables writes: what cannot be shown as it is is not shown, and what libiptc would write back as
// another table is not changed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import type { IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { EXTENSION, layouts, STANDARD_TARGET_SIZE, verdictNumbers } from '../../lib/iptables/legacy/layout.ts';
import { compileC } from '../support/compile-c.ts';
import { root } from '../support/fixtures.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

ownLockFile();
let program = '';
before(() => {
  program = compileC(join(root, 'test', 'kernel', 'xt-entries.c'));
});

const { accept, drop, queue, return: back } = verdictNumbers;
/** struct xt_error_target with XT_ALIGN. */
const ERROR_TARGET_SIZE = 64;
const [INPUT, FORWARD, OUTPUT] = [1, 2, 3];

/** Entries one after the other; each method tells where its entry lies. */
class Entries {
  readonly family: IpFamily;
  /** How many entries; valid_hooks, hook_entry[5], underflow[5]. */
  readonly words = new Uint32Array(12);
  bytes = new Uint8Array();

  constructor(family: IpFamily) {
    this.family = family;
  }

  #entry(size: number, name: string, from: number): { readonly at: number; readonly target: number; readonly view: DataView } {
    const { size: head, targetOffset, nextOffset } = layouts[this.family];
    const at = this.bytes.length;
    const bytes = new Uint8Array(at + head + size);
    bytes.set(this.bytes);
    const view = new DataView(bytes.buffer);
    view.setUint16(at + targetOffset, head, true);
    view.setUint16(at + nextOffset, head + size, true);
    view.setUint16(at + head, size, true);
    bytes.set(new TextEncoder().encode(name), at + head + EXTENSION.name);
    this.bytes = bytes;
    this.words[0] = (this.words[0] as number) + 1;
    const { source, sourceMask } = layouts[this.family];
    if (from !== 0) bytes.fill(255, at + sourceMask, at + sourceMask + 4).set([10, 0, 0, from], at + source);
    return { at, target: at + head, view };
  }
  /** A verdict or jump, for all packets or for those of one address. */
  rule(verdict: number, from = 0): number {
    const { at, target, view } = this.#entry(STANDARD_TARGET_SIZE, '', from);
    view.setInt32(target + EXTENSION.size, verdict, true);
    return at;
  }
  /** Where the rule at `at` jumps to. */
  jump(at: number, to: number): void {
    new DataView(this.bytes.buffer).setInt32(at + layouts[this.family].size + EXTENSION.size, to, true);
  }
  error(name: string): number {
    const { at, target } = this.#entry(ERROR_TARGET_SIZE, 'ERROR', 0);
    this.bytes.set(new TextEncoder().encode(name), target + EXTENSION.size);
    return at;
  }
  hook(hook: number, first: number, policy: number): void {
    this.words[1] = (this.words[1] as number) | (1 << hook);
    this.words[2 + hook] = first;
    this.words[7 + hook] = policy;
  }
  /** A builtin chain without rules. */
  builtin(hook: number): number {
    const at = this.rule(accept);
    this.hook(hook, at, at);
    return at;
  }
  /** INPUT and FORWARD, and an OUTPUT with a rule that can be made to jump. */
  start(): number {
    this.builtin(INPUT);
    this.builtin(FORWARD);
    const jump = this.rule(accept, 7);
    this.hook(OUTPUT, jump, this.rule(accept));
    return jump;
  }
  get length(): number {
    return this.bytes.length;
  }
}

interface Odd {
  readonly what: string;
  readonly build: (e: Entries) => void;
  /** Why it is not shown. */
  readonly reads?: RegExp;
  /** Why it is not changed. */
  readonly writes?: RegExp;
}

const tables: readonly Odd[] = [
  {
    what: 'as iptables writes it',
    build: (e) => {
      const jump = e.start();
      e.error('user');
      e.jump(jump, e.rule(queue, 1));
      const next = e.rule(accept, 2);
      e.jump(next, e.length);
      e.rule(back);
      e.error('ERROR');
    },
  },
  {
    what: 'a user chain ends with a DROP for all',
    build: (e) => {
      const jump = e.start();
      e.error('user');
      e.jump(jump, e.rule(accept, 1));
      e.rule(drop);
      e.error('ERROR');
    },
    reads: /a chain ends with a rule/,
  },
  {
    what: 'a user chain ends with a RETURN for one address',
    build: (e) => {
      e.start();
      e.error('user');
      e.rule(accept, 1);
      e.rule(back, 2);
      e.error('ERROR');
    },
    reads: /a chain ends with a rule/,
  },
  {
    what: 'a jump into the midst of a chain',
    build: (e) => {
      const jump = e.start();
      e.error('user');
      e.rule(accept, 1);
      e.jump(jump, e.rule(drop));
      e.rule(back);
      e.error('ERROR');
    },
    reads: /a rule jumps elsewhere/,
  },
  {
    what: 'a jump to the head of a chain',
    build: (e) => {
      const jump = e.start();
      e.jump(jump, e.error('user'));
      e.rule(back);
      e.error('ERROR');
    },
    reads: /a rule jumps elsewhere/,
  },
  {
    what: 'a hook at the head of a user chain',
    build: (e) => {
      e.builtin(INPUT);
      e.builtin(FORWARD);
      const head = e.error('user');
      e.hook(OUTPUT, head, e.rule(accept));
      e.rule(back);
      e.error('ERROR');
    },
    reads: /a builtin chain is missing/,
  },
  {
    what: 'a jump to a builtin chain',
    build: (e) => {
      const jump = e.start();
      e.error('user');
      e.jump(jump, e.rule(0, 3));
      e.jump(e.length - layouts[e.family].size - STANDARD_TARGET_SIZE, e.words[2 + FORWARD] as number);
      e.rule(back);
      e.error('ERROR');
    },
    writes: /a rule jumps to a builtin chain/,
  },
  {
    what: 'no ERROR at the end',
    build: (e) => {
      e.builtin(INPUT);
      e.builtin(FORWARD);
      const first = e.rule(drop, 1);
      e.hook(OUTPUT, first, e.rule(accept));
    },
    writes: /its last entry is no ERROR/,
  },
  {
    what: 'a builtin chain behind a user chain',
    build: (e) => {
      e.builtin(INPUT);
      e.error('user');
      e.rule(back);
      e.builtin(FORWARD);
      e.builtin(OUTPUT);
      e.error('a');
      e.rule(back);
      e.error('ERROR');
    },
    writes: /a builtin chain lies behind a user chain/,
  },
];

/** Makes it the table; its entries. */
function put(ns: TestNamespace, family: IpFamily, odd: Odd): Uint8Array {
  const e = new Entries(family);
  odd.build(e);
  const input = new Uint8Array([...new Uint8Array(e.words.buffer), ...e.bytes]);
  ns.mustSync(program, ['put', family === 'ip' ? '4' : '6', 'filter'], { input });
  return e.bytes;
}
const entries = (ns: TestNamespace, family: IpFamily): string => ns.mustSync(program, ['get', family === 'ip' ? '4' : '6', 'filter']);

/** Rules, policies, and the ends of user chains. */
function verdicts(bytes: Uint8Array, family: IpFamily): number {
  const { size } = layouts[family];
  const view = new DataView(bytes.buffer);
  let count = 0;
  for (let at = 0; at < bytes.length; at += size + view.getUint16(at + size, true))
    if (view.getUint16(at + size, true) === STANDARD_TARGET_SIZE) count++;
  return count;
}

for (const family of ['ip', 'ip6'] as const) {
  for (const odd of tables) {
    const why = odd.reads ?? odd.writes;
    const kind = odd.reads !== undefined ? 'neither shown nor changed' : why !== undefined ? 'shown and not changed' : 'shown and changed';
    test(`${family}: ${odd.what}: ${kind}`, async () => {
      await withNamespace(async (ns) => {
        const bytes = put(ns, family, odd);
        await using ipt = await Iptables.open({ family, backend: 'legacy', netns: ns.path });

        if (odd.reads === undefined) {
          // Each chain and each rule has its line.
          const text = await ipt.save({ table: 'filter' });
          const lines = [...text.matchAll(/^(:|-A )/gm)].map(([start]) => start);
          assert.equal(lines.length, verdicts(bytes, family), text);
          const counters = await ipt.counters({ table: 'filter' });
          assert.equal(counters.length, lines.filter((start) => start === '-A ').length);
        } else {
          for (const look of [() => ipt.save(), () => ipt.list('filter'), () => ipt.counters()])
            await assert.rejects(look, { code: 'EPROTO', message: odd.reads });
          await ipt.append('mangle', 'INPUT', '-j ACCEPT');
          assert.equal((await ipt.list('mangle', 'INPUT')).length, 1, 'other tables are of use');
        }

        if (why === undefined) {
          await ipt.newChain('filter', 'new');
          assert.match(ns.mustSync(family === 'ip' ? 'iptables-legacy-save' : 'ip6tables-legacy-save', []), /^:new - /m);
          return;
        }
        const before = entries(ns, family);
        const how = odd.reads === undefined ? 'cannot be changed without damage' : 'as the kernel gave it cannot be read';
        const refusal = { code: 'EPROTO', outcome: 'not-applied', message: new RegExp(`^table filter.* ${how}: ${why.source}`) };
        await assert.rejects(ipt.newChain('filter', 'new'), refusal);
        await assert.rejects(ipt.append('filter', 'INPUT', '-j ACCEPT'), refusal);
        await assert.rejects(ipt.restore('*filter\nCOMMIT\n'), refusal);
        assert.throws(() => ipt.flushChainSync('filter', 'INPUT'), refusal);
        assert.equal(entries(ns, family), before);
      });
    });
  }
}
