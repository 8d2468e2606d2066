// The sets of a namespace as nflink reads them, and as the real nft shows them in JSON.
import { Connection } from '../../lib/connection.ts';
import type { SetObject } from '../../lib/index.ts';
import { familyName, NFT_MSG_GETSET } from '../../lib/nftables/objects/messages.ts';
import { setTable } from '../../lib/nftables/objects/set.ts';
import { dump } from '../../lib/nftables/read.ts';
import { elementsOfSet } from '../../lib/nftables/sets/look.ts';
import { isMap, setModel } from '../../lib/nftables/sets/model.ts';
import { runSync } from '../../lib/run.ts';
import { readMessage } from '../../lib/wire/attributes.ts';
import type { TestNamespace } from './namespace.ts';

export type ReadSet = { readonly set: SetObject } | { readonly map: SetObject & { readonly map: string } };

export function readSets(netns: string): ReadSet[] {
  const connection = runSync(Connection.open(netns));
  try {
    const reply = runSync(dump(connection, 'sets', NFT_MSG_GETSET, 0));
    const bytes = new Uint8Array(reply.data);
    return Array.from(reply.index, (at) => {
      const message = readMessage(bytes, at);
      const a = setTable.decode(bytes, message.start, message.end) ?? {};
      const place = { family: message.family, table: a.table ?? '', name: a.name ?? '' };
      const model = setModel(familyName(message.family), a, runSync(elementsOfSet(connection, place)));
      return (isMap(a) ? { map: model } : { set: model }) as ReadSet;
    });
  } finally {
    connection.closeSync();
  }
}

/** nft's own JSON of the sets and maps. */
export function listedSets(ns: TestNamespace): unknown[] {
  const { nftables } = JSON.parse(ns.mustSync('nft', ['-j', 'list', 'ruleset'])) as { nftables: Record<string, unknown>[] };
  return nftables.filter((o) => 'set' in o || 'map' in o);
}

/** What nft 1.0.6 does not say, or says with the time that passes, is taken from both; elements are sorted. */
export function comparable(list: readonly unknown[]): unknown[] {
  const plain = JSON.parse(JSON.stringify(list, (_, v) => (typeof v === 'bigint' ? Number(v) : (v as unknown)))) as Record<
    string,
    Record<string, unknown>
  >[];
  return plain.map((o) => {
    const [kind, { count: _1, 'auto-merge': _2, policy: _3, elem, flags, map, ...rest }] = Object.entries(o)[0] as [
      string,
      Record<string, unknown>,
    ];
    const known = (flags as string[] | undefined)?.filter((f) => f !== 'dynamic') ?? [];
    return {
      [kind]: {
        ...rest,
        ...(map === undefined ? {} : { map: String(map).replace(/^interval /, '') }),
        ...(known.length === 0 ? {} : { flags: known }),
        ...(Array.isArray(elem)
          ? {
              elem: (elem as unknown[])
                .map(withoutTime)
                .map((e) => JSON.stringify(e))
                .sort(),
            }
          : {}),
      },
    };
  });
}

function withoutTime(e: unknown): unknown {
  if (Array.isArray(e)) return e.map(withoutTime);
  if (typeof e !== 'object' || e === null || !('elem' in e)) return e;
  const { expires, ...elem } = e.elem as Record<string, unknown>;
  const keys = Object.keys(elem).sort();
  const sorted = Object.fromEntries(keys.map((k) => [k, elem[k]]));
  // nft shows whole seconds; the kernel's ticks make 5 ms of 4.
  if (typeof sorted['timeout'] === 'number') sorted['timeout'] = Math.floor(sorted['timeout']);
  return { elem: { ...sorted, ...(expires === undefined ? {} : { expires: 'running' }) } };
}
