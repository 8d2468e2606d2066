// What the rulesets of test/fixtures/nft use: every object, statement and expression of nft(8), each with the file that has
// it. A word that no file uses any more, or a file that is gone, fails here. What can't be in the corpus stands at the end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nftFixture, nftFixtureCode, nftFixtures } from '../support/nft-fixtures.ts';

/** Section of nft(8), file, and words that stand there. `…` is anything on the same line, a blank any blanks. */
const uses: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'address families and tables': {
    'table-families': ['table ip', 'table ip6', 'table inet', 'table arp', 'table bridge', 'table netdev', 'comment'],
    'table-dormant': ['flags dormant'],
    'netdev-dormant': ['flags dormant'],
    'empty-tables': ['table ip a { }'],
  },
  chains: {
    'hooks-ip': ['hook prerouting', 'hook input', 'hook forward', 'hook output', 'hook postrouting'],
    'hooks-ip6': ['hook prerouting', 'hook input', 'hook forward', 'hook output', 'hook postrouting', 'type nat', 'type route'],
    'hooks-inet': ['hook ingress', 'hook prerouting', 'hook input', 'hook forward', 'hook output', 'hook postrouting', 'type filter'],
    'hooks-arp': ['hook input', 'hook output'],
    'hooks-bridge': [
      ...['hook prerouting', 'hook input', 'hook forward', 'hook output', 'hook postrouting'],
      ...['priority dstnat', 'priority filter', 'priority out', 'priority srcnat'],
    ],
    'hooks-netdev': ['hook ingress', 'hook egress', 'device'],
    'hooks-netdev-several-devices': ['hook ingress devices =', 'hook egress devices ='],
    'hooks-inet-ingress-devices': ['hook ingress devices ='],
    'priorities-by-name': [
      ...['priority raw', 'priority mangle', 'priority dstnat', 'priority filter', 'priority security', 'priority srcnat'],
    ],
    'priorities-relative': ['priority filter - 10', 'priority security + 3'],
    'priorities-extreme': ['priority -2147483648', 'priority 2147483647'],
    policies: ['policy drop', 'policy accept'],
    'chains-regular-comments': ['chain with { comment'],
    'chains-anonymous': ['jump {', 'goto {'],
  },
  rules: {
    'commands-instead-of-blocks': ['add rule', 'insert rule', 'add rule … index 1', 'add element', 'add counter'],
    'changed-and-deleted': ['delete element', 'delete chain', 'flush chain'],
    'rules-comments': ['comment word', 'comment "two words"'],
  },
  sets: {
    'set-types-addresses': ['type ipv4_addr', 'type ipv6_addr', 'type ether_addr'],
    'set-types-protocols': ['type inet_proto', 'type inet_service', 'type ether_type', 'type nf_proto'],
    'set-types-icmp': ['type icmp_type', 'type icmpv6_type', 'type icmp_code', 'type icmpv6_code', 'type icmpx_code', 'type igmp_type'],
    'set-types-meta': [
      ...['type mark', 'type ifname', 'type iface_index', 'type iface_type', 'type uid', 'type gid', 'type pkt_type', 'type realm'],
      ...['type devgroup', 'typeof meta day', 'typeof meta hour', 'type classid'],
    ],
    'set-types-ct': ['type ct_state', 'type ct_dir', 'type ct_status', 'typeof ct id', 'typeof ct zone', 'typeof ct bytes'],
    'set-types-headers': [...['type dscp', 'type ecn', 'type tcp_flag', 'type arp_op', 'type dccp_pkttype', 'type fib_addrtype']],
    'set-types-typeof': ['typeof ip saddr', 'typeof vlan id', 'typeof … . …', 'typeof osf name', 'typeof sctp chunk'],
    'set-constant': ['flags constant', 'flags constant, interval'],
    'set-interval-prefixes': ['flags interval'],
    'set-interval-automerge': ['auto-merge'],
    'set-timeout': ['flags timeout', 'timeout 1h', 'timeout 2d3h4m5s'],
    'set-timeout-expires': ['expires 9d'],
    'set-gc-interval': ['gc-interval 30s'],
    'set-size-policy': ['size 65535', 'policy performance', 'policy memory'],
    'set-comments': ['comment "a set"', 'comment "an element"', 'comment "a map"'],
    'set-concatenation-two': ['type ipv4_addr . inet_service'],
    'set-concatenation-interval': ['10.0.0.0/8 . 80-90'],
    'set-catchall': [', * }', '* : drop'],
    'set-counter': ['counter packets 3 bytes 300'],
    'set-quota': ['quota 500 mbytes'],
    'set-limit': ['limit rate 1/second', 'limit rate over 5/minute burst 7 packets'],
    'set-connlimit': ['ct count over 20'],
    'set-several-expressions': ['limit rate 10/second counter'],
    'set-anonymous': ['tcp dport {', 'ip saddr . tcp dport {'],
    'dynset-add': ['flags dynamic', 'add @seen'],
    'dynset-update': ['update @banned'],
    'dynset-delete': ['delete @open'],
    'dynset-map': ['add @marks { ip saddr : 0x7 }', 'update @portmap'],
    meters: ['meter ssh', 'meter http size 1000'],
  },
  maps: {
    'verdict-maps': ['inet_service : verdict', 'jump ssh', 'goto smtp', ': continue', ': return', ': accept', ': drop'],
    'verdict-maps-anonymous': ['vmap {'],
    'data-maps': [': mark', ': ipv4_addr', ': ipv6_addr', ': inet_service', ': classid', ': ether_addr', 'typeof tcp dport : ip dscp'],
    'data-maps-intervals': ['flags interval'],
    'data-maps-interval-data': [': interval ipv4_addr', ': interval ipv4_addr . inet_service'],
    'data-maps-anonymous': ['map {'],
    'data-maps-typeof': ['typeof ip saddr : meta mark', ': ct zone'],
    'object-maps': [': counter', ': quota', ': limit', ': synproxy'],
    'object-maps-ct': ['ct helper set tcp dport map'],
    'elements-with-everything': ['counter packets 1 bytes 2 timeout 10d expires 5d comment "all at once" : 0x7'],
  },
  'stateful objects': {
    'ct-helpers': ['ct helper ftp-standard', 'type "ftp" protocol tcp', 'l3proto inet', 'ct helper set'],
    'ct-timeouts': [
      ...['ct timeout t1', 'protocol tcp', 'protocol udp', 'close:', 'close_wait:', 'established:', 'fin_wait:', 'last_ack:', 'retrans:'],
      ...['syn_recv:', 'syn_sent:', 'time_wait:', 'unack:', 'replied:', 'unreplied:', 'ct timeout set'],
    ],
    'ct-timeouts-ip6-inet': ['l3proto ip6'],
    'ct-expectations': ['ct expectation e1', 'dport 9876', 'timeout 2m', 'size 8', 'ct expectation set'],
    'counters-named': ['counter some', 'packets 12 bytes 3456', 'counter name'],
    'quotas-named': ['quota a', 'over 25 mbytes', 'used 17 bytes', 'until 5 mbytes', 'quota name'],
    'limits-named': ['limit a', 'rate over 5/hour', 'rate 1024 bytes/second', 'limit name'],
    'synproxies-named': ['synproxy https', 'mss 1460', 'wscale 9', 'timestamp sack-perm', 'synproxy name'],
  },
  'data types': {
    icmp: [
      ...['echo-reply', 'destination-unreachable', 'source-quench', 'redirect', 'echo-request', 'router-advertisement'],
      ...['router-solicitation', 'time-exceeded', 'parameter-problem', 'timestamp-request', 'timestamp-reply', 'info-request'],
      ...['info-reply', 'address-mask-request', 'address-mask-reply', 'net-unreachable', 'host-unreachable', 'prot-unreachable'],
      ...['port-unreachable', 'frag-needed', 'net-prohibited', 'host-prohibited', 'admin-prohibited'],
    ],
    icmpv6: [
      ...['destination-unreachable', 'packet-too-big', 'time-exceeded', 'parameter-problem', 'echo-request', 'echo-reply'],
      ...['mld-listener-query', 'mld-listener-report', 'mld-listener-done', 'mld-listener-reduction', 'nd-router-solicit'],
      ...['nd-router-advert', 'nd-neighbor-solicit', 'nd-neighbor-advert', 'nd-redirect', 'router-renumbering'],
      ...['ind-neighbor-solicit', 'ind-neighbor-advert', 'mld2-listener-report', 'no-route', 'admin-prohibited', 'addr-unreachable'],
      ...['port-unreachable', 'policy-fail', 'reject-route'],
    ],
    'ct-state-status': [
      ...['invalid', 'established', 'related', 'new', 'untracked', 'original', 'reply', 'expected', 'seen-reply', 'assured', 'confirmed'],
      ...['snat', 'dnat', 'dying'],
    ],
    dccp: ['request', 'response', 'data', 'ack', 'dataack', 'closereq', 'close', 'reset', 'sync', 'syncack', 'type 10-15'],
    'services-by-name': ['ssh', 'https'],
    defines: ['define lan', '$lan'],
  },
  'meta expressions': {
    'meta-packet': [
      ...['meta length', 'meta nfproto', 'meta l4proto', 'meta protocol', 'meta priority', 'meta pkttype', 'meta rtclassid', 'meta ipsec'],
    ],
    'meta-mark': ['meta mark'],
    'meta-interfaces': [
      ...['iif', 'oif', 'iifname', 'oifname', 'iiftype', 'oiftype', 'iifgroup', 'oifgroup', 'meta iifkind', 'meta oifkind', 'meta sdif'],
      ...['meta sdifname', 'iifname "ppp*"'],
    ],
    'meta-sockets': ['meta skuid', 'meta skgid', 'meta cgroup'],
    'meta-time': ['meta time', 'meta day', 'meta hour'],
    'meta-cpu-random': ['meta cpu', 'meta random'],
    'secmark-keys': ['meta secmark', 'ct secmark'],
  },
  'other primary expressions': {
    socket: ['socket transparent', 'socket mark', 'socket wildcard', 'socket cgroupv2 level 1'],
    osf: ['osf name', 'osf ttl loose', 'osf ttl skip', 'osf version'],
    fib: [
      ...['fib saddr', 'fib daddr', '. mark', '. iif', '. oif', 'oif exists', 'oif missing', 'oifname', 'type local', 'blackhole'],
      ...['unicast', 'broadcast', 'multicast', 'anycast', 'prohibit', 'unreachable'],
    ],
    rt: ['rt classid', 'rt nexthop', 'rt ip nexthop', 'rt ip6 nexthop', 'rt mtu', 'rt ipsec exists'],
    ipsec: [
      'ipsec in reqid',
      'ipsec out spi',
      'spnum 2',
      'ipsec in ip saddr',
      'ipsec in ip daddr',
      'ipsec out ip6 saddr',
      'ipsec out ip6 daddr',
    ],
    numgen: ['numgen inc mod', 'numgen random mod', 'offset 100'],
    jhash: ['jhash ip saddr mod 2', 'seed 0xdeadbeef', 'offset 100', 'jhash ether saddr'],
    symhash: ['symhash mod 2', 'offset 100'],
  },
  'payload expressions': {
    ether: ['ether saddr', 'ether daddr', 'ether type'],
    vlan: ['vlan id', 'vlan dei', 'vlan pcp', 'vlan type', 'ether type 8021ad vlan id'],
    arp: [
      ...['arp htype', 'arp ptype', 'arp hlen', 'arp plen', 'arp operation', 'arp saddr ip', 'arp daddr ip', 'arp saddr ether'],
      ...['arp daddr ether', 'request', 'reply', 'rrequest', 'rreply', 'inrequest', 'inreply', 'nak'],
    ],
    'ip-header': [
      ...['ip version', 'ip hdrlength', 'ip dscp', 'ip ecn', 'ip length', 'ip id', 'ip frag-off', 'ip ttl', 'ip protocol', 'ip checksum'],
      ...['ip saddr', 'ip daddr'],
    ],
    icmp: ['icmp type', 'icmp code', 'icmp checksum', 'icmp id', 'icmp sequence', 'icmp gateway', 'icmp mtu'],
    igmp: ['igmp type', 'igmp mrt', 'igmp checksum', 'igmp group'],
    'ip6-header': [
      ...['ip6 version', 'ip6 dscp', 'ip6 ecn', 'ip6 flowlabel', 'ip6 length', 'ip6 nexthdr', 'ip6 hoplimit', 'ip6 saddr', 'ip6 daddr'],
    ],
    icmpv6: ['icmpv6 type', 'icmpv6 code', 'icmpv6 checksum', 'icmpv6 mtu', 'icmpv6 id', 'icmpv6 sequence', 'icmpv6 max-delay'],
    'tcp-header': [
      ...['tcp sport', 'tcp dport', 'tcp sequence', 'tcp ackseq', 'tcp doff', 'tcp reserved', 'tcp window', 'tcp checksum', 'tcp urgptr'],
    ],
    'tcp-flags': ['tcp flags syn', 'tcp flags & (fin | syn)', 'syn / syn,ack', 'tcp flags ! fin,rst', 'psh', 'urg', 'ecn,cwr'],
    udp: ['udp sport', 'udp dport', 'udp length', 'udp checksum'],
    udplite: ['udplite sport', 'udplite dport', 'udplite checksum', 'udplite csumcov'],
    sctp: ['sctp sport', 'sctp dport', 'sctp vtag', 'sctp checksum'],
    'sctp-chunks': [
      ...['data', 'init', 'init-ack', 'sack', 'heartbeat', 'heartbeat-ack', 'abort', 'shutdown', 'shutdown-ack', 'error', 'cookie-echo'],
      ...['cookie-ack', 'ecne', 'cwr', 'shutdown-complete', 'asconf-ack', 'forward-tsn', 'asconf'],
    ].map((chunk) => `sctp chunk ${chunk}`),
    dccp: ['dccp sport', 'dccp dport', 'dccp type'],
    ah: ['ah nexthdr', 'ah hdrlength', 'ah reserved', 'ah spi', 'ah sequence'],
    esp: ['esp spi', 'esp sequence'],
    comp: ['comp nexthdr', 'comp flags', 'comp cpi'],
    th: ['th sport', 'th dport'],
    'raw-payload': ['@ll,', '@nh,', '@th,', '@ih,'],
  },
  'sctp chunk fields': {
    'sctp-chunks': [
      ...['data type', 'data flags', 'data length', 'data tsn', 'data stream', 'data ssn', 'data ppid'],
      ...['init', 'init-ack'].flatMap((chunk) =>
        ['init-tag', 'a-rwnd', 'num-outbound-streams', 'num-inbound-streams', 'initial-tsn'].map((field) => `${chunk} ${field}`),
      ),
      ...['sack cum-tsn-ack', 'sack a-rwnd', 'sack num-gap-ack-blocks', 'sack num-dup-tsns', 'shutdown cum-tsn-ack', 'ecne lowest-tsn'],
      ...['cwr lowest-tsn', 'asconf-ack seqno', 'forward-tsn new-cum-tsn', 'asconf seqno'],
    ],
  },
  'extension headers': {
    'ip6-extension-headers': [
      ...['exthdr hbh', 'exthdr frag missing', 'exthdr rt', 'exthdr dst', 'exthdr mh', 'hbh nexthdr', 'hbh hdrlength', 'frag nexthdr'],
      ...['frag frag-off', 'frag more-fragments', 'frag id', 'frag reserved', 'frag reserved2', 'rt nexthdr', 'rt hdrlength', 'rt type'],
      ...['rt seg-left', 'dst nexthdr', 'dst hdrlength', 'mh nexthdr', 'mh hdrlength', 'mh checksum', 'mh type', 'mh reserved'],
      ...['srh flags', 'srh tag', 'srh sid[1]', 'srh last-entry', 'rt0 addr[1]'],
    ],
    'tcp-options': [
      ...['eol exists', 'nop exists', 'maxseg exists', 'maxseg length', 'maxseg size', 'window length', 'window count', 'sack-perm exists'],
      ...['sack-perm length', 'sack length', 'sack left', 'sack right', 'sack0 left', 'sack1 left', 'sack2 right', 'sack3 left'],
      ...['timestamp length', 'timestamp tsval', 'timestamp tsecr', 'fastopen exists', 'md5sig exists', 'mptcp subtype', '19 missing'],
      ...['@255,8,16'],
    ].map((option) => `tcp option ${option}`),
    'ip-options': [
      ...['lsrr exists', 'ssrr exists', 'rr missing', 'ra exists', 'lsrr type', 'lsrr length', 'lsrr ptr', 'lsrr addr', 'ra value'],
      ...['ra type', 'ra length', 'rr ptr', 'rr addr', 'ssrr addr', 'ssrr length'],
    ].map((option) => `ip option ${option}`),
  },
  'conntrack expressions': {
    'ct-state-status': ['ct state', 'ct direction', 'ct status', 'ct status ! dnat'],
    'ct-values': ['ct mark', 'ct expiration', 'ct helper', 'ct label', 'ct id', 'ct count', 'ct count over', 'ct l3proto'],
    'ct-directions': [
      ...['ct original saddr', 'ct reply ip daddr', 'ct original ip saddr', 'ct original proto-src', 'ct reply proto-src'],
      ...['ct original proto-dst', 'ct reply proto-dst', 'ct original protocol', 'ct original l3proto', 'ct original bytes', 'ct bytes'],
      ...['ct original packets', 'ct packets', 'ct original avgpkt', 'ct avgpkt', 'ct zone', 'ct original zone', 'ct reply zone'],
    ],
    'ct-directions-ip6': ['ct original ip6 saddr', 'ct reply ip6 daddr', 'ct original saddr'],
  },
  operators: {
    bitwise: ['<< 8', '>> 4', '& 0xf0', '| 0x1', '^ 0xffffffff'],
    comparisons: ['==', '!=', '<', '<=', '>', '>=', 'lt', 'ge', 'gt', 'le', 'ne', 'eq'].map((op) => `${op} …`),
    ranges: ['1-10', '!= 1-10'],
    prefixes: ['10.0.0.0/8', '2001:db8:8000::/33'],
    'meta-mark': ['and 0x03', 'xor 0x3'],
    'concatenation-matches': ['ip saddr . ip daddr'],
  },
  'verdicts and changes': {
    verdicts: ['accept', 'drop', 'continue', 'return', 'jump sub', 'goto sub'],
    'payload-write-ip': [
      ...['ip dscp set', 'ip ttl set', 'ip saddr set', 'tcp dport set', 'tcp flags set', 'udp checksum set', 'icmp type set'],
      ...['ip daddr set ip saddr map'],
    ],
    'payload-write-ip6': ['ip6 flowlabel set', 'ip6 hoplimit set', 'ip6 saddr set'],
    'payload-write-link': ['ether daddr set', 'vlan pcp set', 'arp operation set'],
    'raw-payload-write': ['@nh,8,8 set', '@th,16,16 set'],
    'tcp-options-write': ['tcp option maxseg size set 1360', 'tcp option maxseg size set rt mtu', 'reset tcp option sack-perm'],
    'meta-set': ['meta mark set', 'meta priority set', 'meta pkttype set', 'meta nftrace set'],
    'ct-set': ['ct mark set', 'ct event set', 'ct label set', 'ct zone set', 'ct original zone set', 'ct reply zone set'],
    notrack: ['notrack'],
  },
  statements: {
    'log-options': [
      ...['log prefix', 'level emerg', 'level alert', 'level crit', 'level err', 'level warn', 'level notice', 'level info', 'level debug'],
      ...['flags all', 'flags tcp sequence', 'flags tcp options', 'flags ip options', 'flags skuid', 'flags ether'],
    ],
    'log-group': ['log group', 'snaplen', 'queue-threshold', 'log level audit'],
    'reject-ip': ['reject with icmp net-unreachable', 'reject with tcp reset', 'reject with icmp type host-unreachable'],
    'reject-ip6': ['reject with icmpv6 no-route', 'reject with icmpv6 policy-fail'],
    'reject-inet': ['no-route', 'port-unreachable', 'host-unreachable', 'admin-prohibited'].map((code) => `reject with icmpx ${code}`),
    'reject-netdev': ['reject with icmp', 'reject with icmpv6', 'reject with icmpx'],
    counters: ['counter packets 12 bytes 3456'],
    connlimit: ['ct count over 20'],
    limits: [
      'rate 10/second',
      'rate over 400/minute',
      'rate 20/hour',
      'rate 1/day',
      'rate 4/week',
      'rate 10 kbytes/second',
      'burst 4 mbytes',
    ],
    quotas: ['quota 25 mbytes', 'quota until 10 kbytes', 'quota over 500 bytes', 'used 12 kbytes'],
    snat: ['snat to 192.0.2.1-192.0.2.9', 'random', 'fully-random', 'persistent', 'snat to ip saddr map'],
    dnat: ['dnat to 192.0.2.1:8080', 'dnat to :5353', 'dnat to tcp dport map', 'dnat ip to tcp dport map'],
    'nat-ip6': ['dnat to [2001:db8::1]:8080'],
    'nat-inet': ['dnat ip to', 'dnat ip6 to', 'snat ip to', 'snat ip6 to'],
    'nat-prefix': ['dnat ip prefix to', 'snat ip prefix to', 'snat ip6 prefix to'],
    masquerade: ['masquerade', 'masquerade to :1024-65535', 'masquerade random', 'masquerade fully-random', 'masquerade persistent'],
    redirect: ['redirect', 'redirect to :3128', 'redirect to :5353-5360', 'redirect to :tcp dport map'],
    'tproxy-ip': ['tproxy to 192.0.2.1', 'tproxy to :2222', 'tproxy to 127.0.0.1:50080'],
    'tproxy-inet': ['tproxy ip to', 'tproxy ip6 to'],
    synproxy: ['synproxy mss 1460 wscale 9 timestamp sack-perm'],
    dup: ['dup to 192.0.2.1', 'device "dummy0"', 'dup to ip saddr map', 'dup to "dummy1"'],
    fwd: ['fwd to "dummy1"', 'fwd to meta mark map', 'fwd ip to 192.0.2.2 device', 'fwd ip6 to'],
    'dynset-statements': ['{ ip saddr counter }', '{ ip saddr limit rate over', '{ ip saddr quota over', '{ ip saddr ct count over 10 }'],
    'data-maps-anonymous': ['meta mark set tcp dport map'],
    'verdict-maps-anonymous': ['ct state vmap'],
  },
};

