import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { describeReferrer } from '../../src/content/referrer.ts';
import { suite } from '../support/suite.ts';

const test = suite('content/referrer');
const EMPTY = 'application/vnd.oci.empty.v1+json';

interface Shape {
  artifactType?: string;
  config?: string;
  layers: [mediaType: string, annotations?: Record<string, string>][];
  annotations?: Record<string, string>;
}

function describe({ artifactType, config = EMPTY, layers, annotations }: Shape): string {
  const digest = digestOf('x');
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(artifactType && { artifactType }),
    config: { mediaType: config, digest, size: 2 },
    layers: layers.map(([mediaType, said]) => ({ mediaType, digest, size: 1, annotations: said })),
    annotations,
  };
  const { kind, title } = describeReferrer(Buffer.from(JSON.stringify(manifest)));
  return `${kind}: ${title}`;
}

test('what cosign attaches is told by its layers and their predicate types', () => {
  const envelope = 'application/vnd.dsse.envelope.v1+json';
  const attested = (predicateType: string) =>
    describe({ config: OCI_CONFIG, layers: [[envelope, { predicateType }]] });
  assert.is(
    describe({ config: OCI_CONFIG, layers: [['application/vnd.dev.cosign.simplesigning.v1+json']] }),
    'signature: cosign signature',
  );
  assert.is(attested('https://spdx.dev/Document'), 'sbom: SPDX SBOM, attested');
  assert.is(attested('https://cyclonedx.org/bom'), 'sbom: CycloneDX SBOM, attested');
  assert.is(attested('https://slsa.dev/provenance/v1'), 'attestation: SLSA provenance');
  assert.is(attested('https://cosign.sigstore.dev/attestation/vuln/v1'), 'attestation: vulnerability report');
  assert.is(attested('https://openvex.dev/ns/v0.2.0'), 'attestation: VEX, attested');
  assert.is(attested('https://example.com/own'), 'attestation: in-toto attestation');
  assert.is(describe({ config: OCI_CONFIG, layers: [['text/spdx+json']] }), 'sbom: SPDX SBOM');
});

test('a bundle of sigstore is a signature, unless its predicate is another', () => {
  const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const of = (predicate: string | undefined) =>
    describe({
      artifactType,
      layers: [[artifactType]],
      ...(predicate && { annotations: { 'dev.sigstore.bundle.predicateType': predicate } }),
    });
  assert.is(of(undefined), 'signature: sigstore signature');
  assert.is(of('https://sigstore.dev/cosign/sign/v1'), 'signature: cosign signature');
  assert.is(of('https://slsa.dev/provenance/v1'), 'attestation: SLSA provenance');
});

test('what BuildKit attests is named one by one', () => {
  const type = 'application/vnd.in-toto+json';
  const said = (predicate: string): [string, Record<string, string>] => [
    type,
    { 'in-toto.io/predicate-type': predicate },
  ];
  assert.is(
    describe({
      config: OCI_CONFIG,
      layers: [said('https://spdx.dev/Document'), said('https://slsa.dev/provenance/v0.2')],
    }),
    'attestation: SPDX SBOM, attested and SLSA provenance',
  );
});

test('notation, oras and others are told by the artifact type', () => {
  const of = (artifactType: string) => describe({ artifactType, layers: [['application/octet-stream']] });
  assert.is(of('application/vnd.cncf.notary.signature'), 'signature: Notation signature');
  assert.is(of('application/spdx+json'), 'sbom: SPDX SBOM');
  assert.is(of('application/vnd.cyclonedx+xml'), 'sbom: CycloneDX SBOM');
  assert.is(of('application/vnd.example.thing'), 'artifact: application/vnd.example.thing');
});

test('an index that is about something is told by its artifact type, too', () => {
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, artifactType: 'text/spdx', manifests: [] };
  assert.equal(describeReferrer(Buffer.from(JSON.stringify(index))), { kind: 'sbom', title: 'SPDX SBOM' });
});

test('annotations that are no text are left out of account', () => {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: EMPTY, digest: digestOf('x'), size: 2 },
      layers: [],
      annotations: { predicateType: { toString: 'x' }, 'in-toto.io/predicate-type': 7 },
    }),
  );
  assert.equal(describeReferrer(bytes), { kind: 'artifact', title: EMPTY });
});

test.run();
