// The rulesets of test/fixtures/nft, written for the real nft. A first line `# devices: a b` names the network devices that
// have to be there before a ruleset can be loaded.
import { readdirSync } from 'node:fs';
import { fixture, readFixture } from './fixtures.ts';

/** The names of all rulesets, without `.nft`. */
export const nftFixtures: readonly string[] = readdirSync(fixture('nft'))
  .filter((file) => file.endsWith('.nft'))
  .map((file) => file.slice(0, -'.nft'.length))
  .sort();

export const nftFixturePath = (name: string): string => fixture('nft', `${name}.nft`);

export const nftFixture = (name: string): string => readFixture('nft', `${name}.nft`);

/** The devices that a ruleset needs, in the order in which they are to be made: their indexes are in the rules. */
export function devicesOf(name: string): readonly string[] {
  const line = /^# devices: (.*)$/m.exec(nftFixture(name).split('\n', 1)[0] ?? '');
  return line?.[1]?.split(' ') ?? [];
}

/** A ruleset without its comment lines. */
export const nftFixtureCode = (name: string): string => nftFixture(name).replace(/^\s*#.*$/gm, '');
