// What changes in a kube-proxy rule set from one sync to the next: some rules of services and of endpoints, all over the tables.

/** The ports of a version's changed rules; kube.ts has none of them. */
const FIRST_PORT = 20_000;
const PORTS = 40_000;

/**
 * The user chains of the rule set with `count` of its rules changed, half in the middle of KUBE-SERVICES, half at the end of endpoints' chains: others in no
 * two versions that are less than 40,000 apart. Rules in builtin chains are left out, as kube-proxy leaves them out of what it restores.
 */
export function changedKube(text: string, count: number, version: number): string {
  const lines = text.split('\n').filter((line) => !line.startsWith('-A ') || line.startsWith('-A KUBE-'));
  const services = placesOf(lines, (line) => line.startsWith('-A KUBE-SERVICES ') && / --dport \d+ /.test(line));
  const endpoints = placesOf(lines, (line) => / -j DNAT --to-destination /.test(line));
  const port = String(FIRST_PORT + (version % PORTS));
  for (const place of spread(services, Math.ceil(count / 2))) lines[place] = (lines[place] ?? '').replace(/(--dport )\d+/, `$1${port}`);
  for (const place of spread(endpoints, Math.floor(count / 2))) lines[place] = (lines[place] ?? '').replace(/:\d+$/, `:${port}`);
  return lines.join('\n');
}

function placesOf(lines: readonly string[], is: (line: string) => boolean): number[] {
  return lines.flatMap((line, i) => (is(line) ? [i] : []));
}

function spread(places: readonly number[], count: number): number[] {
  if (places.length < count) throw new RangeError(`${places.length} rules, of which ${count} shall change`);
  return Array.from({ length: count }, (_, i) => places[Math.floor(((i + 0.5) * places.length) / count)] ?? 0);
}
