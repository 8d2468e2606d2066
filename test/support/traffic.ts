// Traffic of known packets and bytes inside a namespace: UDP datagrams by one shell, a packet each.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnv, type TestNamespace } from './namespace.ts';

export type IpFamily = 'ip' | 'ip6';

/** The discard port; nobody listens: what comes back is ICMP. */
export const PORT = 9;
export const LOOPBACK: Readonly<Record<IpFamily, string>> = { ip: '127.0.0.1', ip6: '::1' };
const IP_HEADER: Readonly<Record<IpFamily, number>> = { ip: 20, ip6: 40 };
const UDP_HEADER = 8;

/** What a counter says of `packets` datagrams of `payload` bytes: a rule counts from the IP header on. */
export function countOf(family: IpFamily, packets: number, payload: number): { readonly packets: bigint; readonly bytes: bigint } {
  return { packets: BigInt(packets), bytes: BigInt(packets * (IP_HEADER[family] + UDP_HEADER + payload)) };
}

/** One bash that stays: a thousand datagrams cost no more than their system calls. */
export class Sender implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting: (() => void)[] = [];
  #ended = false;

  constructor(ns: TestNamespace) {
    this.#child = spawn('nsenter', [`--net=${ns.path}`, '--', 'bash'], { stdio: ['pipe', 'pipe', 'pipe'], env: cleanEnv() });
    let text = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      const lines = (text + more).split('\n');
      text = lines.pop() ?? '';
      for (const _ of lines) this.#waiting.shift()?.();
    });
    // Refused: the ICMP answer to the datagram before.
    this.#child.stderr?.resume();
    this.#child.on('exit', () => {
      this.#ended = true;
    });
  }

  /** Done when all have been sent. `pauseMs` lies between two of them. */
  async send(address: string, packets: number, payload = 10, pauseMs = 0): Promise<void> {
    if (this.#ended) throw new Error('the sender has ended');
    // A shell writes nothing as no datagram.
    if (payload < 1) throw new Error('a payload is at least one byte');
    const sent = new Promise<void>((resolve) => void this.#waiting.push(resolve));
    const pause = pauseMs === 0 ? '' : `read -t ${pauseMs / 1000} <> <(:);`;
    this.#child.stdin?.write(
      `p=$(printf '%*s' ${payload} ''); for ((i = 0; i < ${packets}; i++)); do printf %s "$p" >/dev/udp/${address}/${PORT}; ${pause} done; echo sent\n`,
    );
    await sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

/** Addresses of the two ends of `joinByVeth`. */
export const VETH: Readonly<Record<IpFamily, readonly [string, string]>> = {
  ip: ['10.77.0.1', '10.77.0.2'],
  ip6: ['fd77::1', 'fd77::2'],
};

/** A veth pair between two namespaces, up, with addresses and neighbours that need no asking: only what a test sends passes. */
export async function joinByVeth(a: TestNamespace, b: TestNamespace): Promise<void> {
  const mac = ['02:00:00:00:77:01', '02:00:00:00:77:02'] as const;
  await a.must('ip', [
    'link',
    'add',
    'va',
    'address',
    mac[0],
    'type',
    'veth',
    'peer',
    'name',
    'vb',
    'address',
    mac[1],
    'netns',
    `${b.pid}`,
  ]);
  for (const [ns, dev, own, other] of [
    [a, 'va', 0, 1],
    [b, 'vb', 1, 0],
  ] as const) {
    await ns.must('ip', ['link', 'set', dev, 'up']);
    await ns.must('ip', ['addr', 'add', `${VETH.ip[own]}/24`, 'dev', dev]);
    await ns.must('ip', ['-6', 'addr', 'add', `${VETH.ip6[own]}/64`, 'dev', dev, 'nodad']);
    for (const family of ['ip', 'ip6'] as const)
      await ns.must('ip', ['neigh', 'replace', VETH[family][other], 'lladdr', mac[other], 'dev', dev, 'nud', 'permanent']);
  }
}
