// Values JSON has no form for: a bigint becomes a number when safe, else a decimal string; raw bytes become base64.

export function jsonSafe(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const n = Number(value);
    return Number.isSafeInteger(n) ? n : value.toString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(jsonSafe);
  if (typeof value !== 'object' || value === null) return value;
  const plain = hasToJson(value) ? value.toJSON() : value;
  if (typeof plain !== 'object' || plain === null) return jsonSafe(plain);
  return Object.fromEntries(
    Object.entries(plain)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => [k, jsonSafe(v)]),
  );
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
