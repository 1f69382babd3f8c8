import * as assert from 'uvu/assert';
import { bar, treemap } from '../../../src/bundle/report/picture.ts';
import { type Area, squarify } from '../../../src/bundle/report/treemap.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/report/treemap');
const FRAME: Area = { x: 10, y: 20, width: 300, height: 200 };

/** The same numbers for the same seed. */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % 1000;
  }).sort((a, b) => b - a);
}

const size = ({ width, height }: Area): number => width * height;

test('areas are in proportion to values, fill the frame, stay within it and do not overlap', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const values = numbers(1 + (seed % 17), seed);
    const total = values.reduce((sum, value) => sum + value, 0);
    const areas = squarify(values, FRAME);
    assert.is(areas.length, values.length);
    areas.forEach((area, i) => {
      const share = ((values[i] ?? 0) / total) * size(FRAME);
      assert.ok(Math.abs(size(area) - share) < 1e-6, `seed ${seed}, value ${i}`);
      assert.ok(area.x >= FRAME.x - 1e-6 && area.x + area.width <= FRAME.x + FRAME.width + 1e-6);
      assert.ok(area.y >= FRAME.y - 1e-6 && area.y + area.height <= FRAME.y + FRAME.height + 1e-6);
      for (const other of areas.slice(0, i)) {
        const wide = Math.min(area.x + area.width, other.x + other.width) - Math.max(area.x, other.x);
        const high = Math.min(area.y + area.height, other.y + other.height) - Math.max(area.y, other.y);
        assert.ok(wide < 1e-6 || high < 1e-6, `seed ${seed}, value ${i} overlaps`);
      }
    });
  }
});

test('equal values are near to squares', () => {
  for (const { width, height } of squarify([1, 1, 1, 1, 1, 1], FRAME))
    assert.ok(Math.max(width / height, height / width) < 1.6, `${width} × ${height}`);
});

test('nothing, and values of nothing, need no room', () => {
  assert.equal(squarify([], FRAME), []);
  assert.equal(squarify([0, 0], FRAME).map(size), [0, 0]);
  assert.equal(squarify([5, 0], FRAME).map(size), [size(FRAME), 0]);
});

test('a picture has no number that is none, and no more groups than can be seen', () => {
  const groups = Array.from({ length: 5000 }, (_, i) => ({
    title: `<image ${i}>`,
    colour: 'k3',
    parts: [{ title: 'layer', size: i }],
  }));
  const svg = treemap(groups, 'many').text;
  assert.not.match(svg, /NaN|Infinity|undefined|<image/);
  assert.ok((svg.match(/<g /g) ?? []).length <= 61);
  assert.match(svg, '4939 more');
  assert.not.match(treemap([], 'none').text, 'rect');
  assert.not.match(bar([{ size: 0, colour: 'k0', title: '' }], 0, 'none').text, 'NaN');
});

test.run();
