import * as assert from 'uvu/assert';
import { run } from '../lab/exec.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const bench = (...args: string[]) =>
  run([process.execPath, 'test/bench/main.ts', ...args], { cwd: ROOT, timeoutMs: 600_000 });

interface Document {
  quick: boolean;
  sections: {
    title: string;
    standings: { name: string; made: number; runs: Record<string, number>[] }[];
    targets: { what: string; value: number; reached: boolean }[];
  }[];
}

const test = suite('bench', { timeout: 60_000 });
const reason = whyNoLab();

test('an option that is none ends with status 2 and the usage', async () => {
  const { code, stderr } = await bench('destroy');
  assert.is(code, 2);
  assert.match(stderr, '"destroy" is no part and no option');
  assert.match(stderr, 'usage: npm run bench');
});

if (reason !== undefined) test.skip('airferry is measured beside skopeo', reason);
// The first run on a machine makes the corpus, which takes minutes.
else
  test(
    'airferry is measured beside skopeo, with figures for every run and target',
    async () => {
      const { code, stdout, stderr } = await bench('create', '--quick', '--rounds', '2', '--json');
      assert.is(code, 0, stderr);
      const { quick, sections } = JSON.parse(stdout) as Document;
      assert.is(quick, true);
      assert.equal(
        sections.map(({ title }) => title),
        ['bundle create'],
      );
      const [section] = sections;
      assert.is(section?.standings.length, 3);
      for (const { name, runs, made } of section?.standings ?? []) {
        assert.is(runs.length, 2, name);
        for (const figures of runs)
          for (const figure of ['ms', 'peak', 'read', 'written', 'stored'])
            assert.ok((figures[figure] ?? 0) > 0, `${name}: ${figure} is ${figures[figure]}`);
        assert.ok(made > 1_000_000 && made < 2_300_000, `${name} made ${made} bytes`);
      }
      for (const { what, value } of section?.targets ?? []) assert.ok(value > 0, what);
      assert.is(section?.targets.length, 8);
    },
    { timeout: 600_000 },
  );

test.run();
