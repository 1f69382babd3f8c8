// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables look like that in what people render.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { imagesOfManifests, parseManifests } from '../../src/config/kubernetes.ts';
import { familiarName } from '../../src/content/reference.ts';
import { processorTime } from '../support/processor-time.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './refused.ts';

const test = suite('config/kubernetes');

/** `image line:column object container` of every place. */
function found(text: string): string[] {
  return parseManifests(text, { file: 'm.yaml' }).images.flatMap(({ reference, found }) =>
    found.map(({ where, object, container }) =>
      `${familiarName(reference)} ${where.line}:${where.column} ${object} ${container}`.trim(),
    ),
  );
}

function folderOf(files: Record<string, string>): string {
  const folder = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const pod = (image: string, name = 'p') =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec:\n  containers:\n    - { name: c, image: ${image} }\n`;

/** Where the pod's spec stands in objects of each kind. */
const KINDS: [kind: string, apiVersion: string, around: string[]][] = [
  ['Deployment', 'apps/v1', ['template']],
  ['StatefulSet', 'apps/v1', ['template']],
  ['DaemonSet', 'apps/v1', ['template']],
  ['ReplicaSet', 'apps/v1', ['template']],
  ['Job', 'batch/v1', ['template']],
  ['CronJob', 'batch/v1', ['jobTemplate', 'spec', 'template']],
  ['Rollout', 'argoproj.io/v1alpha1', ['template']],
];

for (const [kind, apiVersion, around] of KINDS) {
  test(`the containers of a ${kind} are found`, () => {
    const spec = {
      initContainers: [{ name: 'i', image: 'busybox' }],
      containers: [{ name: 'c', image: 'nginx:1.25' }],
    };
    const inner = around.reduceRight<unknown>(
      (value, key) => ({ [key]: key === 'spec' ? value : { spec: value } }),
      spec,
    );
    const nested = kind === 'CronJob' ? { jobTemplate: { spec: { template: { spec } } } } : inner;
    const text = JSON.stringify({ apiVersion, kind, metadata: { name: 'x' }, spec: nested });
    assert.equal(
      found(text).map(one => one.replace(/ \d+:\d+/, '')),
      [`busybox:latest ${kind}/x i`, `nginx:1.25 ${kind}/x c`],
    );
  });
}

test('documents and lists are gone through, and an image has all its places', () => {
  const text = `# a comment\n${pod('nginx:1')}---\nkind: ConfigMap\napiVersion: v1\ndata: { image: "not:this" }\n---\napiVersion: v1\nkind: List\nitems:\n- ${pod('nginx:1', 'q').replaceAll('\n', '\n  ')}\n`;
  assert.equal(found(text), ['nginx:1 7:25 Pod/p c', 'nginx:1 21:27 Pod/q c']);
});

test('ephemeral containers, image volumes and RELATED_IMAGE variables count', () => {
  const text =
    'apiVersion: v1\nkind: Pod\nspec:\n  ephemeralContainers: [{ name: e, image: a }]\n  containers:\n    - name: c\n      image: b\n' +
    '      env: [{ name: RELATED_IMAGE_X, value: "quay.io/x/y:1" }, { name: IMAGE, value: "c:2" }]\n' +
    '  volumes: [{ name: v, image: { reference: "quay.io/v:2" } }]\n';
  assert.equal(found(text), [
    'a:latest 4:43 Pod e',
    'b:latest 7:14 Pod c',
    'quay.io/x/y:1 8:45 Pod RELATED_IMAGE_X',
    'quay.io/v:2 9:44 Pod v',
  ]);
});

test('of custom resources an `image` with a tag or a digest counts anywhere, of others only those of containers', () => {
  const spec =
    'spec:\n  image: quay.io/prometheus/prometheus:v2.1\n  image2: x:1\n  deep: [{ image: "reg:5000/a" }, { image: word }]\n  steps: [{ name: s, image: step }]\n';
  assert.equal(found(`apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\n${spec}`), [
    'quay.io/prometheus/prometheus:v2.1 4:10 Prometheus',
    'step:latest 7:29 Prometheus s',
  ]);
  assert.equal(found(`apiVersion: apps/v1\nkind: Deployment\n${spec}`), ['step:latest 7:29 Deployment s']);
});

test('definitions of custom resources are passed over, whatever they hold', () => {
  assert.equal(
    found(
      `kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nimage: [{{\n---\n${pod('a:1')}`,
    ),
    ['a:1 10:25 Pod/p c'],
  );
});

