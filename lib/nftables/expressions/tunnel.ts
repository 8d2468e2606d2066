// tunnel: metadata of the tunnel a packet came from or goes to (enum nft_tunnel_attributes, nft_tunnel_keys, nft_tunnel_mode;
// nft_tunnel.c). netdev only.
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const tunnel = expression('tunnel', {
  /** path: 1 byte, whether there is a tunnel; id: 4 bytes in host order. */
  key: required(1, words(be32, { path: 0, id: 1 })),
  dreg: required(2, be32),
  /** Which side of the tunnel: any, received from it, sent to it. */
  mode: optional(3, words(be32, { none: 0, rx: 1, tx: 2 })),
});
