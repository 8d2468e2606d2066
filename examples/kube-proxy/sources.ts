// Where services come from: a file that is read again when it changes, or lines of standard input.
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Latest } from './latest.ts';
import { readChange, readList, type Services } from './services.ts';

/** What is no list of services is told to `complain`, and what was desired before stays. */
export function followFile(file: string, latest: Latest<Services>, complain: (why: string) => void, signal: AbortSignal): void {
  const read = async (): Promise<void> => {
    try {
      latest.tell(readList(await readFile(file, 'utf8')));
    } catch (err) {
      complain(`${file}: ${String(err)}`);
    }
  };
  // The folder: editors and ConfigMaps put another file in the place of this one.
  watch(dirname(file), { signal }, (_, name) => {
    if (name === null || name === basename(file) || name === '..data') void read();
  });
  void read();
}

/** Ends what is told when the input does. */
export function followLines(input: Readable, latest: Latest<Services>, complain: (why: string) => void, signal: AbortSignal): void {
  let services: Services = new Map();
  let number = 0;
  createInterface({ input, signal })
    .on('line', (line) => {
      number++;
      if (line.trim() === '') return;
      try {
        latest.tell((services = readChange(line, services)));
      } catch (err) {
        complain(`line ${number}: ${String(err)}`);
      }
    })
    .on('close', () => {
      latest.end();
      input.destroy();
    });
}
