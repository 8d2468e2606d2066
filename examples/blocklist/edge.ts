// The set of blocked addresses, and the chain that drops their packets.
import { expressions as e, type Family, type Nftables, type NftTransaction, type Operation } from 'nflink';
import type { Addresses } from './batches.ts';

export interface Edge {
  readonly family: Family;
  readonly table: string;
  readonly set: string;
}

const CHAIN = 'blocklist';

/** The set is left as it is where it is there; the chain's rule is made anew. */
export async function setUp(nft: Nftables, { family, table, set }: Edge): Promise<void> {
  const tx = nft.transaction();
  tx.add({ table: { family, name: table } });
  tx.add({ set: { family, table, name: set, type: 'ipv4_addr', flags: ['timeout'] } });
  const chain = { family, table, name: CHAIN };
  tx.add({ chain: { ...chain, type: 'filter', hook: 'prerouting', prio: 'raw', policy: 'accept' } });
  tx.flush({ chain });
  const source = [e.meta('nfproto'), e.cmp('==', e.u8(2)), e.payload('network', 12, 4)];
  tx.add({ rule: { family, table, chain: CHAIN, comment: 'blocked', expressions: [...source, e.lookup(set), e.counter(), e.drop()] } });
  await tx.commit();
}

/** In one transaction: an address that is there already begins its time anew (Linux 6.12). */
export async function block(nft: Nftables, edge: Edge, addresses: Addresses): Promise<void> {
  const tx = nft.transaction();
  for (const [seconds, list] of byTime(addresses)) add(tx, edge, list, seconds);
  await tx.commit({ handles: false });
}

/** Packed keys: nothing is made for each address but four bytes. */
function add(tx: NftTransaction, { family, table, set }: Edge, addresses: readonly string[], timeout: number): Operation {
  const keys = new Uint8Array(4 * addresses.length);
  for (const [i, address] of addresses.entries()) keys.set(address.split('.').map(Number), 4 * i);
  return tx.add({ element: { family, table, name: set, elem: { keys, timeout } } });
}

/** All keys of one operation have one timeout. */
function byTime(addresses: Addresses): Map<number, string[]> {
  const out = new Map<number, string[]>();
  for (const [address, seconds] of addresses) {
    const list = out.get(seconds);
    if (list === undefined) out.set(seconds, [address]);
    else list.push(address);
  }
  return out;
}
