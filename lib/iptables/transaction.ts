// A transaction on one iptables table: commands collected, then applied all or none.
import type { CallOptions, Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Counter } from '../model/ruleset.ts';
import type { CommitResult, Operation } from '../nftables/send.ts';
import type { IptablesBackend } from './backend.ts';
import type { Command } from './commands.ts';
import type { IpFamily } from './extensions/codec.ts';
import { checkChain, checkNumber, rulesOf } from './rule-input.ts';
import type { RuleInput, RuleSpec } from './rule-spec.ts';

export class IptablesTransaction {
  readonly table: string;
  readonly #connection: Connection;
  readonly #backend: IptablesBackend;
  readonly #family: IpFamily;
  readonly #commands: Command[] = [];
  #sent = false;

  /** @internal Made by Iptables.transaction(). */
  constructor(table: string, connection: Connection, backend: IptablesBackend, family: IpFamily) {
    this.table = table;
    this.#connection = connection;
    this.#backend = backend;
    this.#family = family;
  }

  append(chain: string, r: RuleInput): Operation {
    return this.#push(chain, { verb: 'append', chain, rule: this.#one(chain, r) });
  }
  /** `number` counts from 1, as iptables does. */
  insert(chain: string, number: number, r: RuleInput): Operation {
    checkNumber(number);
    return this.#push(chain, { verb: 'insert', chain, number, rule: this.#one(chain, r) });
  }
  replace(chain: string, number: number, r: RuleInput): Operation {
    checkNumber(number);
    return this.#push(chain, { verb: 'replace', chain, number, rule: this.#one(chain, r) });
  }
  /** The first rule that is the same; not there: ENOENT. */
  delete(chain: string, r: RuleInput): Operation {
    return this.#push(chain, { verb: 'delete', chain, rule: this.#one(chain, r) });
  }
  deleteAt(chain: string, number: number): Operation {
    checkNumber(number);
    return this.#push(chain, { verb: 'deleteAt', chain, number });
  }
  newChain(chain: string): Operation {
    return this.#push(chain, { verb: 'newChain', chain });
  }
  /** All chains of the table where none is named. */
  flushChain(chain?: string): Operation {
    return this.#push(chain, { verb: 'flushChain', chain });
  }
  deleteChain(chain: string): Operation {
    return this.#push(chain, { verb: 'deleteChain', chain });
  }
  renameChain(from: string, to: string): Operation {
    checkChain(to);
    return this.#push(from, { verb: 'renameChain', chain: from, to });
  }
  setPolicy(chain: string, policy: 'ACCEPT' | 'DROP', c?: Counter): Operation {
    if (policy !== 'ACCEPT' && policy !== 'DROP')
      throw new NetfilterError(`bad policy ${JSON.stringify(policy)}, ACCEPT or DROP; nothing was sent`, { code: 'ERR_INVALID_ARG' });
    return this.#push(chain, { verb: 'setPolicy', chain, policy, counter: c });
  }

  /** The kernel's dry run. */
  async check(o?: CallOptions): Promise<void> {
    this.#checkOpen('check');
    await this.#connection.runAsync('check', () => this.#backend.commit(this.table, this.#commands, { dryRun: true }), o, true);
  }
  checkSync(): void {
    this.#checkOpen('check');
    this.#connection.runSync('check', () => this.#backend.commit(this.table, this.#commands, { dryRun: true }), true);
  }
  /** Applies all commands or none. Once only. */
  async commit(o?: CallOptions): Promise<CommitResult> {
    this.#checkOpen('commit');
    o?.signal?.throwIfAborted();
    this.#sent = true;
    return await this.#connection.runAsync('commit', () => this.#backend.commit(this.table, this.#commands, {}), o, true);
  }
  commitSync(): CommitResult {
    this.#checkOpen('commit');
    const result = this.#connection.runSync('commit', () => this.#backend.commit(this.table, this.#commands, {}), true);
    this.#sent = true;
    return result;
  }

  #one(chain: string, r: RuleInput): RuleSpec {
    const [first, ...more] = rulesOf(r, this.#family, chain);
    if (first === undefined || more.length > 0)
      throw new NetfilterError('a list of addresses stands for several rules: name each in a transaction', { code: 'ERR_INVALID_ARG' });
    return first;
  }

  #push(chain: string | undefined, command: Command): Operation {
    this.#checkOpen(command.verb);
    if (chain !== undefined) checkChain(chain);
    return { index: this.#commands.push(command) - 1 };
  }

  #checkOpen(what: string): void {
    if (this.#sent) throw new NetfilterError(`${what}: this transaction was committed`, { code: 'ERR_TRANSACTION_DONE' });
  }
}
