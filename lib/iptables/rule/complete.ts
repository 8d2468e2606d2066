// The last step for an extension's options, parsed or given by a program: the codec's own check, and that the rule has its protocol.
import { type Codec, type ParseContext, ValueError } from '../extensions/codec.ts';
import type { Extension } from '../extensions/registry.ts';
import { protocolName } from './protocols.ts';

/** `options` has the extension's `name` and canonical values. Throws ValueError. */
export function completeExtension(codec: Codec, options: Readonly<Record<string, unknown>>, c: ParseContext): Extension {
  const { protocols } = codec;
  if (protocols !== undefined && ((c.protocolInverted && codec.inverted !== true) || !protocols.includes(c.protocol))) {
    throw new ValueError(`needs -p ${protocols.map((p) => (p === 0 ? 'all' : protocolName(p))).join(' or -p ')}`);
  }
  const finished = codec.finish === undefined ? options : codec.finish(options, c);
  // A finish that builds the options anew leaves the name out.
  return (finished === options ? options : { ...finished, name: codec.name }) as unknown as Extension;
}
