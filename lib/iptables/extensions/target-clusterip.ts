// -j CLUSTERIP (linux/netfilter_ipv4/ipt_CLUSTERIP.h, gone from newer kernels; libipt_CLUSTERIP.c).
import { flag, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { oneOf } from './one-of.ts';
import { unsigned } from './values.ts';

/** In the order of CLUSTERIP_HASHMODE_*. */
const modes = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport'] as const;
const CLUSTERIP_MAX_NODES = 16;
const CLUSTERIP_FLAG_NEW = 1;

/** A link-layer multicast address. */
const mac: Value<string> = {
  parse: ([word]) => formatMac(macBytes(word as string)),
  format: (text) => [text],
};

function macBytes(text: string): readonly number[] {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) throw new ValueError('Invalid MAC address specified.');
  const bytes = text.split(':').map((part) => Number.parseInt(part, 16));
  if (!isMulticast(bytes)) throw new ValueError('MAC has to be a multicast ethernet address');
  return bytes;
}
function isMulticast(bytes: readonly number[]): boolean {
  return ((bytes[0] ?? 0) & 1) !== 0;
}
function formatMac(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(':');
}

const nodes = unsigned(CLUSTERIP_MAX_NODES);
const options = {
  new: flag(),
  hashmode: option(oneOf('hashmode', modes)),
  clustermac: option(mac),
  'total-nodes': option(nodes),
  'local-node': option(nodes),
  'hash-init': option(unsigned(0xffffffff)),
};
type Options = OptionsOf<typeof options>;

const FLAGS = 0;
const MAC = 4;
const TOTAL_NODES = 10;
const NUMBER_OF_LOCAL_NODES = 12;
const LOCAL_NODES = 14;
const HASH_MODE = 48;
const HASH_INIT = 52;
const CONFIG = 56;

export const CLUSTERIP = target('CLUSTERIP', {
  family: 'ip',
  options,
  revisions: [
    {
      // struct ipt_clusterip_tgt_info: __u32 flags; __u8 clustermac[6]; __u16 num_total_nodes, num_local_nodes, local_nodes[16];
      // __u32 hash_mode, hash_initval; struct clusterip_config *config
      revision: 0,
      size: 64,
      kernelPrivate: [[CONFIG, 64]],
      write: (o, s) => {
        if (o.new === undefined) return;
        s.setU32(FLAGS, CLUSTERIP_FLAG_NEW);
        s.set(MAC, Uint8Array.from(macBytes(o.clustermac ?? '')));
        s.setU16(TOTAL_NODES, o.totalNodes ?? 0);
        s.setU16(NUMBER_OF_LOCAL_NODES, 1);
        s.setU16(LOCAL_NODES, o.localNode ?? 0);
        s.setU32(HASH_MODE, modes.indexOf(o.hashmode ?? 'sourceip'));
        s.setU32(HASH_INIT, o.hashInit ?? 0);
      },
      read: (s): Options => {
        const flags = s.u32(FLAGS);
        if (flags === 0) return {};
        const bytes = [...s.copy(MAC, 6)];
        const hashmode = modes[s.u32(HASH_MODE)];
        const totalNodes = s.u16(TOTAL_NODES);
        const localNode = s.u16(LOCAL_NODES);
        const told = s.u16(NUMBER_OF_LOCAL_NODES) === 1 && Math.max(totalNodes, localNode) <= CLUSTERIP_MAX_NODES && isMulticast(bytes);
        if (flags !== CLUSTERIP_FLAG_NEW || hashmode === undefined || !told) throw new ValueError('no options stand for such a cluster');
        return { new: true, hashmode, clustermac: formatMac(bytes), totalNodes, localNode, hashInit: s.u32(HASH_INIT) };
      },
      // Only the first rule of an address describes the cluster.
      canonical: (s) => {
        if (s.u32(FLAGS) === 0) s.bytes.fill(0, MAC, CONFIG);
      },
    },
  ],
  list: (o) => {
    if (o.new === undefined) return ' CLUSTERIP';
    const { hashmode, clustermac, totalNodes, localNode, hashInit } = o;
    return ` CLUSTERIP hashmode=${hashmode} clustermac=${clustermac} total_nodes=${totalNodes} local_node=${localNode} hash_init=${hashInit}`;
  },
  finish: (o) => {
    const described = [o.new, o.hashmode, o.clustermac, o.totalNodes, o.localNode].filter((value) => value !== undefined).length;
    if ((described !== 0 && described !== 5) || (described === 0 && o.hashInit !== undefined)) {
      throw new ValueError('--new goes with --hashmode, --clustermac, --total-nodes and --local-node, and they with it');
    }
    return described === 0 ? o : { ...o, hashInit: o.hashInit ?? 0 };
  },
});
