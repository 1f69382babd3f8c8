/**
 * Makes the golden bundles of format 1: `node test/bundle/golden/make.ts FOLDER`. Everything in it is written here, and what is
 * compressed is only wrapped, so that the same bytes come out wherever and whenever it is made. A golden bundle that was
 * released is never made anew: a newer format gets a file of its own beside it.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { splitBundle } from '../../../src/actions/bundle-split.ts';
import type { FarSide } from '../../../src/bundle/delta/far-side.ts';
import { formatReceipt } from '../../../src/bundle/delta/receipt.ts';
import type { SecretKey } from '../../../src/bundle/sign/secret-key.ts';
import { signPending } from '../../../src/bundle/sign/sign.ts';
import { BundleWriter } from '../../../src/bundle/writer.ts';
import { type Digest, digestOf } from '../../../src/content/digest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from '../../../src/content/media-types.ts';
import { parseReference } from '../../../src/content/reference.ts';
import { Meter } from '../../../src/support/meter.ts';
import { PendingFile } from '../../../src/support/write-file.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../../src/tar/write.ts';
import { NOWHERE, WITHIN } from '../../../src/transports/homes.ts';

export const GOLDEN = new URL('v1.tar', import.meta.url).pathname;
/** Cut against a bundle that `makeBase` makes. */
export const GOLDEN_DELTA = new URL('v1-delta.tar', import.meta.url).pathname;
/** That bundle in two parts, with parity. */
export const GOLDEN_PARTS = new URL('v1-parts', import.meta.url).pathname;
/** A receipt over a registry and a host. */
export const GOLDEN_RECEIPT = new URL('v1.receipt', import.meta.url).pathname;
export const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;
/** ELF machines: what tells a binary's platform. */
const MACHINES = { 'linux/amd64': 62, 'linux/arm64': 183 } as const;
const BINARIES = ['containerd', 'docker', 'dockerd', 'runc'];
/** Those of airferry 0.1.0. */
const UNITS = [
  'containerd.service',
  'docker.service',
  'docker.socket',
  'drop-ins/containerd-notify.conf',
  'drop-ins/docker-containerd-socket.conf',
  'drop-ins/docker-containerd.conf',
  'drop-ins/docker-socket.conf',
  'drop-ins/nofile-hard.conf',
  'drop-ins/nofile-infinity.conf',
  'drop-ins/nofile-soft-hard.conf',
  'drop-ins/start-limit-219.conf',
  'drop-ins/start-limit.conf',
  'drop-ins/tasks-max.conf',
];

/** The key that signed it. It guards nothing. */
export const KEY: SecretKey = secretKey('AF00000000000001', Buffer.alloc(32, 0x07));

function secretKey(keyId: string, seed: Buffer): SecretKey {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { keyId, seed, publicKey: Buffer.from(x, 'base64url') };
}

/** Write the bundle; the digest that stands for it. */
export async function makeGolden(path: string): Promise<Digest> {
  const file = await PendingFile.create(path);
  const writer = new BundleWriter(file);
  const archives = [];
  const binaries = [];
  for (const platform of PLATFORMS) {
    const members = BINARIES.map(name => [`docker/${name}`, elf(platform, name)] as const);
    const archive = wrapped(await tarOf(members));
    const type = 'application/vnd.airferry.engine.v1.tar+gzip';
    archives.push({ platform, ...(await put(writer, type, archive)), components: BINARIES });
    const compose = elf(platform, 'docker-compose');
    binaries.push({ platform, ...(await put(writer, 'application/vnd.airferry.file.v1', compose)) });
  }
  const unit = await put(writer, 'application/vnd.airferry.file.v1', Buffer.from('[Unit]\n'));
  const motd = await put(writer, 'application/vnd.airferry.file.v1', Buffer.from('welcome\n'));
  await writeImages(writer);
  const name = 'golden';
  const version = '1';
  const { digest, manifest } = await writer.finish({
    name,
    version,
    platforms: [...PLATFORMS],
    engine: { version: '20.10.24', archives },
    compose: { version: '2.29.7', binaries },
    units: Object.fromEntries(UNITS.map(unitName => [unitName, unit])),
    daemon: { 'insecure-registries': ['hub.company.com'] },
    files: [
      { path: '/etc/motd', mode: '0644', ...motd },
      // The content is that of compose, so that it takes no room.
      ...binaries.map(binary => ({ path: '/usr/local/bin/crictl', mode: '0755', ...binary })),
    ],
  });
  await signPending(file, { name, version, digest, manifest }, KEY, 'timestamp:1767225600\tbundle:golden 1');
  await file.commit();
  return digest;
}

