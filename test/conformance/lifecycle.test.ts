// Opening and closing, aborting, and calls at the same time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Iptables } from '../../lib/index.ts';
import { conformance, type Host } from './grid.ts';

type OpenOptions = Parameters<typeof Iptables.open>[0];

async function open(h: Host, o: Partial<OpenOptions> = {}): Promise<Iptables> {
  const options = { family: h.family, backend: h.backend, netns: h.ns.path, ...o };
  return h.cell.form === 'sync' ? Iptables.openSync(options) : await Iptables.open(options);
}

async function close(h: Host, ipt: Iptables): Promise<void> {
  if (h.cell.form === 'sync') ipt.closeSync();
  else await ipt.close();
}

conformance('lifecycle', (it) => {
  it('open says what it opened, in a namespace by path, process and descriptor', async (h) => {
    await h.given('*filter\n:X - [0:0]\nCOMMIT\n');
    const fd = openSync(h.ns.path, 'r');
    try {
      for (const netns of [h.ns.path, { pid: h.ns.pid }, { fd }]) {
        const ipt = await open(h, { netns });
        assert.deepEqual([ipt.family, ipt.backend.name, ipt.backend.why], [h.family, h.backend, 'asked for']);
        assert.deepEqual(ipt.listChainsSync('filter'), ['INPUT', 'FORWARD', 'OUTPUT', 'X']);
        await close(h, ipt);
      }
    } finally {
      closeSync(fd);
    }
  });

  it('open with bad options, in a namespace that is not there', async (h) => {
    const bad: readonly Partial<OpenOptions>[] = [
      { family: 'arp' as 'ip' },
      { backend: 'ebtables' as 'nft' },
      { lockTimeoutMs: -1 },
      { lockTimeoutMs: Number.NaN },
    ];
    for (const o of bad) await assert.rejects(open(h, o), { code: 'ERR_INVALID_ARG' }, JSON.stringify(o));
    await assert.rejects(open(h, { netns: '/run/netns/nflink-nobody' }), { code: 'ENOENT', outcome: 'not-applied' });
  });

  it('closed: every call says so, and closing again is nothing', async (h) => {
    const ipt = await open(h);
    const tx = ipt.transaction('filter');
    tx.append('INPUT', '-j DROP');
    await close(h, ipt);
    await close(h, ipt);
    const closed = { code: 'ERR_CLOSED', outcome: 'not-applied' };
    await assert.rejects(ipt.append('filter', 'INPUT', '-j DROP'), closed);
    assert.throws(() => ipt.appendSync('filter', 'INPUT', '-j DROP'), closed);
    await assert.rejects(ipt.save(), closed);
    assert.throws(() => ipt.listSync('filter'), closed);
    await assert.rejects(tx.commit(), closed);
    assert.throws(() => tx.checkSync(), closed);
    assert.equal((await h.state()).size, 0);
  });

  it('close beside a write: it is written and said so, or neither', async (h) => {
    const ipt = await open(h);
    const [write] = await Promise.allSettled([ipt.append('filter', 'INPUT', '-j RETURN'), ipt.close()]);
    if (write.status === 'fulfilled') await h.real('-A', 'INPUT', '-j', 'RETURN');
    else {
      const { code, outcome } = write.reason as { readonly code: string; readonly outcome: string };
      assert.deepEqual({ code, outcome }, { code: 'ERR_CLOSED', outcome: 'not-applied' });
    }
    await h.same();
  });

  it('an abort before sending: nothing is applied', async (h) => {
    const signal = AbortSignal.abort();
    for (const call of [
      () => h.iptables.append('filter', 'INPUT', '-j DROP', { signal }),
      () => h.iptables.save({ signal }),
      () => h.iptables.restore('*filter\n-A INPUT -j DROP\nCOMMIT\n', { signal }),
      () => Iptables.open({ family: h.family, backend: h.backend, netns: h.ns.path, signal }),
    ])
      await assert.rejects(call(), { name: 'AbortError' });
    assert.equal((await h.state()).size, 0);
  });

  it('writes keep the order in which they were called; a sync call beside them is refused', async (h) => {
    const writes = [1, 2, 3, 4].map((n) => h.iptables.append('filter', 'INPUT', ['-s', h.ip(n)]));
    assert.throws(() => h.iptables.appendSync('filter', 'INPUT', '-j DROP'), { code: 'ERR_BUSY', outcome: 'not-applied' });
    await Promise.all(writes);
    assert.deepEqual(
      await h.rules('filter'),
      [1, 2, 3, 4].map((n) => `-A INPUT -s ${h.host(n)}`),
    );
  });

  it('a failed call leaves the connection as it was', async (h) => {
    for (let i = 0; i < 3; i++) {
      await assert.rejects(h.ipt.append('filter', 'NOPE', '-j DROP'), { code: 'ENOENT' });
      await assert.rejects(h.ipt.append('filter', 'INPUT', '-p tcp -j TPROXY --on-port 1'), { code: 'EINVAL' });
      await h.as(h.ipt.append('filter', 'INPUT', '-j RETURN'), ['-A', 'INPUT', '-j', 'RETURN']);
    }
  });

  it('several connections see one another’s writes, and write side by side', async (h) => {
    const others = await Promise.all([open(h), open(h), open(h)]);
    const added = await Promise.all(others.map((ipt) => ipt.appendUnique('filter', 'INPUT', '-j RETURN')));
    assert.deepEqual(added.filter(Boolean).length, 1);
    await Promise.all(others.map((ipt, i) => ipt.append('filter', 'OUTPUT', ['-s', h.ip(i + 1)])));
    assert.equal((await h.rules('filter')).length, 4);
    assert.equal(await h.ipt.exists('filter', 'OUTPUT', ['-s', h.ip(3)]), true);
    await Promise.all(others.map((ipt) => ipt.close()));
  });

  it('beside the real program: neither loses what the other writes', async (h) => {
    const numbers = Array.from({ length: 10 }, (_, i) => i + 1);
    const theirs = (async () => {
      for (const n of numbers) await h.programs.must(h.ns, '-w', '60', '-A', 'OUTPUT', '-s', h.ip(n));
    })();
    for (const n of numbers) await h.ipt.append('filter', 'INPUT', ['-s', h.ip(n)]);
    await theirs;
    const wanted = (chain: string): string[] => numbers.map((n) => `-A ${chain} -s ${h.host(n)}`);
    assert.deepEqual(await h.rules('filter'), [...wanted('INPUT'), ...wanted('OUTPUT')]);
  });

  it('a held xtables lock', async (h) => {
    const lock = process.env['XTABLES_LOCKFILE'] ?? '';
    const ipt = await open(h, { lockTimeoutMs: 0 });
    const write = async (): Promise<void> =>
      h.cell.form === 'sync' ? ipt.appendSync('filter', 'INPUT', '-j RETURN') : await ipt.append('filter', 'INPUT', '-j RETURN');
    const held = await holding(lock);
    try {
      if (h.differs('a held lock stops writing'))
        await assert.rejects(write(), { code: 'EAGAIN', errno: -11, outcome: 'not-applied', message: /lock/ });
      else await write();
      assert.equal(typeof ipt.saveSync(), 'string', 'reading needs no lock');
    } finally {
      await held.release();
    }
    await ipt.deleteIfExists('filter', 'INPUT', '-j RETURN');
    await write();
    assert.deepEqual(await h.rules('filter'), ['-A INPUT -j RETURN']);
    await ipt.close();
  });
});

/** Another process that holds the lock file until it is told to let go. */
async function holding(lock: string): Promise<{ release(): Promise<void> }> {
  const child = spawn('flock', [lock, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [word] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(word.toString(), 'held\n');
  return {
    async release() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
