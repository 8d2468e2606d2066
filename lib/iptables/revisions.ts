// The newest revision of an extension that the running kernel and nflink both have: asked once a connection, and only for extensions about
// to be written or looked for (the question loads the extension's module).
import { ENOENT } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import type { Codec, IpFamily } from './extensions/codec.ts';

/** How a backend asks whether the kernel has a revision. Throws what it cannot know. */
export type HasRevision = (codec: Codec, revision: number) => Verb<boolean>;

export class Revisions {
  readonly #family: IpFamily;
  readonly #has: HasRevision;
  readonly #newest = new Map<Codec, number>();

  constructor(family: IpFamily, has: HasRevision) {
    this.#family = family;
    this.#has = has;
  }

  /** Asks for those of `codecs` that aren't known yet. */
  *learn(codecs: Iterable<Codec>): Verb<void> {
    for (const codec of codecs) if (!this.#newest.has(codec)) this.#newest.set(codec, yield* this.#asked(codec));
  }

  /** After `learn`. */
  newest(codec: Codec): number {
    return this.#newest.get(codec) ?? 0;
  }

  *#asked(codec: Codec): Verb<number> {
    const { kind, name, revisions } = codec;
    const ours = new Set(revisions.filter((r) => (r.family ?? this.#family) === this.#family).map((r) => r.revision));
    try {
      for (const revision of [...ours].sort((a, b) => b - a)) if (yield* this.#has(codec, revision)) return revision;
    } catch (err) {
      if (!(err instanceof NetfilterError) || err.errno === 0) throw err;
      throw new NetfilterError(`the kernel has no ${kind} ${name} (${err.message}); nothing was sent`, {
        code: err.code,
        errno: -err.errno,
        cause: err,
      });
    }
    const reason = `the kernel has no ${kind} ${name}, or no revision of it that nflink has; nothing was sent`;
    throw new NetfilterError(reason, { code: 'ENOENT', errno: ENOENT });
  }
}
