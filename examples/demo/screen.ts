// What the demo prints: headings, findings, and whether every comparison held. Colours only on a terminal.

const ansi = process.stdout.isTTY === true;
const paint =
  (code: number) =>
  (text: string): string =>
    ansi ? `\x1b[${code}m${text}\x1b[0m` : text;
export const bold = paint(1);
export const dim = paint(2);
const red = paint(31);
const green = paint(32);

export class Screen {
  readonly #failed: string[] = [];
  #held = 0;

  heading(text: string): void {
    console.log(`\n${bold(text)}`);
  }
  say(text: string): void {
    console.log(`  ${text}`);
  }
  /** Something shown, such as a rule. */
  show(text: string): void {
    for (const line of text.split('\n')) console.log(`      ${dim(line)}`);
  }

  /** A comparison; `difference` is shown where it didn't hold. */
  check(claim: string, holds: boolean, difference?: string): void {
    console.log(`  ${holds ? green('✓') : red('✗')} ${claim}`);
    if (holds) this.#held++;
    else {
      this.#failed.push(claim);
      if (difference !== undefined) this.show(difference);
    }
  }

  /** The last words; gives the exit code. */
  verdict(): number {
    if (this.#failed.length === 0) {
      console.log(`\n${green('✓')} all ${this.#held} comparisons held`);
      return 0;
    }
    console.log(`\n${red('✗')} ${this.#failed.length} of ${this.#held + this.#failed.length} comparisons failed:`);
    for (const claim of this.#failed) console.log(`    ${claim}`);
    return 1;
  }
}
