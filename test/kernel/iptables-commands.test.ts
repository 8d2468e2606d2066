// Command lines as people write them, with what the real programs made of them: each is run in a namespace of its own, and its outcome,
// what it printed and what the save text gained and lost are compared.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Iptables, RuleSyntaxError } from '../../lib/index.ts';
import { builtinChains } from '../../lib/iptables/builtin.ts';
import { parseCommandLine } from '../../lib/iptables/command-line/parse.ts';
import { shellWords } from '../../lib/iptables/command-line/shell-words.ts';
import { tablesOf } from '../support/fixtures.ts';
import { type Backend, backends, withIptables } from '../support/iptables.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { sharedCorpus } from '../support/shared-corpus.ts';

type Outcomes = { readonly [K in `${'saved_as' | 'removed' | 'stdout'}_${Backend}`]?: string | null } & {
  readonly [K in `all_rules_after_${Backend}`]?: readonly string[];
};
interface Entry extends Outcomes {
  readonly kind: string;
  readonly prog: string;
  readonly command_as_written: string;
  /** null: a template, no command. */
  readonly normalised_args: readonly string[] | null;
  readonly table: string;
  readonly expect: 'ok' | 'error' | 'n/a';
  readonly expect_nft?: 'ok' | 'error';
  readonly error_note: string | null;
  readonly note: string | null;
  readonly setup?: readonly (readonly string[])[];
  readonly restore_file?: string | null;
  readonly ipset_file?: string | null;
  /** What a shell and the program made of the command as it stands. */
  readonly as_written_result?: unknown;
}

function entries(t: TestContext): readonly Entry[] {
  const text = sharedCorpus(t, 'commands.jsonl') ?? '';
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}

/** Templates are no commands, iptables-translate is not ours, and of -h nflink prints its own. */
function isRunnable(e: Entry): boolean {
  return e.normalised_args !== null && !e.prog.endsWith('-translate') && !e.normalised_args.includes('--help');
}

/** The save lines of a table, with the builtin chains of one that is not there yet. */
async function saved(ipt: Iptables, table: string): Promise<string[]> {
  const lines = tablesOf(await ipt.save({ table })).get(table);
  return lines ?? (builtinChains(table) ?? []).map((c) => `:${c.name} ACCEPT [0:0]`);
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const linesOf = (text: string | null | undefined): string[] => (text ?? '').split('\n').filter((line) => line !== '');
/** Zeroed and replaced rules come back: order and double lines are told by all_rules_after. */
const sorted = (lines: readonly string[]): string[] => lines.toSorted();

const EMPTY = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n';

/** Parts of the real messages that ours have too. */
const substance = ['requires a rule number', 'can only be used once', 'Bad policy name', 'Bad IP address'];

class Runner {
  readonly failures: string[] = [];
  readonly #t: TestContext;
  readonly #backend: Backend;

  constructor(t: TestContext, backend: Backend) {
    this.#t = t;
    this.#backend = backend;
  }

  async entry(e: Entry): Promise<void> {
    const compare = async (ipt: Iptables, ns: TestNamespace): Promise<void> => {
      await this.#prepare(e, ipt, ns);
      await this.#compare(e, ipt);
    };
    try {
      await withIptables(compare, { backend: this.#backend, family: e.prog.startsWith('ip6') ? 'ip6' : 'ip' });
    } catch (err) {
      this.failures.push(`${e.kind} ${e.prog} ${e.normalised_args?.join(' ')}\n  ${String(err)}`);
    }
  }

  async #prepare(e: Entry, ipt: Iptables, ns: TestNamespace): Promise<void> {
    if (typeof e.ipset_file === 'string') await ns.must('ipset', ['restore'], { input: sharedCorpus(this.#t, e.ipset_file) ?? '' });
    if (typeof e.restore_file === 'string') await ipt.restore(sharedCorpus(this.#t, e.restore_file) ?? '', { counters: true });
    for (const args of e.setup ?? []) await ipt.run(args);
  }

  async #compare(e: Entry, ipt: Iptables): Promise<void> {
    const before = await saved(ipt, e.table);
    const expected = this.#backend === 'nft' ? (e.expect_nft ?? e.expect) : e.expect;
    let stdout: string | undefined;
    if (expected === 'error') await assert.rejects(this.#perform(e, ipt), (err) => this.#refused(e, err));
    else stdout = await this.#perform(e, ipt);
    const after = await saved(ipt, e.table);
    assert.deepEqual(sorted(without(after, before)), sorted(linesOf(e[`saved_as_${this.#backend}`])), 'gained');
    assert.deepEqual(sorted(without(before, after)), sorted(linesOf(e[`removed_${this.#backend}`])), 'lost');
    const all = e[`all_rules_after_${this.#backend}`];
    if (all !== undefined)
      assert.deepEqual(
        after.filter((line) => line.startsWith('-A')),
        all,
        'order',
      );
    const printed = e[`stdout_${this.#backend}`];
    if (printed === undefined || printed === null) return;
    if (e.prog.endsWith('-save')) return assert.deepEqual(tablesOf(stdout ?? ''), tablesOf(printed));
    assert.equal(stdout, printed, 'printed');
  }

  async #perform(e: Entry, ipt: Iptables): Promise<string> {
    if (e.prog.endsWith('-save')) return await ipt.save();
    if (e.prog.endsWith('-restore')) {
      const file = /^stdin = corpus\/(\S+)/.exec(e.note ?? '')?.[1];
      assert.ok(file !== undefined || e.note === 'stdin = empty filter table');
      await ipt.restore(file === undefined ? EMPTY : (sharedCorpus(this.#t, file) ?? ''));
      return '';
    }
    return (await ipt.run(e.normalised_args ?? [])).stdout;
  }

  #refused(e: Entry, err: unknown): boolean {
    const { message } = err as Error;
    for (const part of substance) if (e.error_note?.includes(part) === true) assert.match(message, new RegExp(part, 'i'));
    return true;
  }
}

describe('command lines of the corpus', () => {
  for (const backend of backends) {
    it(`on ${backend}: what was printed, gained and lost`, async (t) => {
      const runner = new Runner(t, backend);
      const all = entries(t).filter(isRunnable);
      for (const e of all) await runner.entry(e);
      assert.deepEqual(runner.failures, []);
    });
  }

  it('as text are the words that they are as a list', (t) => {
    const plain = entries(t).filter(
      (e) => e.prog === 'iptables' && e.note === null && e.normalised_args !== null && e.as_written_result === undefined,
    );
    let compared = 0;
    for (const e of plain) {
      const [, text] = /^(?:[^\n]*[#$] )?(?:sudo )?(?:iptables )((?:.|\n)*)$/.exec(e.command_as_written) ?? [];
      if (text === undefined) continue;
      assert.deepEqual(
        shellWords(text).map((w) => w.text),
        e.normalised_args,
        e.command_as_written,
      );
      compared++;
    }
    assert.ok(plain.length === 0 || compared > 50, `${compared}`);
  });

  it('that the real program refuses as written are refused here too', (t) => {
    for (const e of entries(t).filter((entry) => entry.as_written_result !== undefined)) {
      const text = e.command_as_written.replace(/^(sudo )?iptables /, '');
      assert.throws(() => parseCommandLine(text, 'ip'), RuleSyntaxError, text);
    }
  });
});
