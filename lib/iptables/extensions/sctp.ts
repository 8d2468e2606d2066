// -m sctp (linux/netfilter/xt_sctp.h, struct xt_sctp_info; libxt_sctp.c). That it needs -p sctp is the kernel's to say.
import { isNot, match, notOption2, type OptionsOf, type Value, ValueError } from './codec.ts';
import { listBothPorts, portOptions, readPorts, writePorts } from './flagged-ports.ts';
import { bare, onlyBits, type Reading, withNot } from './option-values.ts';
import { type Ports, portRange } from './ports.ts';
import type { Struct } from './struct.ts';
import { parseUnsigned, servicePort } from './values.ts';

/** Chunk types in the order of their numbers, with the letters of their flags, the lowest bit first. */
const chunkTypes = [
  { word: 'DATA', number: 0, letters: 'EBUI' },
  { word: 'INIT', number: 1, letters: '' },
  { word: 'INIT_ACK', number: 2, letters: '' },
  { word: 'SACK', number: 3, letters: '' },
  { word: 'HEARTBEAT', number: 4, letters: '' },
  { word: 'HEARTBEAT_ACK', number: 5, letters: '' },
  { word: 'ABORT', number: 6, letters: 'T' },
  { word: 'SHUTDOWN', number: 7, letters: '' },
  { word: 'SHUTDOWN_ACK', number: 8, letters: '' },
  { word: 'ERROR', number: 9, letters: '' },
  { word: 'COOKIE_ECHO', number: 10, letters: '' },
  { word: 'COOKIE_ACK', number: 11, letters: '' },
  { word: 'ECN_ECNE', number: 12, letters: '' },
  { word: 'ECN_CWR', number: 13, letters: '' },
  { word: 'SHUTDOWN_COMPLETE', number: 14, letters: 'T' },
  { word: 'I_DATA', number: 64, letters: 'EBUI' },
  { word: 'ASCONF_ACK', number: 128, letters: '' },
  { word: 'RE_CONFIG', number: 130, letters: '' },
  { word: 'PAD', number: 132, letters: '' },
  { word: 'FORWARD_TSN', number: 192, letters: '' },
  { word: 'ASCONF', number: 193, letters: '' },
  { word: 'I_FORWARD_TSN', number: 194, letters: '' },
] as const;
type ChunkType = (typeof chunkTypes)[number];
type Flagged = Exclude<ChunkType, { readonly letters: '' }>['word'];
/** A type, with letters of the flags that must be set (upper case) or clear: `DATA:Be`. */
export type SctpChunk = ChunkType['word'] | `${Flagged}:${string}`;
export interface SctpChunkMatch {
  /** All of them are there, any is, or they and no others are. */
  readonly match: 'all' | 'any' | 'only';
  readonly chunks: readonly SctpChunk[] | 'ALL' | 'NONE';
}

/** A chunk type with the flags that are looked at and, of them, those that must be set. */
interface Chunk {
  readonly type: ChunkType;
  readonly set: number;
  readonly mask: number;
}
function parseChunk(word: string): Chunk {
  const colon = word.indexOf(':');
  const name = (colon < 0 ? word : word.slice(0, colon)).toUpperCase();
  const type = chunkTypes.find((t) => t.word === name);
  if (type === undefined) throw new ValueError(`Unknown sctp chunk \`${colon < 0 ? word : word.slice(0, colon)}'`, 1);
  let set = 0;
  let mask = 0;
  for (const letter of colon < 0 ? '' : word.slice(colon + 1)) {
    const at = type.letters.indexOf(letter.toUpperCase());
    if (at < 0) throw new ValueError(`Invalid flags for chunk type ${type.word}: ${letter}`, 1);
    mask |= 1 << at;
    if (letter === letter.toUpperCase()) set |= 1 << at;
  }
  return { type, set, mask };
}
function formatChunk({ type, set, mask }: Chunk, name: string): string {
  let letters = '';
  for (const [at, letter] of [...type.letters].entries()) {
    if ((mask & (1 << at)) !== 0) letters = ((set & (1 << at)) !== 0 ? letter : letter.toLowerCase()) + letters;
  }
  return letters === '' ? name : `${name}:${letters}`;
}
/** In the order of their numbers; what is said of one type twice is put together. */
function merged(chunks: readonly Chunk[]): readonly Chunk[] {
  return chunkTypes.flatMap((type) => {
    const same = chunks.filter((chunk) => chunk.type === type);
    const either = (of: (chunk: Chunk) => number): number => same.reduce((bits, chunk) => bits | of(chunk), 0);
    return same.length === 0 ? [] : [{ type, set: either((chunk) => chunk.set), mask: either((chunk) => chunk.mask) }];
  });
}
const chunksOf = (list: readonly SctpChunk[]): readonly Chunk[] => list.map(parseChunk);
const wordsOf = (chunks: readonly Chunk[]): readonly SctpChunk[] => chunks.map((chunk) => formatChunk(chunk, chunk.type.word) as SctpChunk);

