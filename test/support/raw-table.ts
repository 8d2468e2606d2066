// A legacy table's entries as the kernel gives them, with what differs between two equal tables set to zero: what the kernel notes for
// itself, and counters unless they are asked for.
import { Connection } from '../../lib/connection.ts';
import { type EntryLayout, EXTENSION, layouts } from '../../lib/iptables/legacy/layout.ts';
import { readTable } from '../../lib/iptables/legacy/requests.ts';
import type { LegacyTable } from '../../lib/iptables/legacy/table.ts';
import { runSync } from '../../lib/run.ts';
import type { TestNamespace } from './namespace.ts';

export interface RawChain {
  readonly name: string;
  /** Hex of each entry. */
  readonly entries: readonly string[];
  /** Hex of the entry that ends the chain: the policy. */
  readonly foot: string;
}

/** Reads a table by a connection of its own; undefined where the namespace has none. */
export function openTable(ns: TestNamespace, table: string, family: 'ip' | 'ip6' = 'ip'): LegacyTable | undefined {
  const connection = runSync(Connection.open(ns.path));
  try {
    return runSync(readTable(connection, family, table));
  } finally {
    connection.closeSync();
  }
}

/** Bytes of an extension's struct that the real programs leave undefined and the kernel uses: statistic's nth.count (xt_statistic.h). */
const kernelsOwn: Readonly<Record<string, readonly [from: number, to: number]>> = { statistic: [12, 16] };

/** Where each match of an entry begins, and its name. */
function* extensions(entry: Uint8Array, at: EntryLayout): Generator<[start: number, name: string]> {
  const view = new DataView(entry.buffer, entry.byteOffset);
  for (let start = at.size; start < view.getUint16(at.targetOffset, true); start += view.getUint16(start, true)) {
    const name = entry.subarray(start + EXTENSION.name, start + EXTENSION.name + EXTENSION.nameSize);
    yield [start, new TextDecoder().decode(name.subarray(0, name.indexOf(0)))];
  }
}

export function rawTable(ns: TestNamespace, name: string, o: { readonly counters: boolean }): readonly RawChain[] | undefined {
  const table = openTable(ns, name);
  if (table === undefined) return undefined;
  const at = layouts[table.family];
  const hex = (entry: Uint8Array): string => {
    const copy = entry.slice();
    // nfcache and comefrom, to the counters.
    copy.fill(0, at.nfcache, at.targetOffset).fill(0, at.targetOffset + 4, at.packets);
    for (const [start, name] of extensions(copy, at)) {
      const [from, to] = kernelsOwn[name] ?? [0, 0];
      copy.fill(0, start + EXTENSION.size + from, start + EXTENSION.size + to);
    }
    if (!o.counters) copy.fill(0, at.packets, at.size);
    return Buffer.from(copy).toString('hex');
  };
  return table.chains.map((chain) => {
    const length = new DataView(table.bytes.buffer, table.bytes.byteOffset).getUint16(chain.foot + at.nextOffset, true);
    return {
      name: chain.name,
      entries: Array.from({ length: chain.end - chain.start }, (_, i) => hex(table.entry(chain.start + i))),
      foot: hex(table.bytes.subarray(chain.foot, chain.foot + length)),
    };
  });
}
