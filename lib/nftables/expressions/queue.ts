// queue: hands the packet to a program (enum nft_queue_attributes, NFT_QUEUE_FLAG_*; nft_queue.c).
import { be16, be32, flags } from '../../wire/kinds.ts';
import { optional } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const queue = expression('queue', {
  /** The first queue, 0..65535. */
  num: optional(1, be16),
  /** Queues to spread over; absent is 1. num + total - 1 is at most 65535. */
  total: optional(2, be16),
  /** `bypass`: accept where no program listens. `fanout`: the queue follows the CPU. */
  flags: optional(3, flags(be16, { bypass: 1, fanout: 2 })),
  /** The register with the queue's number in host order, instead of `num`. */
  sregQnum: optional(4, be32),
});
