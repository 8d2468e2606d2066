// What a codec throws for a value it cannot read or write.

/** A value that cannot be. The parser adds which word it was. */
export class ValueError extends Error {}
