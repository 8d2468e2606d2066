// limit (enum nft_limit_attributes; nft_limit.c).
import { be32, be64, words } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import { numberOf, whole, wordOf } from './convert.ts';
import { invertFlag, type StatefulKind, type Words } from './kind.ts';

/** Seconds. */
const periods = { second: 1n, minute: 60n, hour: 3600n, day: 86400n, week: 604800n };
/** nft prints rates in bytes with a unit of their own. */
const multiples = { packets: 1n, bytes: 1n, kbytes: 1024n, mbytes: 1024n * 1024n };

export const limit: StatefulKind = {
  number: 4,
  table: attributes({
    rate: optional(1, be64),
    /** Seconds. */
    per: optional(2, be64),
    burst: optional(3, be32),
    unit: optional(4, words(be32, { packets: 0, bytes: 1 })),
    inv: optional(5, invertFlag),
  }),
  words: { known: ['rate', 'per', 'burst', 'unit', 'inv', 'rate_unit', 'burst_unit'], toData, toWords },
};

function toData(input: Words): object {
  const { rate, per, burst, rate_unit: rateUnit, burst_unit: burstUnit, unit, ...rest } = input;
  const counted = unit ?? (rateUnit === undefined || rateUnit === 'packets' ? undefined : 'bytes');
  const times = (key: string, word: unknown): bigint => (word === undefined ? 1n : numberOf(key, word, multiples));
  return {
    ...rest,
    ...(rate === undefined ? {} : { rate: whole('rate', rate) * times('rate_unit', rateUnit) }),
    per: typeof per === 'string' && !/^\d/.test(per) ? numberOf('per', per, periods) : whole('per', per ?? 1),
    ...(burst === undefined ? {} : { burst: Number(whole('burst', burst) * times('burst_unit', burstUnit)) }),
    ...(counted === undefined ? {} : { unit: counted }),
  };
}

function toWords({ per, ...rest }: Words): Words {
  return { ...rest, ...(per === undefined ? {} : { per: wordOf(per, periods) ?? per }) };
}
