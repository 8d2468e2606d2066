// A target's options as struct bytes and back, as tests ask for them.
import assert from 'node:assert/strict';
import type { BytesContext, Codec, IpFamily, Revision } from '../../../lib/iptables/extensions/codec.ts';
import { codecOf } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';

export type Options = Readonly<Record<string, unknown>>;

export function targetCodec(name: string): Codec {
  const codec = codecOf('target', name);
  assert.ok(codec !== undefined, `no target ${name}`);
  return codec;
}

/** The options of a rule's target, and the codec of its name. */
export function targetOf(spec: RuleSpec): { readonly codec: Codec; readonly options: Options } {
  assert.ok(spec.target !== undefined && 'name' in spec.target);
  const { name, ...options } = spec.target;
  return { codec: targetCodec(name), options };
}

export function revisionOf(codec: Codec, number: number, family: IpFamily): Revision<Options> {
  const found = codec.revisions.find((r) => r.revision === number && (r.family ?? family) === family);
  assert.ok(found !== undefined, `${codec.name} has no revision ${number} of ${family}`);
  return found;
}

/** The revision a kernel that has them all is sent. */
export function newestRevision(codec: Codec, options: Options, family: IpFamily): Revision<Options> {
  const newest = codec.revisions.filter((r) => (r.family ?? family) === family && (r.can?.(options) ?? true)).at(-1);
  assert.ok(newest !== undefined, `no revision of ${codec.name} can say it`);
  return newest;
}

function context(family: IpFamily): BytesContext {
  const none = (): never => assert.fail('no target here asks for a set');
  return { family, setIndex: none, setName: none };
}

/** Padded to XT_ALIGN. */
export function written(revision: Revision<Options>, options: Options, family: IpFamily): Uint8Array {
  const bytes = new Uint8Array((revision.size + 7) & ~7);
  revision.write(options, new Struct(bytes), context(family));
  return bytes;
}
export function read(revision: Revision<Options>, bytes: Uint8Array, family: IpFamily): Options {
  return revision.read(new Struct(bytes), context(family));
}
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