/**
 * What is not in the corpus, and why: nft 1.0.6 or the kernel the corpus was written on, a 6.18 without some of its options.
 * What no word of its own shows: on a bridge there is no `ct` (CONFIG_NF_CONNTRACK_BRIDGE) and no `reject`
 * (CONFIG_NFT_BRIDGE_REJECT); an element can't be given a quota of its own in the text; `ah nexthdr tcp` and `comp nexthdr esp`
 * end nft with a failed assertion where `!=` doesn't; anonymous chains don't nest.
 */
const impossible: Readonly<Record<string, string>> = {
  'flags owner': 'a table of an owner goes with the process that made it, and nft ends',
  'destroy table': 'nft 1.0.6 has no such verb',
  last: 'not in the grammar of nft 1.0.6, which lists it as unknown',
  tunnel: 'not in the grammar of nft 1.0.6, which aborts when it lists a tunnel',
  'secmark … {': 'the kernel refuses the object without SELinux: ENOENT',
  'meta secmark set 1': 'as the object',
  'meta nftrace 1': 'the kernel sets it and does not match it',
  'tcp option window count set': 'the kernel writes fields of 2 and 4 bytes only',
  'tcp option 254': 'nft 1.0.6 ends with a segmentation fault',
  flowtable: 'the kernel has no CONFIG_NFT_FLOW_OFFLOAD',
  'flow add': 'as flowtable',
  queue: 'the kernel has no CONFIG_NFT_QUEUE',
  'meta ibrname': 'the kernel has no CONFIG_NFT_BRIDGE_META',
  'meta obrname': 'the kernel has no CONFIG_NFT_BRIDGE_META',
  'meta ibrpvid': 'the kernel has no CONFIG_NFT_BRIDGE_META',
  'meta ibrvproto': 'the kernel has no CONFIG_NFT_BRIDGE_META',
  'dccp option': 'not in the grammar of nft 1.0.6, and the kernel has no CONFIG_NFT_EXTHDR_DCCP',
  'xt match': 'nft lists what iptables-nft wrote and takes none of it',
  'exthdr srh': 'not in the grammar of nft 1.0.6',
  'srh seg-left': 'not in the grammar of nft 1.0.6, whatever its manual says',
  'srh sid[0]': 'nft 1.0.6 parses only later segments as addresses',
  'rt2 addr': 'nft 1.0.6 has no type for it',
  'icmpv6 parameter-problem': 'not in the grammar of nft 1.0.6',
  'icmpv6 packet-too-big': 'not in the grammar of nft 1.0.6 as a field',
  'typeof ct label': 'nft 1.0.6 makes such a set and cannot list it',
  'typeof ct event': 'nft 1.0.6 makes such a set and cannot list it',
  'frag id set': 'extension headers of IPv6 are not writable in the grammar of nft 1.0.6',
  'fib … type nat': 'no longer a word of nft 1.0.6',
};

