// Rules as the kernel dumps them, byte for byte, with what differs between two equal rulesets set to zero: handles,
// positions (they are handles) and, when asked, counters.
import { Connection } from '../../lib/connection.ts';
import { dumpRules } from '../../lib/nftables/read.ts';
import { runSync } from '../../lib/run.ts';
import { align4, attributeLength, attributeType, readMessage } from '../../lib/wire/attributes.ts';

const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_RULE_POSITION = 6;
const AF_UNSPEC = 0;

export interface RawRule {
  readonly family: number;
  /** Hex of the message's attributes. */
  readonly attributes: string;
}

/** Every rule of a namespace. */
export function rawRules(netns: string, o: { readonly counters: boolean }): RawRule[] {
  const connection = runSync(Connection.open(netns));
  try {
    const reply = runSync(dumpRules(connection, { family: AF_UNSPEC }));
    const bytes = new Uint8Array(reply.data);
    return Array.from(reply.index, (at) => {
      const message = readMessage(bytes, at);
      const attributes = bytes.slice(message.start, message.end);
      mask(attributes, o.counters);
      return { family: message.family, attributes: Buffer.from(attributes).toString('hex') };
    });
  } finally {
    connection.closeSync();
  }
}

function* attributes(bytes: Uint8Array, start: number, end: number): Generator<{ type: number; start: number; end: number }> {
  for (let at = start; at < end; at += align4(attributeLength(bytes, at, end))) {
    yield { type: attributeType(bytes, at), start: at + 4, end: at + attributeLength(bytes, at, end) };
  }
}

function mask(bytes: Uint8Array, keepCounters: boolean): void {
  for (const a of attributes(bytes, 0, bytes.length)) {
    if (a.type === NFTA_RULE_HANDLE || a.type === NFTA_RULE_POSITION) bytes.fill(0, a.start, a.end);
    if (a.type === NFTA_RULE_EXPRESSIONS && !keepCounters)
      for (const element of attributes(bytes, a.start, a.end)) maskCounter(bytes, element);
  }
}

function maskCounter(bytes: Uint8Array, element: { start: number; end: number }): void {
  const [name, data] = [...attributes(bytes, element.start, element.end)];
  if (name === undefined || data === undefined) return;
  if (Buffer.from(bytes.subarray(name.start, name.end)).toString('latin1') !== 'counter\0') return;
  for (const value of attributes(bytes, data.start, data.end)) bytes.fill(0, value.start, value.end);
}
