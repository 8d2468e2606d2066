// Whether a connection's namespace is still there. An open socket keeps a deleted namespace working and tells nothing: only
// the path or the process that led to it can be looked at again.
import { isThere, type NamespaceFile } from '../../namespace-file.ts';

/** Calls back once, when the path leads nowhere or to another namespace. What may not be looked at counts as there. */
export class NamespaceWatch {
  readonly #file: NamespaceFile;
  readonly #whenGone: () => void;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** Asked for while looking: what is being looked at may be older. */
  #again = false;
  #done = false;

  constructor(file: NamespaceFile, whenGone: () => void) {
    this.#file = file;
    this.#whenGone = whenGone;
  }

  /** Looks now and every `milliseconds` until stopped. The timer keeps no process alive. */
  start(milliseconds: number): void {
    if (this.#timer !== undefined || this.#done) return;
    this.#timer = setInterval(() => this.look(), milliseconds).unref();
    this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One look at a time. */
  look(): void {
    if (this.#done) return;
    this.#again = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    void isThere(this.#file).then((there) => {
      this.#looking = false;
      if (there && this.#again) return this.look();
      if (there) return;
      this.#done = true;
      this.stop();
      this.#whenGone();
    });
  }
}
