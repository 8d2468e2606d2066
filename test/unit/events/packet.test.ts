// Headers of traced packets: every protocol that is decoded, and what is too short or unknown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePacket } from '../../../lib/nftables/events/packet.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const ETHERNET = 1;

test('Ethernet with a VLAN tag, IPv4 with flags, TCP', () => {
  const packet = decodePacket({
    iif: 3,
    iiftype: ETHERNET,
    link: hex('0201 0304 0506 0a0b 0c0d 0e0f 8100 6064 0800'),
    network: hex('4528 003c 1c46 4000 4006 b1e6 ac10 0a63 ac10 0a0c'),
    transport: hex('8235 0050 0000 0001 0000 0002 a012 7210 abcd 0000'),
  });
  assert.deepEqual(packet, {
    iif: 3,
    iiftype: ETHERNET,
    link: { daddr: '02:01:03:04:05:06', saddr: '0a:0b:0c:0d:0e:0f', type: 0x0800, vlan: { id: 100, pcp: 3 } },
    network: {
      protocol: 'ip',
      saddr: '172.16.10.99',
      daddr: '172.16.10.12',
      dscp: 10,
      ecn: 0,
      length: 60,
      id: 0x1c46,
      flags: ['df'],
      offset: 0,
      ttl: 64,
      next: 'tcp',
      checksum: 0xb1e6,
    },
    transport: {
      protocol: 'tcp',
      sport: 33333,
      dport: 80,
      sequence: 1,
      ackseq: 2,
      doff: 40,
      flags: ['syn', 'ack'],
      window: 29200,
      checksum: 0xabcd,
      urgptr: 0,
    },
  });
});

test('IPv6 with ICMPv6, and a later fragment', () => {
  const { network, transport } = decodePacket({
    network: hex('6b80 1234 0010 3aff fe80 0000 0000 0000 0000 0000 0000 0001 ff02 0000 0000 0000 0000 0000 0000 0001'),
    transport: hex('8000 1234 0042 0007'),
  });
  assert.deepEqual(network, {
    protocol: 'ip6',
    saddr: 'fe80::1',
    daddr: 'ff02::1',
    dscp: 46,
    ecn: 0,
    flowlabel: 0x01234,
    length: 16,
    hoplimit: 255,
    next: 'icmpv6',
  });
  assert.deepEqual(transport, { protocol: 'icmpv6', type: 128, code: 0, checksum: 0x1234, id: 0x42, sequence: 7 });
  const fragment = decodePacket({ network: hex('4500 0054 0001 20b9 4011 0000 0a00 0001 0a00 0002') }).network;
  assert.deepEqual((fragment as { flags: unknown; offset: unknown }).flags, ['mf']);
  assert.equal((fragment as { offset: unknown }).offset, 0xb9 * 8);
});

test('ARP', () => {
  const { network } = decodePacket({
    iiftype: ETHERNET,
    link: hex('ffff ffff ffff 0a0b 0c0d 0e0f 0806'),
    network: hex('0001 0800 0604 0001 0a0b 0c0d 0e0f 0a00 0001 0000 0000 0000 0a00 0002'),
  });
  assert.deepEqual(network, {
    protocol: 'arp',
    operation: 1,
    sether: '0a:0b:0c:0d:0e:0f',
    saddr: '10.0.0.1',
    dether: '00:00:00:00:00:00',
    daddr: '10.0.0.2',
  });
});

test('what is too short, or of a device or protocol nobody knows, stays its bytes', () => {
  const link = hex('0102 0304');
  const network = hex('4500 0054');
  const transport = hex('0102');
  assert.deepEqual(decodePacket({ link, network, transport, iiftype: ETHERNET }), { link, network, transport, iiftype: ETHERNET });
  const long = hex('0201 0304 0506 0a0b 0c0d 0e0f 0800');
  assert.deepEqual(decodePacket({ link: long, iiftype: 65534 }).link, long);
  const esp = hex('4500 0054 0001 0000 4032 0000 0a00 0001 0a00 0002');
  const packet = decodePacket({ network: esp, transport: hex('0000 0001 0000 0002') });
  assert.equal((packet.network as { next: unknown }).next, 50);
  assert.ok(packet.transport instanceof Uint8Array);
});

test('any bytes of any length are decoded or kept', () => {
  for (let length = 0; length <= 44; length++) {
    for (const first of [0x00, 0x45, 0x60, 0xff]) {
      const bytes = new Uint8Array(length).fill(first);
      for (const next of [1, 6, 17, 58]) {
        if (length > 9) bytes[9] = next;
        if (length > 6) bytes[6] = next;
        const packet = decodePacket({ link: bytes, network: bytes, transport: bytes, iiftype: ETHERNET, iif: 1 });
        assert.ok(packet.link !== undefined && packet.network !== undefined && packet.transport !== undefined);
      }
    }
  }
});
