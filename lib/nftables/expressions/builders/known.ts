// The types that builders give, by the expression's name; and the registers they use when none is named.
import type { KnownExpressions } from '../index.ts';

export type Known<N extends KnownExpressions['type']> = Extract<KnownExpressions, { type: N }>;
/** The other properties of an expression. */
export type Options<N extends KnownExpressions['type'], K extends PropertyKey> = Omit<Known<N>, 'type' | K>;
/** Where a load puts its value: a register, NFT_REG_1 unless told otherwise. */
export interface To {
  readonly dreg?: number;
}

export const NFT_REG_VERDICT = 0;
export const NFT_REG_1 = 1;
