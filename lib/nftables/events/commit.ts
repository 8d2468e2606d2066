// A commit: the messages that came before its NFT_MSG_NEWGEN. Only their places are kept until somebody looks.
import { be32, findAttribute, type Message, readMessage } from '../../wire/attributes.ts';
import { jsonSafe } from '../../wire/json.ts';
import { decodeText } from '../../wire/text.ts';
import { decodeObject, verbOf } from './decode.ts';
import type { ChangedObject, ChangeEvent, CommitEvent } from './types.ts';

/** nlmsghdr: u32 length, u16 type, u16 flags. */
const TYPE = 4;
const FLAGS = 6;

/** A message of an event batch. */
export interface Place {
  readonly bytes: Uint8Array;
  readonly at: number;
}

export class Change implements ChangeEvent {
  readonly #bytes: Uint8Array;
  readonly #at: number;
  #object: ChangedObject | undefined;

  constructor({ bytes, at }: Place) {
    this.#bytes = bytes;
    this.#at = at;
  }
  get verb(): 'add' | 'delete' | 'flush' {
    return verbOf(this.type, () => this.object);
  }
  get object(): ChangedObject {
    this.#object ??= decodeObject(this.#bytes, this.#at);
    return this.#object;
  }
  /** NFT_MSG_*. */
  get type(): number {
    return this.#bytes[this.#at + TYPE] as number;
  }
  /** nlmsg flags: the kernel sets NLM_F_APPEND on a rule that was not inserted. */
  get flags(): number {
    return (this.#bytes[this.#at + FLAGS] as number) | ((this.#bytes[this.#at + FLAGS + 1] as number) << 8);
  }
  /** The family's number and the name of the table it is in, or is: every kind's first attribute (NFTA_TABLE_NAME, NFTA_CHAIN_TABLE and so on are 1). */
  get table(): string {
    const { family, start, end } = readMessage(this.#bytes, this.#at);
    const [from, to] = findAttribute(this.#bytes, start, end, 1) ?? [0, 1];
    return `${family} ${decodeText(this.#bytes, from, to - 1)}`;
  }
  toJSON(): unknown {
    const { verb, object } = this;
    return jsonSafe({ verb, object });
  }
}

/** What NFT_MSG_NEWGEN says (enum nft_gen_attributes: ID 1, PROC_PID 2, PROC_NAME 3). */
export interface NewGeneration {
  readonly generation: number;
  readonly tid: number;
  readonly process: string;
}

export function readNewGeneration(bytes: Uint8Array, message: Message): NewGeneration {
  const [id, pid, name] = [1, 2, 3].map((type) => findAttribute(bytes, message.start, message.end, type));
  return {
    generation: id === undefined ? 0 : be32(bytes, id[0]),
    tid: pid === undefined ? 0 : be32(bytes, pid[0]),
    process: name === undefined ? '' : decodeText(bytes, name[0], name[1] - 1),
  };
}

export class Commit implements CommitEvent {
  readonly kind = 'commit';
  readonly generation: number;
  readonly own: boolean;
  readonly tid: number;
  readonly process: string;
  readonly #messages: readonly Place[];
  #changes: readonly Change[] | undefined;

  constructor(by: NewGeneration, own: boolean, messages: readonly Place[]) {
    this.generation = by.generation;
    this.own = own;
    this.tid = by.tid;
    this.process = by.process;
    this.#messages = messages;
  }
  get changes(): readonly Change[] {
    this.#changes ??= this.#messages.map((place) => new Change(place));
    return this.#changes;
  }
  toJSON(): unknown {
    const { kind, generation, own, tid, process, changes } = this;
    return jsonSafe({ kind, generation, own, tid, process, changes });
  }
}
