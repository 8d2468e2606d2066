// A transaction on one iptables table: commands collected, then applied all or none.
import type { CallOptions, Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Counter } from '../model/ruleset.ts';
import type { CommitResult, Operation } from '../nftables/send.ts';
import type { Verb } from '../run.ts';
import type { IptablesBackend } from './backend.ts';
import type { Command } from './commands.ts';
import type { IpFamily } from './extensions/codec.ts';
import { checkCounter } from './rule/normalize.ts';
import { checkChain, checkNewChain, checkNumber, checkPolicy, oneRule } from './rule-input.ts';
import type { RuleInput, RuleSpec } from './rule-spec.ts';

export class IptablesTransaction {
  readonly table: string;
  readonly #connection: Connection;
  readonly #backend: IptablesBackend;
  readonly #family: IpFamily;
  readonly #commands: Command[] = [];
  #committing = false;
  /** Bytes of the commit went out, or there were none to send. */
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
    checkNewChain(chain);
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
    checkNewChain(to);
    return this.#push(from, { verb: 'renameChain', chain: from, to });
  }
  setPolicy(chain: string, policy: 'ACCEPT' | 'DROP', c?: Counter): Operation {
    checkPolicy(policy);
    return this.#push(chain, {
      verb: 'setPolicy',
      chain,
      policy,
      counter: c === undefined ? undefined : checkCounter(c, 'counter of a policy'),
    });
  }
  /** The counters of a chain and its rules, or of all chains, to zero, as `Iptables.zero`. */
  zero(chain?: string): Operation {
    return this.#push(chain, { verb: 'zero', chain });
  }

  /** Whether what the transaction holds now could be applied: by the kernel's dry run on nf_tables; legacy has none, the kernel is not asked. */
  async check(o?: CallOptions): Promise<void> {
    const verb = this.#dryRun();
    await this.#connection.runAsync('check', verb, o, true);
  }
  checkSync(): void {
    this.#connection.runSync('check', this.#dryRun(), true);
  }
  /**
   * Applies all commands or none, once. What fails before anything was sent (ERR_BUSY, an abort, a rule number too big) leaves the
   * transaction open; once it was sent it is done, applied or refused.
   */
  async commit(o?: CallOptions): Promise<CommitResult> {
    const verb = this.#begin();
    try {
      return this.#finished(await this.#connection.runAsync('commit', verb, o, true));
    } finally {
      this.#committing = false;
    }
  }
  commitSync(): CommitResult {
    const verb = this.#begin();
    try {
      return this.#finished(this.#connection.runSync('commit', verb, true));
    } finally {
      this.#committing = false;
    }
  }

  #dryRun(): () => Verb<CommitResult> {
    this.#checkOpen('check');
    const commands = [...this.#commands];
    return () => this.#backend.commit(this.table, commands, { dryRun: true });
  }

  #begin(): () => Verb<CommitResult> {
    this.#checkOpen('commit');
    this.#committing = true;
    const sending = (): void => {
      this.#sent = true;
    };
    return () => this.#backend.commit(this.table, this.#commands, { sending });
  }

  #finished(result: CommitResult): CommitResult {
    this.#sent = true;
    return result;
  }

  #one(chain: string, r: RuleInput): RuleSpec {
    checkChain(chain);
    return oneRule(r, this.#family, chain);
  }

  #push(chain: string | undefined, command: Command): Operation {
    this.#checkOpen(command.verb);
    if (chain !== undefined || (command.verb !== 'flushChain' && command.verb !== 'zero')) checkChain(chain);
    return { index: this.#commands.push(command) - 1 };
  }

  #checkOpen(what: string): void {
    if (!this.#sent && !this.#committing) return;
    const why = this.#sent ? 'was already sent' : 'is being committed';
    throw new NetfilterError(`${what}: this transaction ${why}`, { code: 'ERR_TRANSACTION_DONE' });
  }
}
