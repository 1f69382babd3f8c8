import * as assert from 'uvu/assert';
import { composeKind, inspectCompose } from '../../src/engine/compose.ts';
import { suite } from '../support/suite.ts';
import { elf } from './archives.ts';
import { refusal, rubbish } from './expect.ts';

const test = suite('engine/compose');
const file = { name: 'docker-compose', size: 60_000_000, version: '2.29.7' };

test('versions before 2 stand alone, all later ones are plugins', () => {
  assert.is(composeKind('1.29.2'), 'standalone');
  assert.is(composeKind('2.0.0'), 'plugin');
  assert.is(composeKind('v5.0.1'), 'plugin');
});

test('a binary is told by its header', () => {
  assert.equal(inspectCompose(elf('linux/arm64'), { ...file, version: 'v2.29.7', platform: 'linux/arm64' }), {
    name: 'docker-compose',
    version: '2.29.7',
    kind: 'plugin',
    platform: 'linux/arm64',
    size: 60_000_000,
  });
});

test('the pure Go binary for armhf passes for arm/v7', () => {
  assert.is(inspectCompose(elf('linux/arm'), { ...file, platform: 'linux/arm/v7' }).platform, 'linux/arm');
});

test('another platform, another file, or a piece of it is refused', async () => {
  await refusal(
    () => inspectCompose(elf('linux/amd64'), { ...file, platform: 'linux/arm64' }),
    'PLATFORM_MISMATCH',
    'docker-compose is built for linux/amd64; the recipe says linux/arm64',
  );
  const page = await refusal(
    () => inspectCompose(Buffer.from('<html>404'), file),
    'COMPOSE_INVALID',
    /is a web page/,
  );
  assert.match(page.suggestions.join(), 'proxy');
  await refusal(() => inspectCompose(Buffer.from([0x1f, 0x8b]), file), 'COMPOSE_INVALID', /gzip-compressed/);
  await refusal(() => inspectCompose(Buffer.alloc(0), file), 'COMPOSE_INVALID', /is empty/);
  await refusal(() => inspectCompose(elf('linux/amd64'), { ...file, size: 70_000 }), 'ARCHIVE_TRUNCATED');
  await refusal(() => inspectCompose(elf('linux/amd64'), { ...file, size: 2 ** 40 }), 'COMPOSE_INVALID');
  await refusal(() => inspectCompose(elf('linux/amd64'), { ...file, version: '2.29' }), 'COMPOSE_INVALID');
});

test('rubbish is refused, never a crash', async () => {
  for (let seed = 0; seed < 300; seed++)
    await refusal(() => inspectCompose(rubbish(seed, seed % 70), file), 'COMPOSE_INVALID');
});

test.run();
