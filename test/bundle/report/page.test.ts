import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { bundleHtml, inspectBundle } from '../../../src/actions/bundle-inspect.ts';
import { bundlePage } from '../../../src/bundle/report/bundle-page.ts';
import { verificationReport } from '../../../src/bundle/report/verification.ts';
import { verificationPage } from '../../../src/bundle/report/verification-page.ts';
import { AirferryError } from '../../../src/errors.ts';
import { suite } from '../../support/suite.ts';
import { GOLDEN } from '../golden/make.ts';

const test = suite('bundle/report/page');
const HOSTILE =
  '</title></style><script src="https://evil.example/x.js">alert(1)</script><img src=x onerror=alert(1)>\u202e';

/** No tag that fetches or runs something, no handler, no link but within the page. */
function assertHarmless(page: string): void {
  const tags = page.match(/<[^>]*>/g) ?? [];
  for (const tag of tags) {
    for (const [, value] of tag.matchAll(/ (?:href|src|action)="([^"]*)"/g)) assert.match(value ?? '', /^#/);
    const bare = tag.replace(/"[^"]*"/g, '""');
    assert.not.match(bare, /^<\/?(?:script|img|iframe|link|object|embed|form|base|foreignObject)\b/i);
    assert.not.match(bare, /["\s](?:on\w+|src|style)\s*=/i);
  }
  assert.not.match(page.slice(page.indexOf('<style>'), page.indexOf('</style>')), /url\(|@import/);
}

function assertWhole(page: string): void {
  assertHarmless(page);
  assert.match(page, /^<!doctype html>\n<html lang="en">/);
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
  assert.match(policy.replaceAll('&#39;', "'"), `default-src 'none'; style-src 'sha256-${hash}'`);
  // Every link leads to a section, every element that was opened is closed.
  for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) assert.match(page, `id="${id}"`);
  const open: string[] = [];
  for (const [, end, name = '', self] of page.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
    if (self || ['meta', 'br'].includes(name)) continue;
    if (end) assert.is(open.pop(), name);
    else open.push(name);
  }
  assert.equal(open, []);
}

test('the page of a bundle is whole in itself, and the same each time', async () => {
  const page = await bundleHtml({ path: GOLDEN, airferry: '0.1.0' });
  assertWhole(page);
  assert.match(page, /<svg[^>]*>.*<title>[^<]*site\/app.*<\/svg>/s);
  assert.is(page, await bundleHtml({ path: GOLDEN, airferry: '0.1.0' }));
  for (const word of [
    'hub.company.com/site/app:1.0',
    'by 3 images',
    '/etc/motd',
    'SPDX SBOM',
    '20.10.24',
    'AF00000000000001',
  ])
    assert.match(page, word);
});

test('hostile names are shown, and do nothing', async () => {
  const bundle = await inspectBundle({ path: GOLDEN });
  const [image] = bundle.images;
  assert.ok(image);
  const page = bundlePage(
    {
      ...bundle,
      path: HOSTILE,
      name: HOSTILE,
      version: HOSTILE,
      platforms: [HOSTILE],
      daemon: { [HOSTILE]: HOSTILE },
      images: [
        {
          ...image,
          names: [HOSTILE, HOSTILE],
          platform: HOSTILE,
          created: HOSTILE,
          layers: image.layers.map(layer => ({ ...layer, mediaType: HOSTILE })),
          referrers: image.referrers.map(referrer => ({ ...referrer, title: HOSTILE })),
        },
      ],
      indexes: [],
      files: bundle.files.map(file => ({ ...file, path: HOSTILE })),
      units: bundle.units.map(unit => ({ ...unit, name: HOSTILE })),
      engine: {
        version: HOSTILE,
        archives: (bundle.engine?.archives ?? []).map(archive => ({ ...archive, components: [HOSTILE] })),
      },
    },
    HOSTILE,
  );
  assertHarmless(page);
  assert.match(page, '&#60;script src=');
  assert.not.match(page, '\u202e');
});

test('a bundle of thousands of images is a page of a size that opens', async () => {
  const bundle = await inspectBundle({ path: GOLDEN });
  const images = Array.from({ length: 3000 }, (_, i) => ({
    ...bundle.images[0],
    names: [`site/app:${i}`],
    digest: `sha256:${String(i).padStart(64, '0')}`,
  })) as typeof bundle.images;
  const page = bundlePage({ ...bundle, images, indexes: [] }, '0.1.0');
  assertWhole(page);
  assert.ok(page.length < 12e6, `${page.length}`);
});

test('evidence of a refusal names what is wrong, and is as harmless', () => {
  const error = new AirferryError('BUNDLE_CORRUPT', `${HOSTILE} is damaged`);
  const run = { version: '0.1.0', startedAt: new Date(0), finishedAt: new Date(90_000), path: HOSTILE };
  const digest = `sha256:${'ab'.repeat(32)}` as const;
  const problem = {
    kind: 'damaged',
    message: HOSTILE,
    blob: digest,
    offset: 5120,
    size: 100,
    usedBy: [HOSTILE],
  } as const;
  const report = verificationReport(run, {
    verification: {
      path: HOSTILE,
      name: HOSTILE,
      version: HOSTILE,
      digest,
      size: 1e6,
      blobs: 2,
      hashedBytes: 7000,
      references: 3,
      problems: [{ ...problem, usedBy: [HOSTILE] }],
      signature: {
        state: 'invalid',
        demanded: true,
        signatures: [{ keyId: HOSTILE, verdict: 'invalid', comment: HOSTILE, key: HOSTILE }],
      },
    },
    entries: [
      { name: HOSTILE, digest, size: 7, result: 'missing', usedBy: [] },
      { name: 'blobs/sha256/x', digest, size: 9, offset: 5120, result: 'damaged', usedBy: [HOSTILE] },
    ],
    error,
  });
  assert.is(report.result, 'refused');
  assert.equal(report.error, { code: 'BUNDLE_CORRUPT', message: error.message });
  assert.equal(
    report.entries.map(({ result }) => result),
    ['damaged', 'missing'],
    'in the order of the archive, what is missing last',
  );
  const page = verificationPage(report);
  assertWhole(page);
  assert.match(page, 'Refused');
  assert.match(page, '1 min 30 s');
});

test('a bundle that could not be opened leaves evidence of just that', () => {
  const run = { version: '0.1.0', startedAt: new Date(0), finishedAt: new Date(1), path: 'site.tar' };
  const report = verificationReport(run, {
    error: new AirferryError('BUNDLE_CORRUPT', 'the head is damaged'),
  });
  assert.equal(report.bundle, { path: 'site.tar' });
  const page = verificationPage(report);
  assertWhole(page);
  assert.match(page, 'The head is damaged.');
  assert.match(page, 'its blobs were not looked at');
  assert.not.match(page, 'was read in full');
});

test.run();