/** A bundle with one layer that is large enough to be left out. Not committed: the cut one names it by digest. */
export function makeBase(path: string): Promise<Digest> {
  return makeLarge(path, 'base', undefined);
}

/** The same content under another name, without that layer. */
export async function makeDelta(path: string, base: Digest): Promise<Digest> {
  const absent: Digest[] = [];
  const cut = {
    leaveOut({ digest, size }: { digest: Digest; size: number }) {
      if (size < 64 * 1024) return false;
      absent.push(digest);
      return true;
    },
    get delta() {
      return {
        bases: [{ kind: 'bundle' as const, name: 'base 1', digest: base }],
        absent: absent.map(digest => ({ digest, bases: [0] })),
      };
    },
  };
  return makeLarge(path, 'delta', cut as unknown as FarSide);
}

/** The parts of that base, `base.tar.001` and so on, into a folder. */
export async function makeParts(folder: string, base: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const output = join(folder, 'base.tar');
  await splitBundle({ path: base, output, partSize: 64 * 1024, parity: true, meter: new Meter() });
}

/** The bytes of the receipt. */
export function makeReceipt(): Uint8Array {
  const [first, second, third] = ['first', 'second', 'third'].map(text => digestOf(text)) as Digest[];
  const registry = { place: 'docker://hub.company.com', layers: new Set<Digest>() };
  return formatReceipt(
    [
      {
        ...registry,
        blobs: new Map([
          [second as Digest, 7],
          [first as Digest, 1234],
        ]),
      },
      {
        place: 'host h1',
        blobs: new Map([[third as Digest, undefined]]),
        layers: new Set([first as Digest]),
      },
    ],
    new Date('2026-01-01T00:00:00Z'),
  );
}

async function makeLarge(path: string, name: string, farSide: FarSide | undefined): Promise<Digest> {
  const file = await PendingFile.create(path);
  const writer = new BundleWriter(file, { ...(farSide && { farSide }) });
  await image(
    writer,
    'linux/amd64',
    [await tarOf([['large', Buffer.alloc(64 * 1024, 'large ')]])],
    'large:1',
  );
  const content = { name, version: '1', platforms: ['linux/amd64'], units: {}, daemon: {}, files: [] };
  const { digest } = await writer.finish(content);
  await file.commit();
  return digest;
}

/** One image for two platforms with an attestation, an SBOM and a signature; and one that is all shared with it. */
async function writeImages(writer: BundleWriter): Promise<void> {
  const base = await tarOf([['etc/base', Buffer.from('base')]]);
  const children: object[] = [];
  for (const platform of PLATFORMS) {
    const layers = [base, await tarOf([['app', Buffer.from(platform)]])];
    const child = await image(writer, platform, layers);
    children.push({ ...child, platform: platformOf(platform) });
    if (platform === 'linux/amd64') children.push(await attestation(writer, child.digest));
  }
  const index = document(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: children });
  await writer.putManifest(index, parseReference('hub.company.com/site/app:1.0'));
  const sbom = await referrer(writer, 'application/spdx+json', { spdxVersion: 'SPDX-2.3' }, index.descriptor);
  await referrer(writer, 'application/vnd.cncf.notary.signature', { signed: true }, sbom);
  await image(writer, 'linux/amd64', [base], 'tool:2');
}

