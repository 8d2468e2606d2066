// What the kernel dumps, byte for byte, with what differs between two equal rulesets set to zero: handles, positions (they
// are handles), running times and, when asked, counters. Nothing else is touched, and nothing of it is decoded.
import { Connection } from '../../lib/connection.ts';
import {
  NFT_MSG_GETCHAIN,
  NFT_MSG_GETFLOWTABLE,
  NFT_MSG_GETOBJ,
  NFT_MSG_GETSET,
  NFT_MSG_GETSETELEM,
  NFT_MSG_GETTABLE,
} from '../../lib/nftables/objects/messages.ts';
import { dump, dumpRules } from '../../lib/nftables/read.ts';
import { runSync } from '../../lib/run.ts';
import { align4, attributeLength, attributeType, be32, readMessage } from '../../lib/wire/attributes.ts';

const AF_UNSPEC = 0;

// linux/netfilter/nf_tables.h.
const NFTA_TABLE_HANDLE = 4;
const NFTA_CHAIN_HANDLE = 2;
const NFTA_CHAIN_COUNTERS = 8;
const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_RULE_POSITION = 6;
const NFTA_SET_TABLE = 1;
const NFTA_SET_NAME = 2;
const NFTA_SET_HANDLE = 16;
const NFTA_SET_EXPR = 17;
const NFTA_SET_EXPRESSIONS = 18;
const NFTA_SET_ELEM_EXPIRATION = 5;
const NFTA_SET_ELEM_EXPR = 7;
const NFTA_SET_ELEM_EXPRESSIONS = 11;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_OBJ_TYPE = 3;
const NFTA_OBJ_DATA = 4;
const NFTA_OBJ_HANDLE = 6;
const NFTA_FLOWTABLE_HANDLE = 5;
const NFT_OBJECT_COUNTER = 1;
const NFT_OBJECT_QUOTA = 2;
const NFTA_QUOTA_CONSUMED = 4;
const NFTA_LAST_MSECS = 2;

export interface MaskOptions {
  /** Counters and quotas' consumption are compared too. */
  readonly counters: boolean;
}

export interface RawRule {
  readonly family: number;
  /** Hex of the message's attributes. */
  readonly attributes: string;
}

/** Every object of a namespace, kind by kind in the kernel's order; what each string is: family, and hex of the attributes. */
export interface RawRuleset {
  readonly tables: readonly string[];
  readonly chains: readonly string[];
  readonly rules: readonly string[];
  readonly sets: readonly string[];
  /** `family table set element`. Sorted: a hash set dumps in an order that is drawn by lot when it is made. */
  readonly elements: readonly string[];
  readonly objects: readonly string[];
  readonly flowtables: readonly string[];
}

interface Attribute {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}
type Mask = (bytes: Uint8Array, o: MaskOptions) => void;
/** A message of a dump: its attributes are a copy. */
interface RawMessage {
  readonly family: number;
  readonly attributes: Uint8Array;
}

/** Every rule of a namespace. */
export function rawRules(netns: string, o: MaskOptions): RawRule[] {
  return withConnection(netns, (connection) => rulesOf(connection, o));
}

/** Everything of a namespace. */
export function rawRuleset(netns: string, o: MaskOptions): RawRuleset {
  return withConnection(netns, (connection) => {
    const read = (what: string, message: number, mask: Mask): string[] =>
      dumped(connection, what, message).map(({ family, attributes: bytes }) => {
        mask(bytes, o);
        return `${family} ${hex(bytes)}`;
      });
    return {
      tables: read('tables', NFT_MSG_GETTABLE, maskTable),
      chains: read('chains', NFT_MSG_GETCHAIN, maskChain),
      rules: rulesOf(connection, o).map((rule) => `${rule.family} ${rule.attributes}`),
      sets: read('sets', NFT_MSG_GETSET, maskSet),
      elements: rawElements(connection, o),
      objects: read('objects', NFT_MSG_GETOBJ, maskObject),
      flowtables: read('flowtables', NFT_MSG_GETFLOWTABLE, maskFlowtable),
    };
  });
}

function rulesOf(connection: Connection, o: MaskOptions): RawRule[] {
  return messages(runSync(dumpRules(connection, { family: AF_UNSPEC }))).map(({ family, attributes: bytes }) => {
    maskRule(bytes, o);
    return { family, attributes: hex(bytes) };
  });
}

/** There is no dump of all elements: a set at a time. */
function rawElements(connection: Connection, o: MaskOptions): string[] {
  const out: string[] = [];
  for (const { family, attributes: set } of dumped(connection, 'sets', NFT_MSG_GETSET)) {
    const table = payload(set, NFTA_SET_TABLE);
    const name = payload(set, NFTA_SET_NAME);
    const request = Buffer.concat([textAttribute(NFTA_SET_ELEM_LIST_TABLE, table), textAttribute(NFTA_SET_ELEM_LIST_SET, name)]);
    for (const { attributes: bytes } of dumped(connection, 'elements', NFT_MSG_GETSETELEM, family, request)) {
      for (const list of attributes(bytes, 0, bytes.length)) {
        if (list.type !== NFTA_SET_ELEM_LIST_ELEMENTS) continue;
        for (const element of attributes(bytes, list.start, list.end)) {
          const copy = bytes.slice(element.start, element.end);
          maskElement(copy, o);
          out.push(`${family} ${text(table)} ${text(name)} ${hex(copy)}`);
        }
      }
    }
  }
  return out.sort();
}