/** SCTP_CHUNK_MATCH_*. */
const matches = { any: 1, all: 2, only: 4 } as const;
const matchWord = (found: (word: keyof typeof matches) => boolean): SctpChunkMatch['match'] | undefined =>
  (['all', 'any', 'only'] as const).find(found);

const chunkMatch: Value<SctpChunkMatch> = {
  parse: ([how, list]) => {
    const match = matchWord((word) => word === (how as string).toLowerCase());
    if (match === undefined) throw new ValueError('Match type has to be one of "ALL", "ANY" or "ONLY"');
    const text = list as string;
    const whole = (['ALL', 'NONE'] as const).find((word) => word === text.toUpperCase());
    if (whole !== undefined) return { match, chunks: whole };
    const words = text.split(',').filter((word) => word !== '');
    return { match, chunks: words.length === 0 ? 'NONE' : wordsOf(merged(words.map(parseChunk))) };
  },
  format: ({ match, chunks }) => [match, typeof chunks === 'string' ? chunks : chunks.join(',')],
};

/** Numbers, or services of sctp alone; a side of a range left out is 0 or 65535. */
function port(word: string): number {
  const n = parseUnsigned(word, 0xffff) ?? servicePort(word, 'sctp');
  if (n === undefined) throw new ValueError(`invalid port/service \`${word}' specified`);
  return n;
}
const ports: Value<Ports> = {
  parse: ([word]) => {
    const text = word as string;
    const colon = text.indexOf(':');
    if (colon < 0) return port(text);
    const first = colon === 0 ? 0 : port(text.slice(0, colon));
    const last = colon === text.length - 1 ? 0xffff : port(text.slice(colon + 1));
    if (first > last) throw new ValueError('invalid portrange (min > max)');
    return portRange(first, last);
  },
  format: (v) => [typeof v === 'number' ? String(v) : `${v[0]}:${v[1]}`],
};

/** In the order the save commands print. */
const options = { ...portOptions(ports), 'chunk-types': notOption2(chunkMatch) } as const;

/**
 * Offsets behind the ports: __u32 chunkmap[64], a bit for each type and never used after the eighth; __u32 chunk_match_type; struct
 * { __u8 chunktype, flag, flag_mask } flag_info[4]; int flag_count; __u32 flags, invflags.
 */
const MAP = 8;
const MAP_SIZE = 256;
const MATCH_TYPE = 264;
const FLAG_INFO = 268;
const FLAG_INFOS = 4;
const FLAG_COUNT = 280;
const FLAGS = 284;
const INVERT = 288;
const CHUNK_TYPES = 0x04;
/** The type of a flag_info that isn't used. */
const UNUSED = 0xff;

