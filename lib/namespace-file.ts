// A namespace that was named by a path or a process can go away. An open socket keeps a deleted one working and tells nothing: only what led
// to it can be looked at again.
import { stat } from 'node:fs';

/** The path that led to a namespace, and the file of nsfs it led to. */
export interface NamespaceFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

const gone: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESRCH', 'ENOTDIR']);

/** Whether the path still leads there. What may not be looked at counts as there. */
export function isThere({ path, dev, ino }: NamespaceFile): Promise<boolean> {
  return new Promise((resolve) => {
    stat(path, (err, found) => resolve(err === null ? found.dev === dev && found.ino === ino : !gone.has(err.code)));
  });
}
