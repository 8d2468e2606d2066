// IPv4 and IPv6 addresses between text and their bytes in network order. No name is ever looked up.

/** Strictly four decimal numbers 0..255 without signs or blanks; leading zeroes are refused, as inet_pton(3) does. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let part = 0;
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 46;
    if (code === 46) {
      if (value < 0 || part > 3) return undefined;
      bytes[part++] = value;
      value = -1;
    } else if (code >= 48 && code <= 57) {
      if (value === 0) return undefined;
      value = (value < 0 ? 0 : value) * 10 + code - 48;
      if (value > 255) return undefined;
    } else return undefined;
  }
  return part === 4 ? bytes : undefined;
}

export function formatIpv4(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** RFC 4291 text, with `::` and a dotted tail; no zone. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  const [head, tail] = groups;
  if (head === undefined || (groups.length === 2 && tail === undefined)) return undefined;
  const bytes = new Uint8Array(16);
  if (tail === undefined) {
    if (head.length !== 16) return undefined;
    bytes.set(head);
  } else {
    if (head.length + tail.length > 14) return undefined;
    bytes.set(head);
    bytes.set(tail, 16 - tail.length);
  }
  return bytes;
}

function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      out.push(...v4);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const value = Number.parseInt(part, 16);
      out.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return out;
}

/** As inet_ntop(3): lower case, the longest run of zero groups (two or more) as `::`, mapped and compatible addresses dotted. */
export function formatIpv6(bytes: Uint8Array, at = 0): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[at + 2 * i] as number) << 8) | (bytes[at + 2 * i + 1] as number));
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  const dotted = best.start === 0 && (best.length === 6 || (best.length === 5 && groups[5] === 0xffff));
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((g) => g.toString(16))
      .join(':');
  if (dotted) return `::${best.length === 5 ? 'ffff:' : ''}${formatIpv4(bytes, at + 12)}`;
  if (best.start < 0) return hex(0, 8);
  return `${hex(0, best.start)}::${hex(best.start + best.length, 8)}`;
}
