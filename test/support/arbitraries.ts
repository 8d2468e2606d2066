// What cases of the wire are made of: edges and random values of each width, kernel names, verdicts.
import fc from 'fast-check';
import { decodeText } from '../../lib/wire/text.ts';

export const U32_MAX = 0xffffffff;
export const U64_MAX = 0xffffffffffffffffn;

export const u8 = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 0xff }));
export const u16 = fc.oneof(fc.constantFrom(0, 1, 0x7fff, 0x8000, 0xffff), fc.integer({ min: 0, max: 0xffff }));
export const u32 = fc.oneof(fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, U32_MAX), fc.integer({ min: 0, max: U32_MAX }));
export const i32 = fc.oneof(fc.constantFrom(0, -1, 0x7fffffff, -0x80000000), fc.integer({ min: -0x80000000, max: 0x7fffffff }));
export const u64 = fc.oneof(
  fc.constantFrom(0n, 1n, 0x7fffffffffffffffn, 0x8000000000000000n, U64_MAX),
  fc.bigInt({ min: 0n, max: U64_MAX }),
);
export const bytes = (min: number, max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: min, maxLength: max });
/** Any bytes but NUL, as a kernel name may hold: some of these are UTF-8, most are not. */
export const text = (max: number, min = 1): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.uint8Array({ min: 0x21, max: 0x7e, minLength: min, maxLength: max }),
      fc.uint8Array({ min: 1, max: 0xff, minLength: min, maxLength: max }),
    )
    .map((name) => decodeText(name, 0, name.length));
export const value = bytes(1, 64);
export const of = (length: number, fill = 0xa5): Uint8Array => new Uint8Array(length).fill(fill);

export const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(fields, { noNullPrototype: true });
export const verdict = fc.oneof(
  fc.constantFrom('accept', 'drop', 'queue', 'continue', 'break', 'return').map((v) => ({ verdict: v })),
  record({ verdict: fc.constantFrom('jump', 'goto'), chain: text(255) }),
);

/** What a case is made from. */
export interface Given<T> {
  readonly example: T;
  readonly picked?: readonly T[];
  /** An arbitrary for each property that takes no words. */
  readonly fields: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  /** Properties that are always there. */
  readonly required?: readonly string[];
}
