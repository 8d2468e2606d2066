// npm run demo: two rule sets through nflink, beside the real programs, in private network namespaces. The exit code is 0
// only if every comparison held.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubeRuleSet } from '../../bench/kube.ts';
import { playScene, type RuleSet } from './scene.ts';
import { bold, Screen } from './screen.ts';
import { Timings } from './timings.ts';

const cilium = readFileSync(join(import.meta.dirname, '../../../test/fixtures/corpus/k8s-cilium.v4.save'), 'utf8');
const kube = kubeRuleSet({ rules: 10_000, endpoints: 5 });

const sets: readonly RuleSet[] = [
  {
    title: 'A Kubernetes node with Cilium, 122 rules',
    text: cilium,
    rules: 122,
    extra: { table: 'filter', chain: 'INPUT', rule: '-p tcp -m tcp --dport 8443 -m comment --comment "nflink demo" -j ACCEPT' },
    traffic: {
      say: '5 TCP connections and 5 UDP datagrams over loopback …',
      connections: 5,
      address: '127.0.0.1',
      port: 8080,
      witness: { table: 'filter', chain: 'OUTPUT', comment: 'kubernetes service portals', packets: 10n },
    },
  },
  {
    title: `kube-proxy for ${kube.services} services, ${kube.rules} rules in ${kube.chains} chains`,
    text: kube.text,
    rules: kube.rules,
    extra: {
      table: 'nat',
      chain: 'KUBE-SERVICES',
      rule: '-d 10.96.99.99/32 -p tcp -m comment --comment "nflink demo" -m tcp --dport 443 -j KUBE-MARK-MASQ',
    },
    traffic: {
      say: '20 TCP connections to the service 10.96.1.0:8080, whose five endpoints are all this machine, and 20 UDP datagrams …',
      connections: 20,
      address: '10.96.1.0',
      port: 8080,
      witness: { table: 'nat', chain: 'KUBE-SERVICES', comment: 'ns-00/svc-00000:http cluster IP', packets: 20n },
    },
  },
];

console.log(`${bold('nflink')}: netfilter in Node.js, without starting a process`);
console.log('For each rule set two fresh network namespaces: nflink works in one, the real programs in the other.');

const screen = new Screen();
const timings = new Timings();
try {
  for (const set of sets) {
    screen.heading(set.title);
    await playScene(set, screen, timings);
  }
  screen.heading('The same steps, median of five');
  timings.print();
  process.exitCode = screen.verdict();
} catch (err) {
  console.error(err);
  process.exitCode = 1;
}
