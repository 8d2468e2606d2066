// The numbers behind the words of named objects are the kernel headers' own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectTable } from '../../lib/nftables/objects/object.ts';
import { timeoutStates } from '../../lib/nftables/objects/stateful/ct-timeout.ts';
import { statefulKinds } from '../../lib/nftables/objects/stateful/index.ts';
import { protocols } from '../../lib/nftables/objects/stateful/kind.ts';
import { constantValues } from '../support/c-constants.ts';
import { encoded } from '../support/wire-cases.ts';

const headers = [
  'stdio.h',
  'net/if.h',
  'netinet/in.h',
  'linux/netfilter/nf_tables.h',
  'linux/netfilter/nf_synproxy.h',
  'linux/netfilter/nfnetlink_cttimeout.h',
];

const upper = (word: string): string => word.toUpperCase().replaceAll(/[- ]/g, '_');
/** The last byte that a word of an object's data becomes. */
const lastByte = (kind: string, data: object): number => encoded(objectTable, { kind, data }).at(-1) as number;
/** Payload of one byte: padded to four. */
const onlyByte = (kind: string, data: object): number => encoded(objectTable, { kind, data }).at(-4) as number;

test('kinds, protocols, states, flags', () => {
  const checks: (readonly [constant: string, number: number])[] = [
    ...Object.entries(statefulKinds).map(
      ([kind, k]) => [`NFT_OBJECT_${kind === 'ct expectation' ? 'CT_EXPECT' : upper(kind)}`, k.number] as const,
    ),
    ...Object.entries(protocols)
      .filter(([name]) => name !== 'generic')
      .map(([name, number]) => [`IPPROTO_${upper(name)}`, number] as const),
    ...Object.entries(timeoutStates).flatMap(([protocol, states]) =>
      states.map((state, i) => [`CTA_TIMEOUT_${upper(protocol)}_${upper(state)}`, i + 1] as const),
    ),
    ...(['packets', 'bytes'] as const).map(
      (unit) => [unit === 'packets' ? 'NFT_LIMIT_PKTS' : 'NFT_LIMIT_PKT_BYTES', lastByte('limit', { unit })] as const,
    ),
    ['NFT_LIMIT_F_INV', lastByte('limit', { inv: true })],
    ['NFT_CONNLIMIT_F_INV', lastByte('connlimit', { inv: true })],
    ['NFT_QUOTA_F_INV', lastByte('quota', { flags: ['inv'] })],
    ['NFT_QUOTA_F_DEPLETED', lastByte('quota', { flags: ['depleted'] })],
    ['NFT_TUNNEL_F_ZERO_CSUM_TX', lastByte('tunnel', { flags: ['zero-csum-tx'] })],
    ['NFT_TUNNEL_F_DONT_FRAGMENT', lastByte('tunnel', { flags: ['dont-fragment'] })],
    ['NFT_TUNNEL_F_SEQ_NUMBER', lastByte('tunnel', { flags: ['seq-number'] })],
    ...(['sack-perm', 'timestamp', 'ecn'] as const).map(
      (flag) =>
        [`NF_SYNPROXY_OPT_${upper(flag)}`, lastByte('synproxy', statefulKinds.synproxy.words?.toData({ flags: [flag] }) ?? {})] as const,
    ),
    [
      'NF_SYNPROXY_OPT_MSS | NF_SYNPROXY_OPT_WSCALE',
      lastByte('synproxy', statefulKinds.synproxy.words?.toData({ mss: 1, wscale: 1 }) ?? {}),
    ],
    ['IPPROTO_SCTP', onlyByte('ct helper', { protocol: 'sctp' })],
  ];
  const numbers = constantValues(
    headers,
    checks.map(([constant]) => constant),
  );
  for (const [i, [constant, number]] of checks.entries()) assert.equal(number, numbers[i], constant);
});
