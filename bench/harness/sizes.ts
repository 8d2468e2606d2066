// `1k,10k,2500,1M` as numbers.

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1000, M: 1_000_000 };

export function parseSizes(text: string): number[] {
  return text.split(',').map((word) => {
    const [, digits = '', unit = ''] = /^(\d+)([kM]?)$/.exec(word.trim()) ?? [];
    const size = digits === '' ? 0 : Number(digits) * (UNITS[unit] ?? 1);
    if (!Number.isSafeInteger(size) || size <= 0) throw new RangeError(`"${word}" is no size: 500, 10k or 1M are`);
    return size;
  });
}