/** The words as a pattern: blanks stretch, `…` is anything on the line, and words don't begin or end inside others. */
function pattern(words: string): RegExp {
  const escaped = words
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/ +/g, '\\s+'))
    .join('[^\\n]*');
  return new RegExp(`${/^\w/.test(words) ? '(?<![\\w-])' : ''}${escaped}${/\w$/.test(words) ? '(?![\\w-])' : ''}`);
}

describe('the corpus of nft rulesets', () => {
  for (const [section, files] of Object.entries(uses)) {
    it(`uses all of: ${section}`, () => {
      const missing = Object.entries(files).flatMap(([file, words]) => {
        if (!nftFixtures.includes(file)) return [`${file}: no such file`];
        const code = nftFixtureCode(file);
        return words.filter((w) => !pattern(w).test(code)).map((w) => `${file}: ${w}`);
      });
      assert.deepEqual(missing, []);
    });
  }

  it('does not use what is said to be impossible', () => {
    const used = Object.keys(impossible).flatMap((words) =>
      nftFixtures
        .filter((file) => pattern(words).test(nftFixtureCode(file).replace(/"[^"\n]*"/g, '""')))
        .map((file) => `${file}: ${words}`),
    );
    assert.deepEqual(used, []);
  });

  it('has at least 170 rulesets, each with a comment that says what it shows', () => {
    assert.ok(nftFixtures.length >= 170, `${nftFixtures.length}`);
    assert.deepEqual(
      nftFixtures.filter((file) => !/^(# devices: .*\n)?# [A-Z]/.test(nftFixture(file))),
      [],
    );
  });
});
