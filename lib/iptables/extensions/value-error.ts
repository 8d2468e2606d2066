// What a codec throws for a value it cannot read or write.

/** A value that cannot be. The parser adds which word it was. */
export class ValueError extends Error {
  /** Which of the option's words is wrong, from 0. */
  readonly word: number;

  constructor(message: string, word = 0) {
    super(message);
    this.word = word;
  }
}
