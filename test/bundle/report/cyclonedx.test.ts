/** The rules are those of bom-1.6.schema.json, as far as the document uses them; what the schema does not know is refused. */
import * as assert from 'uvu/assert';
import { bundleCycloneDx } from '../../../src/actions/bundle-inspect.ts';
import { purlOf } from '../../../src/bundle/report/cyclonedx.ts';
import { type Digest, digestOf } from '../../../src/content/digest.ts';
import { BINARIES, engineMembers } from '../../engine/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { GOLDEN } from '../golden/make.ts';
import { create, ENGINE, writeSite } from '../rig.ts';

const test = suite('bundle/report/cyclonedx');
const TYPES = [
  'application',
  'framework',
  'library',
  'container',
  'platform',
  'operating-system',
  'device',
  'device-driver',
  'firmware',
  'file',
  'machine-learning-model',
  'data',
  'cryptographic-asset',
];
const HASHES: Record<string, RegExp> = { 'SHA-256': /^[a-f0-9]{64}$/, 'SHA-512': /^[a-f0-9]{128}$/ };

type Json = Record<string, unknown>;

function only(object: Json, required: string[], optional: string[] = []): void {
  for (const key of required) assert.ok(object[key] !== undefined, `${key} is missing`);
  for (const key of Object.keys(object))
    assert.ok([...required, ...optional].includes(key), `${key} is unknown`);
}

function unique(items: unknown[]): void {
  const texts = items.map(item => JSON.stringify(item));
  assert.is(new Set(texts).size, texts.length, 'items are unique');
}

function checkComponent(component: Json, refs: string[]): void {
  only(
    component,
    ['type', 'name'],
    ['bom-ref', 'version', 'description', 'hashes', 'purl', 'externalReferences', 'components', 'properties'],
  );
  assert.ok(TYPES.includes(component.type as string));
  for (const key of ['name', 'version', 'description', 'purl'])
    assert.ok(['string', 'undefined'].includes(typeof component[key]), key);
  assert.ok(((component.version as string) ?? '').length <= 1024);
  refs.push(component['bom-ref'] as string);
  for (const hash of (component.hashes ?? []) as Json[]) checkHash(hash);
  for (const property of (component.properties ?? []) as Json[]) {
    only(property, ['name', 'value']);
    assert.type(property.value, 'string');
  }
  for (const reference of (component.externalReferences ?? []) as Json[]) {
    only(reference, ['type', 'url'], ['comment', 'hashes']);
    assert.ok(['bom', 'attestation', 'digital-signature', 'other'].includes(reference.type as string));
    assert.match(reference.url as string, /^[\w./-]+$/);
    for (const hash of reference.hashes as Json[]) checkHash(hash);
  }
  const inner = (component.components ?? []) as Json[];
  unique(inner);
  for (const one of inner) checkComponent(one, refs);
}

function checkHash(hash: Json): void {
  only(hash, ['alg', 'content']);
  assert.match(hash.content as string, HASHES[hash.alg as string] ?? /^$/);
}

function check(bom: Json): string[] {
  only(bom, [
    '$schema',
    'bomFormat',
    'specVersion',
    'serialNumber',
    'version',
    'metadata',
    'components',
    'dependencies',
  ]);
  assert.is(bom.$schema, 'http://cyclonedx.org/schema/bom-1.6.schema.json');
  assert.is(bom.bomFormat, 'CycloneDX');
  assert.is(bom.specVersion, '1.6');
  assert.is(bom.version, 1);
  assert.match(
    bom.serialNumber as string,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const refs: string[] = [];
  const metadata = bom.metadata as Json;
  only(metadata, ['tools', 'component'], ['timestamp']);
  if (metadata.timestamp)
    assert.match(metadata.timestamp as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  only(metadata.tools as Json, ['components']);
  for (const tool of (metadata.tools as Json).components as Json[]) only(tool, ['type', 'name', 'version']);
  checkComponent(metadata.component as Json, refs);
  unique(bom.components as Json[]);
  for (const component of bom.components as Json[]) checkComponent(component, refs);
  unique(refs);
  for (const { ref, dependsOn, ...rest } of bom.dependencies as Json[]) {
    assert.equal(rest, {});
    for (const one of [ref, ...(dependsOn as string[])]) assert.ok(refs.includes(one as string), `${one}`);
  }
  return refs;
}

test('the bill of materials keeps the rules of CycloneDX 1.6, and is the same each time', async () => {
  const bom = await bundleCycloneDx({ path: GOLDEN, airferry: '0.1.0' });
  const refs = check(JSON.parse(JSON.stringify(bom)));
  assert.equal(await bundleCycloneDx({ path: GOLDEN, airferry: '0.1.0' }), bom);
  for (const ref of [
    'engine:linux/amd64',
    'engine:linux/arm64:dockerd',
    'compose:linux/arm64',
    'file:/etc/motd',
  ])
    assert.ok(refs.includes(ref), ref);
});

test("the engine's binaries have the digests of the files that a host gets", async () => {
  const dir = scratch();
  const { path } = await create(dir, await writeSite(dir));
  const bom = await bundleCycloneDx({ path, airferry: '0.1.0' });
  check(JSON.parse(JSON.stringify(bom)));
  const members = engineMembers(BINARIES[ENGINE] as string[], 'linux/amd64', 200).slice(1);
  const engine = bom.components.find(component => component.name === 'docker');
  assert.equal(
    engine?.components?.map(({ name, hashes }) => [name, hashes?.[0]?.content]),
    members.map(({ name, content }) => [
      name.replace('docker/', ''),
      digestOf(content ?? '').replace('sha256:', ''),
    ]),
  );
  assert.is(engine?.components?.find(({ name }) => name === 'dockerd')?.version, ENGINE);
  assert.is(engine?.components?.find(({ name }) => name === 'runc')?.version, undefined);
});

test('images have package URLs, and what is about them is referred to', async () => {
  const { components } = await bundleCycloneDx({ path: GOLDEN, airferry: '0.1.0' });
  const images = components.filter(({ type }) => type === 'container');
  const [amd] = images;
  const digest = `sha256:${amd?.hashes?.[0]?.content}`;
  assert.is(
    amd?.purl,
    `pkg:oci/app@${encodeURIComponent(digest)}?arch=amd64&repository_url=hub.company.com/site/app&tag=1.0`,
  );
  assert.equal(
    amd?.externalReferences?.map(({ type, comment }) => [type, comment]),
    [['attestation', 'SLSA provenance']],
  );
  assert.is(images.length, 3);
});

test('a package URL escapes what is not its own', () => {
  const one: Digest = `sha256:${'0'.repeat(64)}`;
  assert.is(
    purlOf('hub.company.com:5000/a/b:1_2', one, 'linux/arm/v7').replace(encodeURIComponent(one), 'D'),
    'pkg:oci/b@D?arch=arm%2Fv7&repository_url=hub.company.com%3A5000/a/b&tag=1_2',
  );
});

test.run();
