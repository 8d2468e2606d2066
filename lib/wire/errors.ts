// What goes wrong between values and bytes. Both carry the path of the word that was wrong.

/** A value that cannot be written: wrong type, out of range, unknown word. Thrown before anything is sent. */
export class EncodeError extends TypeError {
  /** Dotted path from the object that was written, such as `expressions[2].key`. */
  path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(path === '' ? reason : `${path}: ${reason}`);
    this.name = 'EncodeError';
    this.path = path;
    this.reason = reason;
  }

  /** The same error seen from one level further out. */
  within(outer: string): EncodeError {
    return new EncodeError(joinPath(outer, this.path), this.reason);
  }
}

/** Bytes that are no netlink message or no attribute list. */
export class DecodeError extends Error {
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`${reason} at byte ${offset}`);
    this.name = 'DecodeError';
    this.offset = offset;
  }
}

export function joinPath(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return inner.startsWith('[') ? outer + inner : `${outer}.${inner}`;
}
