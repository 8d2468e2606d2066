// What a benchmark is made of: a scenario prepares a size, and hands over columns that are measured in turns.

export type ColumnKind = 'nflink' | 'exec' | 'floor';

/** One way of doing a scenario's work. */
export interface Column {
  readonly kind: ColumnKind;
  /** What is called, as a reader would write it: `restore(text)`, `iptables-nft-restore`. */
  readonly name: string;
  /** Does the work once and checks its result; gives the milliseconds of the work alone. */
  readonly measure: () => Promise<number>;
  /** So slow that it is measured so often at most, and not before. */
  readonly most?: number;
}

/** A scenario at one size, ready to be measured. Other columns are compared with the first nflink column. */
export interface Prepared {
  /** What the size came out as, such as `9,997 rules in 3,501 chains`. */
  readonly subject: string;
  readonly columns: readonly Column[];
  readonly close: () => Promise<void>;
}

export interface Scenario {
  readonly name: string;
  /** One sentence: what is timed. */
  readonly about: string;
  /** Repetitions of each column after the warm-up. */
  readonly repetitions: number;
  /** Where it matters how the columns grow with the size: what their exponents shall be. */
  readonly growth?: string;
  prepare(size: number, tools: Tools): Promise<Prepared>;
}

/** What scenarios get from the harness. */
export interface Tools {
  /** The path of a program of bench/floor, compiled when first asked for. */
  floor(name: string): Promise<string>;
  /** A folder for files, gone when the run is over. */
  readonly folder: string;
}
