// Stateful statements of sets and elements: libnftables-json's { counter: … }, { quota: … }, { limit: … }, { 'ct count': … },
// { last: … } and the expressions they stand for.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import type { AnyExpression } from '../expressions/expression.ts';

type Input = Readonly<Record<string, unknown>>;
interface Statement {
  /** The expression; `value` is what stands under the statement's name, {} where that is null. */
  expression(value: Input): AnyExpression;
  shown(e: AnyExpression): unknown;
}

const UNITS: Readonly<Record<string, bigint>> = { bytes: 1n, kbytes: 1024n, mbytes: 1024n * 1024n };
const SECONDS: Readonly<Record<string, bigint>> = { second: 1n, minute: 60n, hour: 3600n, day: 86_400n, week: 604_800n };

function bigintOf(value: unknown, path: string, fallback?: bigint): bigint {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value === 'bigint' && value >= 0n) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw new EncodeError(path, value === undefined ? 'is missing' : `a whole number is needed, not ${show(value)}`);
}

function unit(table: Readonly<Record<string, bigint>>, word: unknown, path: string, fallback: string): bigint {
  const name = word ?? fallback;
  const n = typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
  if (n === undefined) throw new EncodeError(path, `unknown unit ${show(name)}, one of ${Object.keys(table).join(', ')}`);
  return n;
}

const inverted = (value: Input): readonly string[] => (value['inv'] === true ? ['inv'] : []);
const isInverted = (e: AnyExpression): { inv?: true } =>
  (e['flags'] as readonly unknown[] | undefined)?.includes('inv') ? { inv: true } : {};
const plain = (n: unknown): unknown => (typeof n === 'bigint' && n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n);
/** The largest unit that leaves a whole number, as nft shows it. */
const scaled = (n: bigint): readonly [unknown, string] => {
  for (const name of ['mbytes', 'kbytes'] as const) {
    const size = UNITS[name] as bigint;
    if (n !== 0n && n % size === 0n) return [plain(n / size), name];
  }
  return [plain(n), 'bytes'];
};
const LIMIT_BURST = 5;

const statements: Readonly<Record<string, Statement>> = {
  counter: {
    expression: (v) => ({ type: 'counter', bytes: bigintOf(v['bytes'], 'bytes', 0n), packets: bigintOf(v['packets'], 'packets', 0n) }),
    shown: (e) => ({ packets: plain(e['packets']), bytes: plain(e['bytes']) }),
  },
  quota: {
    expression: (v) => ({
      type: 'quota',
      bytes: bigintOf(v['val'], 'val') * unit(UNITS, v['val_unit'], 'val_unit', 'bytes'),
      consumed: bigintOf(v['used'], 'used', 0n) * unit(UNITS, v['used_unit'], 'used_unit', 'bytes'),
      flags: inverted(v),
    }),
    shown: (e) => {
      const [val, val_unit] = scaled(e['bytes'] as bigint);
      const consumed = (e['consumed'] as bigint | undefined) ?? 0n;
      const [used, used_unit] = scaled(consumed);
      return { val, val_unit, ...(consumed === 0n ? {} : { used, used_unit }), ...isInverted(e) };
    },
  },
  limit: {
    expression: (v) => {
      const perBytes = v['rate_unit'] !== undefined && v['rate_unit'] !== 'packets';
      const burst = v['burst'] === undefined ? (perBytes ? 0n : BigInt(LIMIT_BURST)) : bigintOf(v['burst'], 'burst');
      const burstUnit =
        v['burst_unit'] === undefined || v['burst_unit'] === 'packets' ? 1n : unit(UNITS, v['burst_unit'], 'burst_unit', 'bytes');
      return {
        type: 'limit',
        rate: bigintOf(v['rate'], 'rate') * (perBytes ? unit(UNITS, v['rate_unit'], 'rate_unit', 'bytes') : 1n),
        unit: unit(SECONDS, v['per'], 'per', 'second'),
        burst: Number(burst * burstUnit),
        per: perBytes ? 'bytes' : 'packets',
        flags: inverted(v),
      };
    },
    shown: (e) => {
      const per = Object.entries(SECONDS).find(([, n]) => n === e['unit'])?.[0] ?? plain(e['unit']);
      if (e['per'] !== 'bytes') return { rate: plain(e['rate']), burst: e['burst'] ?? 0, per, ...isInverted(e) };
      const [rate, rate_unit] = scaled(e['rate'] as bigint);
      const burst = (e['burst'] as number | undefined) ?? 0;
      const [shownBurst, burst_unit] = scaled(BigInt(burst));
      return { rate, rate_unit, per, burst: shownBurst, burst_unit, ...isInverted(e) };
    },
  },
  'ct count': {
    expression: (v) => ({ type: 'connlimit', count: Number(bigintOf(v['val'], 'val')), flags: inverted(v) }),
    shown: (e) => ({ val: e['count'], ...isInverted(e) }),
  },
  last: {
    expression: (v) => (v['used'] === undefined ? { type: 'last' } : { type: 'last', set: 1, msecs: bigintOf(v['used'], 'used') }),
    shown: (e) => (e['set'] === 1 ? { used: plain(e['msecs']) } : null),
  },
};

const names: Readonly<Record<string, string>> = { counter: 'counter', quota: 'quota', limit: 'limit', connlimit: 'ct count', last: 'last' };
export const statementNames: readonly string[] = Object.keys(statements);

/** `stmt: [{ counter: null }, …]` as expressions. */
export function statementList(input: unknown, path: string): AnyExpression[] {
  if (!Array.isArray(input)) throw new EncodeError(path, `a list of statements is needed, not ${show(input)}`);
  return input.map((one: unknown, i) => {
    const entries = typeof one === 'object' && one !== null ? Object.entries(one) : typeof one === 'string' ? [[one, null] as const] : [];
    const [entry] = entries;
    if (entries.length !== 1 || entry === undefined || !Object.hasOwn(statements, entry[0])) {
      throw new EncodeError(`${path}[${i}]`, `one of the statements ${statementNames.join(', ')} is needed, not ${show(one)}`);
    }
    return statement(entry[0], entry[1], `${path}[${i}].${entry[0]}`);
  });
}

export function statement(name: string, value: unknown, path: string): AnyExpression {
  if (value !== null && value !== undefined && typeof value !== 'object')
    throw new EncodeError(path, `an object or null is needed, not ${show(value)}`);
  try {
    return (statements[name] as Statement).expression((value ?? {}) as Input);
  } catch (err) {
    throw err instanceof EncodeError ? err.within(path) : err;
  }
}

/** The properties of an element's statements: { counter: { packets, bytes } }; what has no name here is left out. */
export function elementStatements(expressions: readonly AnyExpression[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    expressions.flatMap((e) => {
      const name = names[e.type];
      return name === undefined ? [] : [[name, (statements[name] as Statement).shown(e)]];
    }),
  );
}

/** A set's `stmt`: nft shows its counter and last without numbers, they are each element's. */
export function setStatements(expressions: readonly AnyExpression[]): readonly unknown[] {
  return expressions.flatMap((e) => {
    const name = names[e.type];
    if (name === undefined) return [];
    return [{ [name]: name === 'counter' || name === 'last' ? null : (statements[name] as Statement).shown(e) }];
  });
}
