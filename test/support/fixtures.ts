// Where the tests' files are. Compiled tests run from build-test/, the files stay in test/fixtures.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root directory: the nearest one above this file that has a package.json. */
export const root: string = (() => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return dir;
})();

/** `fixture('corpus', 'calico.ipset')`: the path of a file in test/fixtures. */
export const fixture = (...path: string[]): string => join(root, 'test', 'fixtures', ...path);

export const readFixture = (...path: string[]): string => readFileSync(fixture(...path), 'utf8');

/** The rule sets of whole hosts, each with golden outputs. `calico` needs `calico.ipset` loaded first. */
export const hostNames = ['k8s-cilium', 'docker', 'docker-swarm', 'calico'] as const;
export type HostName = (typeof hostNames)[number];

/** The excerpts of rule sets; only kube-nginx has golden outputs. */
export const fragmentNames: readonly string[] = readdirSync(fixture('corpus', 'fragments'))
  .sort()
  .map((file) => file.replace(/\.v4\.save$/, ''));

/** A rule set as iptables-save text: a host's or a fragment's. */
export function ruleSet(name: string): string {
  return fragmentNames.includes(name) ? readFixture('corpus', 'fragments', `${name}.v4.save`) : readFixture('corpus', `${name}.v4.save`);
}

/** What iptables-nft-save (`save`), iptables-nft-save -c (`save-c`), or iptables-nft -S for each table (`S`) prints for a rule set; or those of legacy. */
export const golden = (name: string, kind: 'save' | 'save-c' | 'S', backend: 'nft' | 'legacy' = 'nft'): string =>
  readFixture('corpus', 'golden', `${name}.${backend}.${kind}`);

/** Words for `ipset restore` that a rule set needs before it can be loaded. */
export const ipsets = (name: string): string | undefined => (name === 'calico' ? readFixture('corpus', 'calico.ipset') : undefined);

/**
 * Save text, or golden `S` text, as the lines of each table after `*name`, without COMMIT and without the comments that carry dates
 * and versions: the order of the tables differs from program to program, so texts are compared table by table.
 */
export function tablesOf(text: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  let lines: string[] | undefined;
  for (const line of text.split('\n')) {
    if (line === '' || line === 'COMMIT' || line.startsWith('#')) continue;
    if (line.startsWith('*')) tables.set(line.slice(1), (lines = []));
    else if (lines === undefined) throw new Error(`a line before the first table: ${line}`);
    else lines.push(line);
  }
  return tables;
}
