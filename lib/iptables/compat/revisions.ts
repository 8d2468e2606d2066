// The newest revision of an extension that the running kernel has: asked once a connection, and only for extensions about
// to be written (the question loads the extension's module). NFNL_MSG_COMPAT_GET, enum nfnl_compat_attributes_type.
import type { Connection } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import { families, NFNL_SUBSYS_NFT_COMPAT } from '../../nftables/objects/messages.ts';
import { request } from '../../nftables/read.ts';
import type { Verb } from '../../run.ts';
import { findAttribute, be32 as readBe32, readMessage } from '../../wire/attributes.ts';
import { be32, string, words } from '../../wire/kinds.ts';
import { attributes, required } from '../../wire/table.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import type { Codec, IpFamily } from '../extensions/codec.ts';

const NFNL_MSG_COMPAT_GET = 0;
const NFTA_COMPAT_REV = 2;
const compatTable = attributes({
  name: required(1, string(28)),
  rev: required(NFTA_COMPAT_REV, be32),
  type: required(3, words(be32, { match: 0, target: 1 })),
});

export class Revisions {
  readonly #connection: Connection;
  readonly #family: IpFamily;
  readonly #newest = new Map<Codec, number>();

  constructor(connection: Connection, family: IpFamily) {
    this.#connection = connection;
    this.#family = family;
  }

  /** Asks for those of `codecs` that aren't known yet. */
  *learn(codecs: Iterable<Codec>): Verb<void> {
    for (const codec of codecs) {
      if (!this.#newest.has(codec)) this.#newest.set(codec, yield* this.#ask(codec));
    }
  }

  /** After `learn`: the kernel's newest revision. */
  newest(codec: Codec): number {
    return this.#newest.get(codec) ?? 0;
  }

  *#ask(codec: Codec): Verb<number> {
    const w = new AttributeWriter(64);
    const ours = Math.max(...codec.revisions.map((r) => r.revision));
    compatTable.encode(w, { name: codec.kernelName ?? codec.name, rev: ours, type: codec.kind });
    try {
      const data = yield* request(
        this.#connection,
        `${codec.kind} ${codec.name}`,
        (NFNL_SUBSYS_NFT_COMPAT << 8) | NFNL_MSG_COMPAT_GET,
        families[this.#family],
        w.written(),
      );
      const message = readMessage(data, 0);
      const found = findAttribute(data, message.start, message.end, NFTA_COMPAT_REV);
      return found === undefined ? ours : readBe32(data, found[0]);
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
