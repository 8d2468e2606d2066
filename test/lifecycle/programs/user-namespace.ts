// In a user namespace, where socket buffers have limits: small transactions, one too large to be sent, one whose echo is lost.
import { readFileSync } from 'node:fs';
import { type CommitResult, type NetfilterError, Nftables } from '../../../lib/index.ts';
import { assertPrivate } from '../../support/namespace.ts';
import { addChains, ruleNamed } from '../../support/nft.ts';

assertPrivate();
const nft = await Nftables.open();
const small = nft.transaction();
addChains(small, 'c', 'd');
const first = small.add(ruleNamed('small'));
const handle = (await small.commit()).handle(first);
const dumped = [...(await nft.snapshot()).rules()][0]?.handle;

const limit = 2 * Number(readFileSync('/proc/sys/net/core/wmem_max', 'utf8'));
const attempts: object[] = [];
const { generation } = nft.snapshotSync();
for (const mode of ['commit', 'commitSync', 'check'] as const) {
  const large = nft.transaction();
  const wide = { type: 'match', name: 'comment', rev: 0, info: new Uint8Array(4096) } as const;
  for (let bytes = 0; bytes < limit; bytes += 4096) large.add(ruleNamed('large', 'c', [wide]));
  try {
    await large[mode]();
    attempts.push({ mode, applied: true });
  } catch (err) {
    const { code, outcome, message } = err as NetfilterError;
    attempts.push({ mode, code, outcome, message });
  }
}
const untouched = nft.snapshotSync().generation === generation;

// The echo of this many rules exceeds what the receive buffer may hold.
const RULES = 40_000;
const echoed = nft.transaction();
const ops = Array.from({ length: RULES }, () => echoed.add(ruleNamed('e', 'd')));
let result: CommitResult | undefined;
let lost: object | undefined;
try {
  result = await echoed.commit({ handles: true });
} catch (err) {
  const { code, outcome, message } = err as NetfilterError;
  lost = { code, outcome, message };
}
const handles = nft.countersSync({ table: { family: 'ip', name: 't' }, chain: 'd' }).handles ?? new BigUint64Array();
const given = ops.filter((op) => result?.handle(op) !== undefined).length;
const wrong = ops.filter((op, i) => result?.handle(op) !== undefined && result.handle(op) !== handles[i]).length;
await nft.close();
console.log(
  JSON.stringify({
    handle: String(handle),
    dumped: String(dumped),
    attempts,
    untouched,
    echo: { lost, rules: handles.length, given, wrong },
  }),
);
