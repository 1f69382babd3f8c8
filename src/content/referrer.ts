/**
 * What a referrer is: a signature, an SBOM or an attestation, told from its manifest alone. By the media types of its
 * artifact and layers, and by the predicate types that cosign, BuildKit and sigstore write into annotations.
 */
import { isObject } from '../support/is-object.ts';
import { artifactTypeOf } from './artifact.ts';
import { parseManifest } from './manifest.ts';

export type ReferrerKind = 'signature' | 'sbom' | 'attestation' | 'artifact';

export interface DescribedReferrer {
  kind: ReferrerKind;
  /** For eyes: `cosign signature`, `SPDX SBOM, attested`; the bare media type of what is not known here. */
  title: string;
}

/** in-toto predicate types in annotations: of BuildKit and cosign on layers, of sigstore bundles on the manifest. */
const PREDICATES = ['in-toto.io/predicate-type', 'predicateType', 'dev.sigstore.bundle.predicateType'];

type Rule = readonly [pattern: RegExp, kind: ReferrerKind, title: string];

const BY_PREDICATE: readonly Rule[] = [
  [/sigstore\.dev\/cosign\/sign\b/, 'signature', 'cosign signature'],
  [/spdx\.dev\//, 'sbom', 'SPDX SBOM, attested'],
  [/cyclonedx\.org\//, 'sbom', 'CycloneDX SBOM, attested'],
  [/slsa\.dev\/provenance\b/, 'attestation', 'SLSA provenance'],
  [/slsa\.dev\/verification_summary\b/, 'attestation', 'SLSA verification summary'],
  [/openvex\.dev\//, 'attestation', 'VEX, attested'],
  [/\bvulns?\b/, 'attestation', 'vulnerability report'],
];

const BY_TYPE: readonly Rule[] = [
  [/cosign\.simplesigning/, 'signature', 'cosign signature'],
  [/cncf\.notary\.signature/, 'signature', 'Notation signature'],
  [/in-toto|dsse\.envelope/, 'attestation', 'in-toto attestation'],
  [/sigstore\.bundle/, 'signature', 'sigstore signature'],
  [/spdx/, 'sbom', 'SPDX SBOM'],
  [/cyclonedx/, 'sbom', 'CycloneDX SBOM'],
  [/syft/, 'sbom', 'Syft SBOM'],
  [/\bvex\b|openvex/, 'attestation', 'VEX'],
  [/signature/, 'signature', 'signature'],
];

/** Describe a referrer by its manifest. Throws MANIFEST_INVALID. */
export function describeReferrer(bytes: Uint8Array, mediaType?: string): DescribedReferrer {
  const manifest = parseManifest(bytes, mediaType);
  if (manifest.kind === 'index') return describeType(manifest.artifactType ?? manifest.mediaType);
  const said = [annotationsOf(bytes), ...manifest.layers.map(({ annotations = {} }) => annotations)];
  const found = said.flatMap(annotations => {
    const predicate = PREDICATES.map(key => annotations[key]).find(value => typeof value === 'string');
    return predicate === undefined ? [] : [describePredicate(String(predicate))];
  });
  const types = [artifactTypeOf(manifest) ?? '', ...manifest.layers.map(({ mediaType: type }) => type)];
  if (found.length === 0) {
    const known = types.map(type => match(BY_TYPE, type)).find(one => one !== undefined);
    return known ?? describeType(types[0] ?? '');
  }
  const [first] = found as [DescribedReferrer];
  const same = found.every(({ kind }) => kind === first.kind);
  const title = [...new Set(found.map(one => one.title))].join(' and ');
  return { kind: same ? first.kind : 'attestation', title };
}

/** What a media type alone tells. */
export function describeType(mediaType: string): DescribedReferrer {
  return match(BY_TYPE, mediaType) ?? { kind: 'artifact', title: mediaType || 'artifact' };
}

function describePredicate(predicate: string): DescribedReferrer {
  return match(BY_PREDICATE, predicate) ?? { kind: 'attestation', title: 'in-toto attestation' };
}

function match(rules: readonly Rule[], text: string): DescribedReferrer | undefined {
  const rule = rules.find(([pattern]) => pattern.test(text));
  return rule && { kind: rule[1], title: rule[2] };
}

function annotationsOf(bytes: Uint8Array): Record<string, unknown> {
  const { annotations } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { annotations?: unknown };
  return isObject(annotations) ? annotations : {};
}