test('what is left open, and what is known only at run time, is said', () => {
  const { images, warnings } = parseManifests(
    `${pod('auto')}---\n${pod('""', 'q')}---\n${pod('"$(params.image)"', 'r')}`,
    { file: 'm.yaml' },
  );
  assert.is(images.length, 0);
  assert.is(warnings.length, 3);
  assert.is(warnings[0], 'The image of Pod/p, c is left open, for the cluster to fill in (m.yaml:6).');
  assert.match(warnings[2] ?? '', 'is $(params.image), which is known only when it runs (m.yaml:20)');
});

test('JSON with tabs, directives, Windows line ends and a document on the line of its marker are read', () => {
  const json = JSON.stringify(
    { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c', image: 'a/b:1' }] } },
    null,
    '\t',
  );
  assert.equal(found(json.replace('a/b', 'a\\/b')), ['a/b:1 8:14 Pod c']);
  assert.equal(found(`%YAML 1.1\n---\n${pod('a:1').replaceAll('\n', '\r\n')}...\r\n`), ['a:1 8:25 Pod/p c']);
  assert.equal(found('--- { apiVersion: v1, kind: Pod, spec: { containers: [{ image: a }] } }\n'), [
    'a:latest 1:64 Pod',
  ]);
});

test('a name that is none is refused at its place, all of a file at once', async () => {
  const refused = await refusal(() =>
    parseManifests(`${pod('Nginx:1')}---\n${pod('5', 'q')}`, { file: 'm.yaml' }),
  );
  assert.is(refused.code, 'KUBERNETES_INVALID');
  assert.is(refused.where, 'm.yaml:6:25');
  assert.match(
    refused.message,
    /^the image of Pod\/p, c: "Nginx:1" is not an image name.*\n {2}m\.yaml:13:25: the image of Pod\/q, c must be text$/s,
  );
  assert.match(refused.hint, 'Write nginx:1.');
});

for (const [what, text, where] of [
  ['a template around a value', pod('{{ .Values.image }}'), 'm.yaml:6:25'],
  ['a template in quotes', pod('"{{ .Values.image }}:1"'), 'm.yaml:6:25'],
  ['a template between lines', `{{- if .Values.on }}\n${pod('a:1')}{{- end }}\n`, 'm.yaml:1:1'],
] as const) {
  test(`${what} is recognised, with the command that renders it`, async () => {
    const refused = await refusal(() => parseManifests(text, { file: 'm.yaml' }));
    assert.is(refused.where, where);
    assert.match(refused.message, /is a template, no (?:manifest|name) yet/);
    assert.match(refused.hint, 'helm template NAME FOLDER > rendered.yaml');
  });
}

test('folders are read to the bottom, in order; hidden ones, links to folders and other files are not', async () => {
  const folder = folderOf({
    'b.yaml': pod('b:1'),
    'a/deep/a.yml': pod('a:1'),
    'a/x.json': '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"j:1"}]}}',
    '.git/c.yaml': pod('c:1'),
    'values.yaml': 'image: { repository: x }\n',
    'notes.txt': pod('d:1'),
    'k/kustomization.yaml': 'images: [{ name: b, newTag: "2" }]\n',
  });
  symlinkSync(join(folder, 'a'), join(folder, 'z'));
  symlinkSync(join(folder, 'b.yaml'), join(folder, 'linked.yaml'));
  const { images, warnings, files } = await imagesOfManifests(folder);
  assert.equal(
    images.map(({ reference }) => familiarName(reference)),
    ['a:1', 'j:1', 'b:1'],
  );
  assert.is(images[2]?.found.length, 2, 'the link to a file is followed');
  assert.is(files.length, 5);
  assert.match(
    warnings.join('\n'),
    /k is for kustomize.*kubectl kustomize .*\n.*z is a link to a folder, and was not followed/,
  );
});

test('a chart, a folder without objects and a file of something else are refused', async () => {
  const chart = await refusal(() =>
    imagesOfManifests(folderOf({ 'c/Chart.yaml': '', 'c/templates/x.yaml': pod('a') })),
  );
  assert.match(chart.message, /c is a Helm chart/);
  assert.match(chart.hint, /helm template NAME .*c > rendered\.yaml/);
  const none = await refusal(() =>
    imagesOfManifests(folderOf({ 'a.yaml': 'services: { a: { image: b } }\n' })),
  );
  assert.match(none.message, 'has no Kubernetes object');
  assert.match(none.hint, '--compose');
});

test('a large file takes memory and time by its documents, not by itself', () => {
  const spent = processorTime();
  const text = Array.from({ length: 3000 }, (_, index) => pod(`a/b:${index}`, `p${index}`)).join('---\n');
  const filler = `---\napiVersion: v1\nkind: Secret\ndata:\n${'  k: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'.repeat(100)}`;
  assert.is(found(`${text}${filler.repeat(1000)}`).length, 3000);
  assert.ok(spent() < 4000, `${spent()} ms`);
});

test.run();
