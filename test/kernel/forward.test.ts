// A program that users write, on both backends: a container's port published as Docker does it, and taken back when a part of it fails.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables, type RuleSpec, rule } from '../../lib/index.ts';
import { backends, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

interface Forward {
  readonly host: number;
  readonly ip: string;
  readonly port: number;
  readonly name: string;
}

/** Publish a container's port as Docker does, or take it back; three rules in two tables, undone together on failure. */
async function forward(ipt: Iptables, f: Forward, on: boolean): Promise<void> {
  const dnat = rule`! -i docker0 -p tcp -m tcp --dport ${f.host} -m comment --comment ${f.name} -j DNAT --to-destination ${`${f.ip}:${f.port}`}`;
  const pass = rule`-d ${`${f.ip}/32`} ! -i docker0 -o docker0 -p tcp -m tcp --dport ${f.port} -j ACCEPT`;
  const masq = rule`-s ${`${f.ip}/32`} -d ${`${f.ip}/32`} -p tcp -m tcp --dport ${f.port} -j MASQUERADE`;
  const places: [table: string, chain: string, r: RuleSpec][] = [
    ['nat', 'DOCKER', dnat],
    ['filter', 'DOCKER', pass],
    ['nat', 'POSTROUTING', masq],
  ];
  const done: typeof places = [];
  try {
    for (const p of places) if (on ? await ipt.appendUnique(...p) : await ipt.deleteIfExists(...p)) done.push(p);
  } catch (err) {
    if (on) for (const p of done.reverse()) await ipt.deleteIfExists(...p);
    throw err;
  }
}

const nasty = `it's "web"; -j ACCEPT \\ --to-destination 6.6.6.6 $(reboot)`;
const web: Forward = { host: 8080, ip: '172.17.0.2', port: 80, name: nasty };

for (const backend of backends) {
  describe(`forward on ${backend}`, () => {
    const programs = new Programs(backend, 'ip');
    async function inDocker(fn: (ipt: Iptables, ns: TestNamespace) => Promise<void>, chains = ':DOCKER - [0:0]\n'): Promise<void> {
      await withNamespace(async (ns) => {
        await programs.restore(ns, `*nat\n:DOCKER - [0:0]\nCOMMIT\n*filter\n${chains}COMMIT\n`);
        const ipt = await Iptables.open({ family: 'ip', backend, netns: { pid: ns.pid } });
        try {
          await fn(ipt, ns);
        } finally {
          await ipt.close();
        }
      });
    }
    /** The same by the real program's own words. */
    async function wanted(): Promise<Map<string, string[]>> {
      return await withNamespace(async (ns) => {
        await programs.restore(ns, '*nat\n:DOCKER - [0:0]\nCOMMIT\n*filter\n:DOCKER - [0:0]\nCOMMIT\n');
        const tcp = ['-p', 'tcp', '-m', 'tcp', '--dport'];
        const comment = ['-m', 'comment', '--comment', nasty];
        await programs.must(
          ns,
          '-t',
          'nat',
          '-A',
          'DOCKER',
          '!',
          '-i',
          'docker0',
          ...tcp,
          '8080',
          ...comment,
          '-j',
          'DNAT',
          '--to-destination',
          '172.17.0.2:80',
        );
        await programs.must(ns, '-A', 'DOCKER', '-d', '172.17.0.2/32', '!', '-i', 'docker0', '-o', 'docker0', ...tcp, '80', '-j', 'ACCEPT');
        await programs.must(
          ns,
          '-t',
          'nat',
          '-A',
          'POSTROUTING',
          '-s',
          '172.17.0.2/32',
          '-d',
          '172.17.0.2/32',
          ...tcp,
          '80',
          '-j',
          'MASQUERADE',
        );
        return await programs.state(ns);
      });
    }

    it('publishes once, and takes back what is there', async () => {
      const published = await wanted();
      await inDocker(async (ipt, ns) => {
        const empty = await programs.state(ns);
        for (let i = 0; i < 2; i++) {
          await forward(ipt, web, true);
          assert.deepEqual(await programs.state(ns), published);
        }
        await ipt.delete('filter', 'DOCKER', (await ipt.list('filter', 'DOCKER'))[0] ?? '');
        for (let i = 0; i < 2; i++) {
          await forward(ipt, web, false);
          assert.deepEqual(await programs.state(ns), empty);
        }
      });
    });

    it('keeps a name full of quotes, blanks and -j ACCEPT as the comment that it is', async () => {
      await inDocker(async (ipt) => {
        await forward(ipt, web, true);
        const [dnat] = await ipt.list('nat', 'DOCKER');
        assert.equal(dnat?.comment, nasty);
        assert.ok(dnat !== undefined && 'target' in dnat.spec);
        assert.deepEqual(dnat.spec.target, { name: 'DNAT', toDestination: { address: '172.17.0.2', port: 80 } });
      });
    });

    it('undoes what it did where a part of it fails', async () => {
      await inDocker(async (ipt, ns) => {
        const before = await programs.state(ns);
        await assert.rejects(forward(ipt, web, true), { code: 'ENOENT', outcome: 'not-applied' });
        assert.deepEqual(await programs.state(ns), before);
      }, '');
    });
  });
}
