// What a chain allows in its rules, known before anything is sent (xshared.c: "Can't use -i with OUTPUT").
const noOut = new Set(['PREROUTING', 'INPUT']);
const noIn = new Set(['POSTROUTING', 'OUTPUT']);

/** The letter of the interface that the builtin chain does not have, where a rule names it, `+` too, which is any. */
export function refusedInterface(chain: string, named: { readonly in: boolean; readonly out: boolean }): 'i' | 'o' | undefined {
  if (named.out && noOut.has(chain)) return 'o';
  return named.in && noIn.has(chain) ? 'i' : undefined;
}
