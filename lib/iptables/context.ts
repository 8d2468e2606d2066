// What every backend works with: the connection, the kernel's revisions of extensions, ipset names.
import type { Connection } from '../connection.ts';
import { EACCES, ENOENT, EPERM } from '../errno.ts';
import { fromFailure, NEED_CAP_NET_RAW, NetfilterError } from '../errors.ts';
import type { NativeFailure } from '../native.ts';
import type { Verb } from '../run.ts';
import { type BytesContext, type Codec, type IpFamily, ValueError } from './extensions/codec.ts';
import type { Revisions } from './revisions.ts';
import type { RuleSpec } from './rule-spec.ts';
import { codecsOf, toXt } from './xt-convert.ts';
import type { XtRule } from './xt-rule.ts';

export class RuleContext {
  readonly connection: Connection;
  readonly family: IpFamily;
  readonly #backend: 'nft' | 'legacy';
  readonly #revisions: Revisions;

  constructor(connection: Connection, family: IpFamily, backend: 'nft' | 'legacy', revisions: Revisions) {
    this.connection = connection;
    this.family = family;
    this.#backend = backend;
    this.#revisions = revisions;
  }

  /** Whether the kernel has to have the extension; others are written in another form. */
  protected needsRevision(_codec: Codec): boolean {
    return true;
  }

  /** Asks the kernel for the revisions that `specs` need; before `xtRule`. */
  *learn(specs: Iterable<RuleSpec>): Verb<void> {
    const codecs = new Set<Codec>();
    for (const spec of specs) for (const codec of codecsOf(spec, this.family)) if (this.needsRevision(codec)) codecs.add(codec);
    yield* this.#revisions.learn(codecs);
  }

  /**
   * Set names and indexes as they are when they are first needed, for one verb and the rules it gives: a set that is destroyed and made again
   * has another index. The question is a getsockopt of microseconds and never waits.
   */
  bytes(): BytesContext {
    const indexes = new Map<string, number>();
    const names = new Map<number, string>();
    return {
      family: this.family,
      backend: this.#backend,
      setIndex: (name) => {
        const known = indexes.get(name);
        if (known !== undefined) return known;
        const reply = this.connection.ipset(name);
        if (reply.failure !== undefined || reply.index === undefined)
          throw setError(`set ${name} in ${this.connection.where}`, reply.failure);
        const other = inapplicable(this.family, reply.family);
        if (other !== undefined)
          throw new NetfilterError(`The protocol family of set ${name} is ${other}, which is not applicable`, { code: 'ERR_INVALID_ARG' });
        indexes.set(name, reply.index);
        return reply.index;
      },
      setName: (index) => {
        const known = names.get(index);
        if (known !== undefined) return known;
        // Who looks at a rule after the end reads of no set, and writes none by that name.
        if (this.connection.closed) return `[set ${index}]`;
        const reply = this.connection.ipset(index);
        if (reply.failure !== undefined || reply.name === undefined) throw setError(`set with index ${index}`, reply.failure);
        names.set(index, reply.name);
        return reply.name;
      },
    };
  }

  /** The rule with its structs in the newest revisions; after `learn`. Throws ERR_INVALID_ARG for what none of them can say. */
  xtRule(spec: RuleSpec, bytes: BytesContext): XtRule {
    try {
      return toXt(spec, bytes, (codec) => this.#revisions.newest(codec));
    } catch (err) {
      throw err instanceof ValueError
        ? new NetfilterError(`${err.message}; nothing was sent`, { code: 'ERR_INVALID_ARG', cause: err })
        : err;
    }
  }
}

const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;

/** The name of a set's family where rules of `family` can hold none of its addresses: such a rule would be taken, and match nothing. */
function inapplicable(family: IpFamily, ofSet: number | undefined): string | undefined {
  if (family === 'ip6') return ofSet === NFPROTO_IPV4 ? 'IPv4' : undefined;
  return ofSet === NFPROTO_IPV6 ? 'IPv6' : undefined;
}

/** Sets are asked about through a raw socket. */
function setError(what: string, failure: NativeFailure = { call: 'SO_IP_SET', errno: ENOENT }): NetfilterError {
  const { call, errno } = failure;
  const denied = errno === EPERM || errno === EACCES;
  const hint = errno === ENOENT ? 'no such ipset' : denied && call === 'socket(SOCK_RAW)' ? NEED_CAP_NET_RAW : undefined;
  return fromFailure(what, failure, 'not-applied', hint);
}
