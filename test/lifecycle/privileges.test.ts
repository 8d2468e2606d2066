// What lacks is named: a capability at opening, a buffer's limit before anything is sent.
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { fromFailure } from '../../lib/errors.ts';
import { programOutput } from '../support/child.ts';
import { withNamespace } from '../support/namespace.ts';

interface Refusal {
  readonly code: string;
  readonly outcome: string;
  readonly message: string;
}

/** Runs the rest of the command without one capability. */
const without = (capability: string): string[] => ['setpriv', '--bounding-set', `-${capability}`, '--inh-caps', `-${capability}`];

test('without CAP_NET_ADMIN opening fails and names it', async () => {
  await withNamespace(async (ns) => {
    const wrapper = ['nsenter', `--net=${ns.path}`, '--', ...without('net_admin')];
    const results = JSON.parse(await programOutput('open', [], { wrapper })) as Record<string, Refusal>;
    assert.deepEqual(Object.keys(results), ['Nftables.open', 'Nftables.openSync', 'Iptables.open']);
    for (const [call, refusal] of Object.entries(results)) {
      assert.deepEqual([refusal.code, refusal.outcome], ['EPERM', 'not-applied'], call);
      assert.match(refusal.message, /CAP_NET_ADMIN is needed/, call);
    }
  });
});

test("without CAP_SYS_ADMIN another namespace can't be entered, and that is named", async () => {
  await withNamespace(async (ns) => {
    const results = JSON.parse(await programOutput('open', [ns.path], { wrapper: without('sys_admin') })) as Record<string, Refusal>;
    for (const [call, refusal] of Object.entries(results)) {
      assert.deepEqual([refusal.code, refusal.outcome], ['EPERM', 'not-applied'], call);
      assert.match(refusal.message, /CAP_SYS_ADMIN is needed to enter another network namespace/, call);
    }
  });
});

test('legacy tables: without CAP_NET_RAW, or without the right to read the list of tables, that is what is named', async () => {
  await withNamespace(async (ns) => {
    ns.mustSync('iptables-legacy', ['-S']);
    const opened = async (...wrapper: string[]): Promise<Record<string, Refusal | string>> =>
      JSON.parse(await programOutput('open', ['', 'legacy'], { wrapper: ['nsenter', `--net=${ns.path}`, '--', 'setpriv', ...wrapper] }));
    const raw = await opened('--bounding-set', '-net_raw', '--inh-caps', '-net_raw');
    assert.equal(raw['Iptables.open'], 'open');
    assert.match((raw['Iptables.open of legacy'] as Refusal).message, /CAP_NET_RAW is needed/);
    const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const given = (capabilities: string): string[] => [...nobody, '--inh-caps', capabilities, '--ambient-caps', capabilities];
    const listless = await opened(...given('+net_admin,+net_raw'));
    assert.equal(listless['Iptables.open'], 'open');
    const { code, message } = listless['Iptables.open of legacy'] as Refusal;
    assert.equal(code, 'EACCES');
    assert.match(message, /ip_tables_names.* readable for root, CAP_DAC_READ_SEARCH and CAP_DAC_OVERRIDE only$/);
    assert.doesNotMatch(message, /CAP_NET/);
    for (const other of ['dac_read_search', 'dac_override'])
      assert.equal((await opened(...given(`+net_admin,+net_raw,+${other}`)))['Iptables.open of legacy'], 'open', other);
  });
});

test('a namespace that a later call may not enter: CAP_SYS_ADMIN is what it needs', () => {
  // No process can give up CAP_SYS_ADMIN alone from within Node: the kernel's answer is made up.
  const { message } = fromFailure('table filter', { call: 'setns', errno: constants.errno.EPERM });
  assert.match(message, /; CAP_SYS_ADMIN is needed to enter another network namespace$/);
});

test('the same command with its capabilities opens', async () => {
  await withNamespace(async (ns) => {
    const wrapper = ['nsenter', `--net=${ns.path}`, '--', 'setpriv'];
    const results = JSON.parse(await programOutput('open', [], { wrapper: [...wrapper, '--inh-caps', '+net_admin'] })) as object;
    assert.deepEqual(Object.values(results), ['open', 'open', 'open']);
  });
});

test('in a user namespace small things work, and what is too large is refused before sending', async () => {
  const stdout = await programOutput('user-namespace', [], { wrapper: ['unshare', '--user', '--map-root-user', '--net', '--'] });
  const said = JSON.parse(stdout) as {
    handle: string;
    dumped: string;
    attempts: (Refusal & { mode: string })[];
    untouched: boolean;
    echo: { lost?: Refusal; rules: number; given: number; wrong: number };
  };
  assert.match(said.handle, /^\d+$/);
  assert.equal(said.handle, said.dumped);
  assert.deepEqual(
    said.attempts.map((a) => [a.mode, a.code, a.outcome]),
    ['commit', 'commitSync', 'check'].map((mode) => [mode, 'EMSGSIZE', 'not-applied']),
  );
  for (const a of said.attempts)
    assert.match(
      a.message,
      /a batch of \d+ operations has \d+ bytes, \d+ can be sent .*CAP_NET_ADMIN in the initial user namespace.*net\.core\.wmem_max/,
    );
  assert.equal(said.untouched, true);
  // The kernel's echo did not fit: the commit stands all the same, and is not called a failure that would be repeated.
  assert.equal(said.echo.rules, 40_000);
  assert.equal(said.echo.lost, undefined);
  assert.equal(said.echo.wrong, 0);
  assert.ok(said.echo.given > 0 && said.echo.given < 40_000, `${said.echo.given} handles: the echo was meant to overflow`);
});
