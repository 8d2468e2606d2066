// Sets that the real nft has made: read as nft's own JSON shows them, written again elsewhere byte for byte the same, and
// listed the same by nft.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NftFixture } from '../support/nft.ts';
import { rawSets } from '../support/raw-sets.ts';
import { comparable, listedSets, readSets } from '../support/set-models.ts';

const TYPED: Readonly<Record<string, string>> = {
  ipv4_addr: '1.2.3.4, 255.255.255.255, 0.0.0.0',
  ipv6_addr: '::1, ::ffff:1.2.3.4, 2001:db8::1, fe80::',
  ether_addr: 'aa:bb:cc:dd:ee:ff, 00:00:00:00:00:01',
  inet_proto: 'tcp, udp, icmp, 254, 0',
  inet_service: '22, 80, 65535',
  mark: '0, 0x10, 0xffffffff',
  ether_type: 'ip, 8021q, 0x1234',
  arp_op: 'request, nak, 99',
  icmp_type: 'echo-request, 200',
  icmpv6_type: 'nd-redirect, 200',
  icmp_code: 'net-unreachable, 99',
  icmpv6_code: 'no-route, 99',
  icmpx_code: 'port-unreachable, 99',
  tcp_flag: 'syn|ack, 0x0, cwr, 0xff',
  dccp_pkttype: 'ack, 12',
  mh_type: 'home-test, 99',
  time: '5s, 1d2h, 90m',
  iface_index: 'lo, 77',
  iface_type: 'ether, 0x999',
  realm: '0, 5',
  classid: '1:2',
  uid: '0, 1234567',
  gid: '0, 7',
  ct_state: 'invalid, new, untracked, 0x80',
  ct_dir: 'original, reply',
  ct_status: 'snat, 0x400, assured',
  pkt_type: 'host, broadcast, 6',
  devgroup: 'default, 5',
  dscp: 'cs0, 63, 0x3',
  ecn: '0, 1, 2, 3',
  fib_addrtype: 'local, unicast, 11',
  boolean: 'exists, missing',
  ifname: '"eth0", "a*b", "abcdefghijklmno"',
  igmp_type: 'membership-query, 99',
  nf_proto: 'ipv4, ipv6',
};

const BODIES: Readonly<Record<string, string>> = {
  comments: 'set s { type ipv4_addr; comment "hello"; elements = { 1.2.3.4 comment "one", 5.6.7.8 } }',
  'intervals with ranges and prefixes':
    'set s { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 192.168.0.1-192.168.0.9 comment "rng", 255.0.0.0/8 } }',
  'adjacent intervals': 'set s { type ipv4_addr; flags interval; elements = { 0.0.0.0/8, 1.0.0.0/8, 2.0.0.0/8 } }',
  everything:
    'set s { type ipv4_addr; flags interval; elements = { 0.0.0.0/0 } }\n set p { type inet_service; flags interval; elements = { 0-65535 } }',
  'the ends of the range': 'set s { type inet_service; flags interval; elements = { 0, 65535 } }',
  'ipv6 and ether ranges':
    'set s { type ipv6_addr; flags interval; elements = { fe80::/10, ::-::5 } }\n set e { type ether_addr; flags interval; elements = { aa:bb:cc:00:00:00-aa:bb:cc:ff:ff:ff } }',
  'ranges of host order': 'set s { type mark; flags interval; elements = { 5-10, 256, 1-2, 3-4, 0x1000/24 } }',
  'names with a star': 'set s { type ifname; flags interval; elements = { "eth*", "lo" } }',
  concatenation: 'set s { type ipv4_addr . inet_service . mark; elements = { 1.2.3.4 . 80 . 0x1 comment "x" } }',
  'concatenation of odd widths': 'set s { type ether_addr . inet_proto . inet_service; elements = { aa:bb:cc:dd:ee:ff . tcp . 80 } }',
  'concatenated intervals': 'set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 80-90, 10.0.0.1 . 9 } }',
  'concatenated intervals of host order':
    'set s { type mark . ipv4_addr; flags interval; elements = { 5-10 . 1.2.3.4, 300 . 10.0.0.0/8 } }\n set i { type ifname . mark; flags interval; elements = { "lo" . 5-10 } }\n set w { type ipv4_addr . ifname; flags interval; elements = { 1.2.3.4 . "eth*" } }',
  'four fields':
    'set s { type ipv6_addr . ether_addr . inet_service . mark; flags interval; elements = { fe80::/10 . aa:bb:cc:00:00:00-aa:bb:cc:ff:ff:ff . 1024-2047 . 0x100-0x1ff } }',
  timeouts:
    'set s { type ipv4_addr; flags timeout; timeout 10h; gc-interval 3s; size 100; elements = { 1.1.1.1, 1.1.1.2 timeout 1d2h3m4s5ms } }',
  'timeouts of intervals':
    'set s { type ipv4_addr; flags interval, timeout; timeout 1h; elements = { 1.2.3.4-1.2.3.9 timeout 5h expires 3h, 1.2.4.4 } }',
  'a set for the packet path': 'set s { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1m; }',
  'constant and memory':
    'set s { type ipv4_addr; policy memory; elements = { 1.1.1.1 } }\n set c { type inet_service; flags constant; elements = { 1, 2, 3 } }',
  'values of maps':
    'map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 0x10, * : 0x20 } }\n map n { type ipv4_addr : ifname; elements = { 1.1.1.1 : "eth0" } }',
  'maps of intervals': 'map m { type ipv4_addr : mark; flags interval; elements = { 1.0.0.0/8 : 1, 2.0.0.0/8 : 2, 255.255.255.255 : 3 } }',
  'maps to concatenations':
    'map m { type mark : ipv4_addr . inet_service; elements = { 1 : 1.2.3.4 . 8 } }\n map n { type ipv4_addr . inet_service : ipv4_addr . inet_service; flags interval; elements = { 1.1.1.1 . 5-9 : 2.2.2.2 . 8 } }\n map o { type ipv4_addr : mark . ipv4_addr; elements = { 1.1.1.1 : 5 . 1.1.1.1 } }',
  'maps to ranges':
    'map m { type ipv4_addr : interval ipv4_addr; elements = { 1.1.1.1 : 2.2.2.0/24 } }\n map n { type mark : interval ipv4_addr . inet_service; elements = { 1 : 1.2.3.4-1.2.3.6 . 8-10 } }\n map o { type ipv4_addr : interval mark . ipv4_addr; elements = { 1.1.1.1 : 5-7 . 1.1.1.0/24 } }',
  'verdict maps':
    'map m { type mark : verdict; elements = { 1 : accept, 2 : drop, 3 : continue, 5 : return, 6 : jump c, * : drop } }\n map n { type inet_service : verdict; flags interval; elements = { 80-90 : goto c, 100 : accept } }',
  'object maps': 'counter cnt { }\n map m { type ipv4_addr : counter; elements = { 1.2.3.4 : "cnt" } }\n map q { type ipv4_addr : quota; }',
  counters: 'set s { type mark; counter; elements = { 5 counter packets 3 bytes 4, 7 } }',
  'counters, comments and ranges in a verdict map':
    'map m { type ipv4_addr . inet_service : verdict; flags interval; counter; comment "mm"; elements = { 1.2.3.4-1.2.3.9 . 80 counter packets 1 bytes 2 comment "el" : goto c, 1.1.1.1 . 9 : return } }',
  'quotas and limits':
    'set s { type ipv4_addr; quota over 5 mbytes; elements = { 1.2.3.4 } }\n set l { type ipv4_addr; limit rate 5/minute burst 7 packets; flags dynamic; }\n set b { type ipv4_addr; limit rate over 10 kbytes/second; flags dynamic; }',
  'a timeout in a map': 'map m { type ipv4_addr : ipv4_addr; flags timeout; elements = { 1.1.1.1 timeout 1h : 2.2.2.2 } }',
  'the rest of an interval set': 'set s { type ipv4_addr; flags interval; elements = { *, 1.2.3.4 comment "x" } }',
};

