// socket: the local socket the packet is for (enum nft_socket_attributes, nft_socket_keys; nft_socket.c).
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const socket = expression('socket', {
  /** transparent, wildcard: 1 byte, 0 or 1; mark: 4 bytes in host order; cgroupv2: an 8-byte inode number in host order. */
  key: required(1, words(be32, { transparent: 0, mark: 1, wildcard: 2, cgroupv2: 3 })),
  dreg: required(2, be32),
  /** cgroupv2 only: which ancestor, 0 to 255. */
  level: optional(3, be32),
});