function withConnection<T>(netns: string, fn: (connection: Connection) => T): T {
  const connection = runSync(Connection.open(netns));
  try {
    return fn(connection);
  } finally {
    connection.closeSync();
  }
}

function dumped(connection: Connection, what: string, message: number, family = AF_UNSPEC, request?: Uint8Array): RawMessage[] {
  return messages(runSync(dump(connection, `raw dump of ${what}`, message, family, request)));
}

function messages(reply: { readonly data: ArrayBuffer; readonly index: Uint32Array }): RawMessage[] {
  const bytes = new Uint8Array(reply.data);
  return Array.from(reply.index, (at) => {
    const message = readMessage(bytes, at);
    return { family: message.family, attributes: bytes.slice(message.start, message.end) };
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, -1)).toString('utf8');

function payload(bytes: Uint8Array, type: number): Uint8Array {
  for (const a of attributes(bytes, 0, bytes.length)) if (a.type === type) return bytes.subarray(a.start, a.end);
  throw new Error(`a dumped message has no attribute ${type}`);
}

/** An attribute of a request; a text has its NUL already. */
function textAttribute(type: number, bytes: Uint8Array): Uint8Array {
  const out = Buffer.alloc(align4(4 + bytes.length));
  out.writeUInt16LE(4 + bytes.length, 0);
  out.writeUInt16LE(type, 2);
  out.set(bytes, 4);
  return out;
}

function* attributes(bytes: Uint8Array, start: number, end: number): Generator<Attribute> {
  for (let at = start; at < end; at += align4(attributeLength(bytes, at, end))) {
    yield { type: attributeType(bytes, at), start: at + 4, end: at + attributeLength(bytes, at, end) };
  }
}

function maskTable(bytes: Uint8Array): void {
  for (const a of attributes(bytes, 0, bytes.length)) if (a.type === NFTA_TABLE_HANDLE) bytes.fill(0, a.start, a.end);
}

function maskChain(bytes: Uint8Array, o: MaskOptions): void {
  for (const a of attributes(bytes, 0, bytes.length)) {
    if (a.type === NFTA_CHAIN_HANDLE) bytes.fill(0, a.start, a.end);
    if (a.type === NFTA_CHAIN_COUNTERS && !o.counters) zeroPayloads(bytes, a);
  }
}

function maskRule(bytes: Uint8Array, o: MaskOptions): void {
  for (const a of attributes(bytes, 0, bytes.length)) {
    if (a.type === NFTA_RULE_HANDLE || a.type === NFTA_RULE_POSITION) bytes.fill(0, a.start, a.end);
    if (a.type === NFTA_RULE_EXPRESSIONS) maskExpressions(bytes, a, o);
  }
}

function maskSet(bytes: Uint8Array, o: MaskOptions): void {
  for (const a of attributes(bytes, 0, bytes.length)) {
    if (a.type === NFTA_SET_HANDLE) bytes.fill(0, a.start, a.end);
    if (a.type === NFTA_SET_EXPR) maskExpression(bytes, a, o);
    if (a.type === NFTA_SET_EXPRESSIONS) maskExpressions(bytes, a, o);
  }
}

function maskElement(bytes: Uint8Array, o: MaskOptions): void {
  for (const a of attributes(bytes, 0, bytes.length)) {
    if (a.type === NFTA_SET_ELEM_EXPIRATION) bytes.fill(0, a.start, a.end);
    if (a.type === NFTA_SET_ELEM_EXPR) maskExpression(bytes, a, o);
    if (a.type === NFTA_SET_ELEM_EXPRESSIONS) maskExpressions(bytes, a, o);
  }
}

function maskObject(bytes: Uint8Array, o: MaskOptions): void {
  const type = be32(payload(bytes, NFTA_OBJ_TYPE), 0);
  for (const a of attributes(bytes, 0, bytes.length)) {
    if (a.type === NFTA_OBJ_HANDLE) bytes.fill(0, a.start, a.end);
    if (a.type !== NFTA_OBJ_DATA || o.counters) continue;
    if (type === NFT_OBJECT_COUNTER) zeroPayloads(bytes, a);
    if (type === NFT_OBJECT_QUOTA) zeroPayloads(bytes, a, NFTA_QUOTA_CONSUMED);
  }
}

function maskFlowtable(bytes: Uint8Array): void {
  for (const a of attributes(bytes, 0, bytes.length)) if (a.type === NFTA_FLOWTABLE_HANDLE) bytes.fill(0, a.start, a.end);
}

function maskExpressions(bytes: Uint8Array, list: Attribute, o: MaskOptions): void {
  for (const expression of attributes(bytes, list.start, list.end)) maskExpression(bytes, expression, o);
}

function maskExpression(bytes: Uint8Array, expression: Attribute, o: MaskOptions): void {
  const [name, data] = [...attributes(bytes, expression.start, expression.end)];
  if (name === undefined || data === undefined) return;
  const kind = text(bytes.subarray(name.start, name.end));
  // When it was last used is a running time, asked for or not.
  if (kind === 'last') zeroPayloads(bytes, data, NFTA_LAST_MSECS);
  if (o.counters) return;
  if (kind === 'counter') zeroPayloads(bytes, data);
  if (kind === 'quota') zeroPayloads(bytes, data, NFTA_QUOTA_CONSUMED);
}

/** The payloads of the attributes in `nest`, or only of those of one type. */
function zeroPayloads(bytes: Uint8Array, nest: Attribute, type?: number): void {
  for (const value of attributes(bytes, nest.start, nest.end)) {
    if (type === undefined || value.type === type) bytes.fill(0, value.start, value.end);
  }
}
