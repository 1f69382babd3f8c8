/**
 * The images that Kubernetes manifests name: files of YAML or JSON with any number of documents, or folders of them.
 * Charts and templates are recognised, and refused with the command that renders them.
 */
import { formatReference, parseReference, type Reference } from '../content/reference.ts';
import { AirferryError, type ErrorCode, isAirferryError, type Where } from '../errors.ts';

import { parseForeignYaml, type YamlDocument } from './document.ts';
import { type DocumentText, documentTexts } from './kubernetes-documents.ts';
import { manifestFiles } from './kubernetes-files.ts';
import { isKubernetesObject, type NamedImage, namedImages } from './kubernetes-object.ts';
import { type Position, type Problem, printable, problemsError } from './problem.ts';
import { readText } from './read.ts';

export interface ManifestImage {
  reference: Reference;
  /** Everywhere that names it, at least one; `object` as `Deployment/web`, `container` its name there, if it has one. */
  found: { where: Where; object: string; container: string }[];
}

export interface ManifestImages {
  /** The files that were read. */
  files: string[];
  /** Each once, in the order in which they were found. */
  images: ManifestImage[];
  /** Whole sentences. */
  warnings: string[];
}

const CODE: ErrorCode = 'KUBERNETES_INVALID';
/** Bytes of a file: what some projects publish as one file has 5 MB. */
const MOST_BYTES = 32 << 20;
/** Lexical pieces of one document. */
const MOST_PIECES = 1_000_000;
const MOST_PROBLEMS = 100;
const RENDER = [
  'If it belongs to a Helm chart, render the chart first: helm template NAME FOLDER > rendered.yaml',
  'Then name the rendered file.',
];

/**
 * The images of a file, or of all *.yaml, *.yml and *.json files in a folder and its folders. Documents that are no
 * Kubernetes objects are passed over. Throws FILE_NOT_FOUND, FILE_UNREADABLE, and KUBERNETES_INVALID with file, line and
 * column, also where there is no object at all.
 */
export async function imagesOfManifests(path: string): Promise<ManifestImages> {
  const { files, warnings } = await manifestFiles(path);
  const gathered = new Gathered();
  for (const file of files) {
    const text = await readText({ file, code: CODE }, 'Name a manifest, or a folder of them.', MOST_BYTES);
    readManifests(text, file, gathered);
  }
  if (gathered.objects === 0) {
    throw new AirferryError(CODE, `${path} has no Kubernetes object`, {
      where: { file: path },
      suggestions: [
        'An object has `apiVersion` and `kind`. Compose files are read with --compose, by init with --from-compose.',
      ],
    });
  }
  return {
    files,
    images: [...gathered.images.values()],
    warnings: [...warnings, ...gathered.warnings],
  };
}

/** The images in the text of one manifest file. Throws KUBERNETES_INVALID. */
export function parseManifests(text: string, { file }: { file: string }): Omit<ManifestImages, 'files'> {
  const gathered = new Gathered();
  readManifests(text, file, gathered);
  return { images: [...gathered.images.values()], warnings: [...gathered.warnings] };
}

/** What the files so far name. */
class Gathered {
  readonly images = new Map<string, ManifestImage>();
  readonly warnings = new Set<string>();
  objects = 0;

  add(reference: Reference, found: ManifestImage['found'][number]): void {
    const key = formatReference(reference);
    const image = this.images.get(key);
    if (image === undefined) this.images.set(key, { reference, found: [found] });
    else image.found.push(found);
  }
}

function readManifests(text: string, file: string, gathered: Gathered): void {
  const problems: Problem[] = [];
  for (const part of documentTexts(text)) {
    if (!part.mayNameImages) {
      if (/^[ \t{]*["']?kind["']?[ \t]*:/m.test(part.text)) gathered.objects++;
      continue;
    }
    for (const document of parse(part, file)) {
      if (!isKubernetesObject(document.value)) continue;
      gathered.objects++;
      for (const image of namedImages(document.value)) {
        if (problems.length < MOST_PROBLEMS) take(image, document, gathered, problems);
      }
    }
  }
  if (problems.length > 0) throw problemsError(problems, { file, code: CODE });
}

function parse({ text, firstLine }: DocumentText, file: string): YamlDocument[] {
  try {
    return parseForeignYaml(text, { file, code: CODE }, { firstLine, most: MOST_PIECES });
  } catch (error) {
    const action = templateAction(text);
    if (!isAirferryError(error, CODE) || action === undefined) throw error;
    const at = { line: firstLine + action.line - 1, column: action.column };
    throw problemsError([{ message: 'this is a template, no manifest yet', at, suggestions: RENDER }], {
      file,
      code: CODE,
    });
  }
}

/** Where a text has the first of the marks by which Helm and its like find what to replace. */
function templateAction(text: string): Position | undefined {
  for (const [index, line] of text.split('\n').entries()) {
    const column = line.indexOf('{{');
    if (column >= 0) return { line: index + 1, column: column + 1 };
  }
  return undefined;
}

function take(named: NamedImage, document: YamlDocument, gathered: Gathered, problems: Problem[]): void {
  const { image, path, object, container } = named;
  const at = document.locate(path);
  const whose = `the image of ${printable(object)}${container === '' ? '' : `, ${printable(container)}`}`;
  if (image === undefined || image === null || image === '' || image === 'auto') {
    gathered.warnings.add(
      `${sentence(whose)} is left open, for the cluster to fill in (${document.file}:${at.line}).`,
    );
  } else if (typeof image !== 'string') problems.push({ message: `${whose} must be text`, at });
  else if (image.includes('{{'))
    problems.push({ message: `${whose} is a template, no name yet`, at, suggestions: RENDER });
  else if (image.includes('$(') || image.includes('${')) {
    gathered.warnings.add(
      `${sentence(whose)} is ${printable(image)}, which is known only when it runs (${document.file}:${at.line}): name what it stands for with --images.`,
    );
  } else {
    try {
      gathered.add(parseReference(image.trim()), {
        where: { file: document.file, ...at },
        object,
        container,
      });
    } catch (error) {
      if (!isAirferryError(error)) throw error;
      problems.push({ message: `${whose}: ${error.message}`, at, suggestions: error.suggestions });
    }
  }
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