const cases: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(TYPED).map(([type, elements]) => [`type ${type}`, `set s { type ${type}; elements = { ${elements} } }`]),
  ),
  ...BODIES,
};

for (const [name, body] of Object.entries(cases)) {
  test(name, async () => {
    await using from = await NftFixture.create();
    await using to = await NftFixture.create();
    from.must('nft', ['-f', '-'], { input: `table inet t {\n chain c { }\n ${body}\n}\n` });
    const sets = readSets(from.ns.path);
    assert.deepEqual(comparable(sets), comparable(listedSets(from.ns)));
    const tx = to.nft.transaction();
    tx.add({ table: { family: 'inet', name: 't' } });
    tx.add({ chain: { family: 'inet', table: 't', name: 'c' } });
    if (body.includes('counter cnt')) to.must('nft', ['-f', '-'], { input: 'table inet t {\ncounter cnt { }\n}\n' });
    for (const set of sets) tx.create(set);
    await tx.commit();
    assert.deepEqual(rawSets(to.ns.path), rawSets(from.ns.path));
    const withoutTimes = (text: string): string => text.replace(/ expires \S+/g, '').replaceAll(/\s+/g, ' ');
    if (!body.includes('counter cnt'))
      assert.equal(
        sortedListing(withoutTimes(to.must('nft', ['list', 'ruleset']))),
        sortedListing(withoutTimes(from.must('nft', ['list', 'ruleset']))),
      );
  });
}

/** Hashed sets come in an order of their own in each kernel object: the words of a listing, sorted. */
const sortedListing = (text: string): string => text.split(/[ ,]+/).sort().join(' ');

// Sets named by an expression: the sizes and byte orders of their integers stand in userdata. They are read; nft 1.0.6 has
// no name for their types to write them by.
const TYPEOF: Readonly<Record<string, string>> = {
  'vlan id': '5, 4095',
  'meta length': '5, 1500',
  'ct helper': '"ftp"',
  'ip dscp': 'cs1, 63',
  'ip saddr . vlan id . ip dscp': '1.2.3.4 . 5 . cs1',
  'ip saddr . tcp dport . meta mark': '1.2.3.4 . 80 . 0x7',
  'vlan id . meta mark': '5 . 7',
  'meta length . ip saddr': '70000 . 1.2.3.4',
  'meta random': '5',
  'ct bytes': '5, 100000000000',
  'ct zone . meta mark': '5 . 6',
  'ip6 flowlabel': '0x12345',
  'meta hour': '"17:00", "23:59:59"',
  'meta day': '"Sunday", "Friday"',
  'meta time': '"2024-06-01 10:00:00"',
  'ct expiration': '5s, 1m30s, 1d',
  '@ll,0,48': '0x1',
  'rt mtu': '1500',
  'ip protocol . th dport': 'tcp . 80',
  'meta iifkind': '"veth"',
  'tcp option maxseg size': '1400',
};
for (const [expression, elements] of Object.entries(TYPEOF)) {
  test(`typeof ${expression} is read`, async () => {
    await using f = await NftFixture.create();
    f.must('nft', ['-f', '-'], { input: `table inet t {\n set s { typeof ${expression}; elements = { ${elements} } }\n}\n` });
    assert.deepEqual(comparable(readSets(f.ns.path)), comparable(listedSets(f.ns)));
  });
}
