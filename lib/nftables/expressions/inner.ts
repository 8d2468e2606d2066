// inner: runs an expression on the packet inside a tunnel (enum nft_inner_attributes, nft_inner_type, nft_inner_flags;
// nft_inner.c, since Linux 6.2). Only payload and meta can look inside; any other name there is kept as `unknown`.
import { be32, flags, type Kind, words } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { ExpressionTables, expression, type KnownOf, type UnknownExpression } from './expression.ts';
import { meta } from './meta.ts';
import { payload } from './payload.ts';

const tables = [meta, payload] as const;
export type InnerExpression = KnownOf<typeof tables> | UnknownExpression;

export const inner = expression('inner', {
  /** Which of nested tunnels; the kernel knows 0, the outermost. */
  num: required(1, be32),
  /** NFTA_INNER_TYPE. 0 for GRE, whose header has no number here. */
  kind: required(2, words(be32, { vxlan: 1, geneve: 2 })),
  /** `hdrsize`: the tunnel's header has the size given. `ll`, `nh`, `th`: what is parsed behind it. */
  flags: required(3, flags(be32, { hdrsize: 1, ll: 2, nh: 4, th: 8 })),
  /** Bytes of the tunnel's header, 1 to 64 with the flag `hdrsize`. */
  hdrsize: required(4, be32),
  expr: required(5, new ExpressionTables(tables).element as Kind<InnerExpression>),
});
