// The code in the documents does what they say: the blocks of life-of-a-rule, events, monitoring, sync and migration are run as one program each and
// print what stands below them; README's blocks run as they are pasted. Each in a network namespace of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { codecs } from '../../lib/iptables/extensions/registry.ts';
import { blocks, run } from '../support/documents.ts';
import { root } from '../support/fixtures.ts';
import { backends, program, withIptables } from '../support/iptables.ts';
import { withLockFile } from '../support/lock-file.ts';

describe('docs/life-of-a-rule.md', () => {
  it('prints what it says', async () => {
    const printed = await run(blocks('docs/life-of-a-rule.md', 'js').join('\n'));
    const wanted = blocks('docs/life-of-a-rule.md', 'text');
    assert.ok(wanted.length >= 5);
    assert.equal(printed, wanted.join(''));
  });
});

describe('docs/events.md', () => {
  it('prints what it says', async () => {
    const [program = '', ...others] = blocks('docs/events.md', 'js');
    assert.deepEqual(others, []);
    assert.equal(await run(program), blocks('docs/events.md', 'text').join(''));
  });
});

describe('docs/monitoring.md', () => {
  it('prints what it says', async () => {
    const printed = await run(blocks('docs/monitoring.md', 'js').join('\n'), { loopback: true });
    const wanted = blocks('docs/monitoring.md', 'text');
    assert.equal(wanted.length, 3);
    assert.equal(printed, wanted.join(''));
  });
});

describe('docs/sync.md', () => {
  it('prints what it says', async () => {
    const wanted = blocks('docs/sync.md', 'text');
    assert.ok(wanted.length >= 4);
    assert.equal(await run(blocks('docs/sync.md', 'js').join('\n')), wanted.join(''));
  });
});

describe('docs/migration.md', () => {
  it('prints what it says', async () => {
    const wanted = blocks('docs/migration.md', 'text');
    assert.ok(wanted.length >= 10);
    const printed = await withLockFile(() => run(blocks('docs/migration.md', 'js').join('\n')));
    assert.equal(printed, wanted.join(''));
  });
});

describe('docs/differences.md', () => {
  const lines = blocks('docs/differences.md', 'text').join('').trim().split('\n');
  for (const backend of backends) {
    it(`the real ${backend} programs take what nflink refuses`, async () => {
      assert.ok(lines.length >= 15);
      for (const family of ['ip', 'ip6'] as const) {
        await withIptables(
          async (ipt, ns) => {
            for (const line of lines) {
              const [name, ...words] = line.split(' ');
              if (name !== `${family}tables`) continue;
              await ns.must(program(backend, family), words);
              await assert.rejects(ipt.run(words), { code: 'ERR_RULE_SYNTAX' }, line);
            }
          },
          { backend, family },
        );
      }
    });
  }
});

describe('README.md', () => {
  it('lists the extensions that there are', () => {
    const text = readFileSync(join(root, 'README.md'), 'utf8');
    const verdicts = ['ACCEPT', 'DROP', 'RETURN', 'QUEUE'];
    for (const [heading, kind, others] of [
      ['Matches', 'match', []],
      ['Targets', 'target', verdicts],
    ] as const) {
      const listed = new RegExp(`^${heading}: ([^.;]*)[.;]`, 'm').exec(text)?.[1]?.split(/,\s/) ?? [];
      const known = new Set(codecs.filter((c) => c.kind === kind).map((c) => c.name));
      assert.deepEqual([...listed].sort(), [...known, ...others].sort());
    }
  });
  const examples = blocks('README.md', 'js');
  it('has a first example of ten lines and one for Nftables', () => {
    assert.equal(examples.length, 2);
    assert.ok((examples[0] ?? '').trim().split('\n').length <= 10);
  });
  it('the first example adds the rule and saves it', async () => {
    const printed = await run(examples[0] ?? '');
    assert.match(printed, /^0 packets for: -p tcp -m tcp --dport 22 -m comment --comment "ssh for ops" -j ACCEPT$/m);
    assert.match(printed, /^-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh for ops" -j ACCEPT$/m);
  });
  it('the Nftables example prints a handle and a listing', async () => {
    const printed = await run(examples[1] ?? '');
    assert.match(printed, /^generation \d+, rule handle \d+$/m);
    assert.match(printed, /\[ cmp eq reg 1 0x00001600 \]/);
  });
});