async function image(writer: BundleWriter, platform: string, tars: Buffer[], name?: string) {
  const { os, architecture } = platformOf(platform);
  const config = await put(
    writer,
    OCI_CONFIG,
    json({
      created: '2026-01-01T00:00:00Z',
      architecture,
      os,
      config: { Cmd: ['/app'] },
      rootfs: { type: 'layers', diff_ids: tars.map(tar => digestOf(tar)) },
    }),
  );
  const layers = [];
  for (const tar of tars) {
    const descriptor = { mediaType: OCI_LAYER, digest: digestOf(tar), size: tar.length };
    async function* open() {
      yield tar;
    }
    layers.push((await writer.putBlob({ descriptor, open })).descriptor);
  }
  const manifest = document(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, ...config },
    layers,
  });
  await writer.putManifest(manifest, name === undefined ? WITHIN : parseReference(name));
  return manifest.descriptor;
}

/** As BuildKit writes one: an entry of the index for no platform. */
async function attestation(writer: BundleWriter, subject: Digest): Promise<object> {
  const type = 'application/vnd.in-toto+json';
  const predicate = 'https://slsa.dev/provenance/v1';
  const statement = json({ _type: 'https://in-toto.io/Statement/v1', predicateType: predicate });
  const layer = { mediaType: type, ...(await put(writer, type, statement)) };
  const unknown = { os: 'unknown', architecture: 'unknown' };
  const config = await put(
    writer,
    OCI_CONFIG,
    json({ ...unknown, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(statement)] } }),
  );
  const manifest = document(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, ...config },
    layers: [{ ...layer, annotations: { 'in-toto.io/predicate-type': predicate } }],
  });
  await writer.putManifest(manifest, WITHIN);
  return {
    ...manifest.descriptor,
    platform: unknown,
    annotations: {
      'vnd.docker.reference.digest': subject,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
  };
}

async function referrer(writer: BundleWriter, artifactType: string, content: object, subject: object) {
  const empty = 'application/vnd.oci.empty.v1+json';
  const manifest = document(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: { mediaType: empty, ...(await put(writer, empty, Buffer.from('{}'))) },
    layers: [{ mediaType: artifactType, ...(await put(writer, artifactType, json(content))) }],
    subject,
  });
  await writer.putManifest(manifest, NOWHERE);
  return manifest.descriptor;
}

async function put(writer: BundleWriter, mediaType: string, bytes: Buffer) {
  const { digest, size } = await writer.putBytes(mediaType, bytes);
  return { digest, size };
}

function document(mediaType: string, content: object) {
  const bytes = json(content);
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function json(content: object): Buffer {
  return Buffer.from(JSON.stringify(content));
}

function platformOf(text: string) {
  const [os = '', architecture = ''] = text.split('/');
  return { os, architecture };
}

/** Gzip without compression: every zlib writes the same. */
function wrapped(bytes: Buffer): Buffer {
  const gzip = gzipSync(bytes, { level: 0 });
  // The operating system that zlib was built on.
  gzip[9] = 0xff;
  return gzip;
}

async function tarOf(files: readonly (readonly [string, Buffer])[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (const [name, content] of files)
    parts.push(await fileHeader(name, content.length, 0o755), content, padding(content.length));
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** The header of a program for a platform, and its name, so that no two are alike. */
function elf(platform: keyof typeof MACHINES, name: string): Buffer {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(MACHINES[platform], 18);
  head.writeUInt32LE(1, 20);
  return Buffer.concat([head, Buffer.from(name)]);
}

const [script, folder] = process.argv.slice(1);
if (script === import.meta.filename) {
  if (folder === undefined) throw new Error('usage: node test/bundle/golden/make.ts FOLDER');
  const base = await makeBase(join(folder, 'base.tar'));
  const made = [
    await makeGolden(join(folder, basename(GOLDEN))),
    await makeDelta(join(folder, basename(GOLDEN_DELTA)), base),
  ];
  await makeParts(join(folder, basename(GOLDEN_PARTS)), join(folder, 'base.tar'));
  await writeFile(join(folder, basename(GOLDEN_RECEIPT)), makeReceipt());
  process.stdout.write(`${made.join('\n')}\n`);
}