function writeChunks(s: Struct, { match, chunks }: SctpChunkMatch): void {
  s.setU32(MATCH_TYPE, matches[match]);
  if (chunks === 'ALL') s.bytes.fill(0xff, MAP, MAP + MAP_SIZE);
  if (typeof chunks === 'string') return;
  let infos = 0;
  for (const { type, set, mask } of chunksOf(chunks)) {
    const at = MAP + (type.number >> 3);
    s.setU8(at, s.u8(at) | (1 << (type.number & 7)));
    if (mask !== 0) writeInfo(s, infos++, type.number, set, mask);
  }
  s.setU32(FLAG_COUNT, infos);
}
function writeInfo(s: Struct, i: number, type: number, set: number, mask: number): void {
  s.setU8(FLAG_INFO + 3 * i, type);
  s.setU8(FLAG_INFO + 3 * i + 1, set);
  s.setU8(FLAG_INFO + 3 * i + 2, mask);
}
function readChunks(s: Struct): SctpChunkMatch {
  const match = matchWord((word) => matches[word] === s.u32(MATCH_TYPE));
  if (match === undefined) throw new ValueError(`no word stands for match type ${s.u32(MATCH_TYPE)}`);
  const infos = readInfos(s);
  const map = s.copy(MAP, MAP_SIZE);
  const whole = map.every((b) => b === 0xff) ? 'ALL' : map.every((b) => b === 0) ? 'NONE' : undefined;
  if (whole !== undefined) {
    if (infos.length > 0) throw new ValueError('flags of chunk types that are not listed');
    return { match, chunks: whole };
  }
  const found: Chunk[] = [];
  for (let number = 0; number < MAP_SIZE * 8; number++) {
    if (((map[number >> 3] as number) & (1 << (number & 7))) === 0) continue;
    const type = chunkTypes.find((t) => t.number === number);
    if (type === undefined) throw new ValueError(`no word stands for chunk type ${number}`);
    const { set = 0, mask = 0 } = infos.find((info) => info.type === number) ?? {};
    onlyBits(mask, (1 << type.letters.length) - 1);
    onlyBits(set, mask);
    found.push({ type, set, mask });
  }
  if (infos.some((info) => !found.some(({ type }) => type.number === info.type)))
    throw new ValueError('flags of a chunk type that is not listed');
  return { match, chunks: wordsOf(found) };
}
interface FlagInfo {
  readonly type: number;
  readonly set: number;
  readonly mask: number;
}
function flagInfos(s: Struct, count: number): FlagInfo[] {
  return Array.from({ length: count }, (_, i) => {
    const at = FLAG_INFO + 3 * i;
    return { type: s.u8(at), set: s.u8(at + 1), mask: s.u8(at + 2) };
  });
}
function readInfos(s: Struct): readonly FlagInfo[] {
  const count = s.u32(FLAG_COUNT);
  if (count > FLAG_INFOS) throw new ValueError(`a struct has no ${count} chunk types with flags`);
  const infos = flagInfos(s, count);
  if (new Set(infos.map(({ type }) => type)).size < count) throw new ValueError('flags of one chunk type twice');
  return infos;
}

function listChunks({ match, chunks }: SctpChunkMatch, numeric: boolean): string {
  if (typeof chunks === 'string') return `${match} ${chunks}`;
  const name = ({ word, number }: ChunkType): string => (numeric ? `0x${number.toString(16).toUpperCase().padStart(4, '0')}` : word);
  return `${match} ${chunksOf(chunks)
    .map((chunk) => formatChunk(chunk, name(chunk.type)))
    .join(',')}`;
}

export const sctp = match('sctp', {
  options,
  revisions: [
    {
      revision: 0,
      size: 292,
      write: (o, s) => {
        let { given, inverted } = writePorts(o, s);
        for (let i = 0; i < FLAG_INFOS; i++) s.setU8(FLAG_INFO + 3 * i, UNUSED);
        if (o.chunkTypes !== undefined) {
          given |= CHUNK_TYPES;
          if (isNot(o.chunkTypes)) inverted |= CHUNK_TYPES;
          writeChunks(s, bare<SctpChunkMatch>(o.chunkTypes));
        }
        s.setU32(FLAGS, given);
        s.setU32(INVERT, inverted);
      },
      read: (s) => {
        const given = onlyBits(s.u32(FLAGS), 0x07);
        const inverted = onlyBits(s.u32(INVERT), given);
        const out: Reading<OptionsOf<typeof options>> = readPorts(s, given, inverted);
        if ((given & CHUNK_TYPES) !== 0) out.chunkTypes = withNot(readChunks(s), (inverted & CHUNK_TYPES) !== 0);
        return out;
      },
      // The order of the flags' types is the one they were written in.
      canonical: (s) => {
        const infos = flagInfos(s, Math.min(s.u32(FLAG_COUNT), FLAG_INFOS)).sort((a, b) => a.type - b.type);
        for (const [i, { type, set, mask }] of infos.entries()) writeInfo(s, i, type, set, mask);
      },
    },
  ],
  list: (o, { numeric }) => {
    const out = ` sctp${listBothPorts(o, 'sctp', numeric)}`;
    if (o.chunkTypes === undefined) return out;
    return `${out}${isNot(o.chunkTypes) ? ' !' : ''} ${listChunks(bare<SctpChunkMatch>(o.chunkTypes), numeric)}`;
  },
});
