// -m cluster (linux/netfilter/xt_cluster.h, struct xt_cluster_match_info; libxt_cluster.c).
import { isNot, match, notOption, option, spelling, type Value, ValueError } from './codec.ts';
import { bare, mandatory, onlyBits, withNot } from './option-values.ts';
import { unsigned } from './values.ts';

/** XT_CLUSTER_NODES_MAX. */
const NODES = 32;
const hex8 = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;
const inHex = (of: Value<number>): Value<number> => ({ parse: of.parse, format: (n) => [hex8(n)] });

/** Bit 0 is node 1. 1.8.9 takes no mask above 32, though it saves them. */
const nodemask = inHex(unsigned(0xffffffff, 1));
const node: Value<number> = { parse: (words, c) => 2 ** (unsigned(NODES, 1).parse(words, c) - 1), format: nodemask.format };

/** Offsets: __u32 total_nodes, node_mask, hash_seed, flags. */
const MASK = 4;
const SEED = 8;
const FLAGS = 12;
const INVERT = 1 << 0;

export const cluster = match('cluster', {
  options: {
    'cluster-local-nodemask': notOption(nodemask),
    'cluster-local-node': spelling('cluster-local-nodemask', notOption(node)),
    'cluster-total-nodes': option(unsigned(NODES, 1)),
    'cluster-hash-seed': option(inHex(unsigned(0xffffffff))),
  },
  revisions: [
    {
      revision: 0,
      size: 16,
      write: (o, s) => {
        s.setU32(0, o.clusterTotalNodes ?? 0);
        s.setU32(MASK, bare(o.clusterLocalNodemask ?? 0));
        s.setU32(SEED, o.clusterHashSeed ?? 0);
        s.setU32(FLAGS, isNot(o.clusterLocalNodemask) ? INVERT : 0);
      },
      read: (s) => {
        const [nodes, mask] = [s.u32(0), s.u32(MASK)];
        if (nodes === 0 || nodes > NODES || mask === 0 || mask >= 2 ** nodes)
          throw new ValueError(`no options stand for nodes ${hex8(mask)} of ${nodes}`);
        return {
          clusterLocalNodemask: withNot(mask, onlyBits(s.u32(FLAGS), INVERT) !== 0),
          clusterTotalNodes: nodes,
          clusterHashSeed: s.u32(SEED),
        };
      },
    },
  ],
  finish: (o) => {
    if (o.clusterLocalNodemask === undefined) throw new ValueError("`--cluster-local-node' or `--cluster-local-nodemask' is missing");
    mandatory(o, 'clusterTotalNodes', 'clusterHashSeed');
    if (bare<number>(o.clusterLocalNodemask) >= 2 ** (o.clusterTotalNodes ?? 0))
      throw new ValueError("the local node, or a node of the mask, must be <= `--cluster-total-nodes'");
    return o;
  },
  list: (o) => {
    const mask = hex8(bare(o.clusterLocalNodemask ?? 0));
    const not = isNot(o.clusterLocalNodemask) ? '!' : '';
    return ` cluster ${not}node_mask=${mask} total_nodes=${o.clusterTotalNodes} hash_seed=${hex8(o.clusterHashSeed ?? 0)}`;
  },
});
