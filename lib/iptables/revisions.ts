// The newest revision of an extension that the running kernel has: asked once a connection, and only for extensions about
// to be written (the question loads the extension's module).
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import type { Codec } from './extensions/codec.ts';

export class Revisions {
  readonly #ask: (codec: Codec) => Verb<number>;
  readonly #newest = new Map<Codec, number>();

  /** `ask`: how a backend asks for the newest revision of ours that the kernel has. */
  constructor(ask: (codec: Codec) => Verb<number>) {
    this.#ask = ask;
  }

  /** Asks for those of `codecs` that aren't known yet. */
  *learn(codecs: Iterable<Codec>): Verb<void> {
    for (const codec of codecs) if (!this.#newest.has(codec)) this.#newest.set(codec, yield* this.#asked(codec));
  }

  /** After `learn`: the kernel's newest revision. */
  newest(codec: Codec): number {
    return this.#newest.get(codec) ?? 0;
  }

  *#asked(codec: Codec): Verb<number> {
    try {
      return yield* this.#ask(codec);
    } catch (err) {
      if (!(err instanceof NetfilterError) || err.errno === 0) throw err;
      throw new NetfilterError(`the kernel has no ${codec.kind} ${codec.name} (${err.message}); nothing was sent`, {
        code: err.code,
        errno: -err.errno,
        cause: err,
      });
    }
  }
}
