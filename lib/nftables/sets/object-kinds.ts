// NFT_OBJECT_* (linux/netfilter/nf_tables.h) of object maps, by the words of libnftables-json.

export const objectTypes: Readonly<Record<string, number>> = {
  counter: 1,
  quota: 2,
  'ct helper': 3,
  limit: 4,
  tunnel: 6,
  'ct timeout': 7,
  secmark: 8,
  'ct expectation': 9,
  synproxy: 10,
};

/** The number as text where it has no word. */
export function objectKindOf(type: number | undefined): string {
  return Object.entries(objectTypes).find(([, n]) => n === type)?.[0] ?? String(type ?? '');
}
