/** Packing the tools beside the engine: what their publishers offer becomes plain files for the hosts of a platform. */
import type { Recipe } from '../config/recipe.ts';
import type { ToolName, ToolSpec } from '../config/tools.ts';
import { ELF_HEAD_BYTES, elfPlatform, samePlatform } from '../engine/elf.ts';
import { describeHead, isGzip } from '../engine/sniff.ts';
import { AirferryError } from '../errors.ts';
import { decompress } from '../support/compress.ts';
import { formatBytes } from '../support/format.ts';
import { peek } from '../support/peek.ts';
import type { TarHeader } from '../tar/header.ts';
import { walkTar } from '../tar/walk.ts';
import { inRecipe } from './in-recipe.ts';
import { type InputContext, openInput } from './inputs.ts';
import { FILE_TYPE } from './manifest.ts';
import type { BundleContent, BundleWriter } from './writer.ts';

type Bytes = AsyncIterable<Uint8Array>;
type PackedFile = BundleContent['files'][number];

/** How a tool is published, the program that it is about, and the folder that its programs go to on a host. */
const TOOLS: Record<ToolName, { form: 'program' | 'archive'; program: string; folder: string }> = {
  // Docker's CLI looks for plugins there, as for compose.
  buildx: { form: 'program', program: 'docker-buildx', folder: '/usr/local/lib/docker/cli-plugins' },
  crictl: { form: 'archive', program: 'crictl', folder: '/usr/local/bin' },
  registry: { form: 'archive', program: 'registry', folder: '/usr/local/bin' },
  nerdctl: { form: 'archive', program: 'nerdctl', folder: '/usr/local/bin' },
  'rootless-extras': { form: 'archive', program: 'rootlesskit', folder: '/usr/local/bin' },
};

const LIMITS = { members: 64, totalBytes: 2 ** 30 };
const PROGRAM = /^(?:\.\/)?(?:docker-rootless-extras\/)?([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;

/**
 * The tools' programs for each platform, as files of the bundle. Throws ARCHIVE_INVALID, ARCHIVE_TRUNCATED, PLATFORM_MISMATCH,
 * and RECIPE_INVALID where a file of the recipe goes to the same place.
 */
export async function packTools(
  writer: BundleWriter,
  recipe: Recipe,
  context: InputContext,
): Promise<PackedFile[]> {
  const files: PackedFile[] = [];
  for (const tool of recipe.tools) {
    for (const source of tool.sources) {
      await inRecipe(recipe, source.at, async () => {
        const input = openInput(source, tool, context);
        const place = { writer, archive: input.name, platform: source.platform };
        files.push(...(await packTool(tool.name, input.open(), place)));
      });
    }
    await inRecipe(recipe, tool.at, () => assertFree(tool, files, recipe));
  }
  return files;
}

interface Place {
  writer: BundleWriter;
  /** What messages call the file. */
  archive: string;
  platform: string;
}

async function packTool(name: ToolName, bytes: Bytes, place: Place): Promise<PackedFile[]> {
  const { form, program } = TOOLS[name];
  const { head, whole } = await peek(bytes, ELF_HEAD_BYTES);
  if (form === 'program') {
    const packed = await packProgram(name, program, head, whole, place);
    if (packed) return [packed];
    throw unusable(place, `is ${describeHead(head) ?? 'no program'}, where a program should be`);
  }
  if (!isGzip(head))
    throw unusable(place, `is ${describeHead(head) ?? 'no archive'}, where a .tar.gz should be`);
  const files: PackedFile[] = [];
  const unpacked = limited(decompress(whole, 'gzip', place.archive), place);
  for await (const { header, body } of walkTar(unpacked, place.archive, LIMITS.members)) {
    const file = programName(header, place);
    if (file === undefined) continue;
    const start = await peek(body, ELF_HEAD_BYTES);
    const packed = await packProgram(name, file, start.head, start.whole, place);
    if (packed && files.some(({ path }) => path === packed.path))
      throw unusable(place, `holds ${file} twice`);
    if (packed) files.push(packed);
  }
  if (!files.some(({ path }) => path.endsWith(`/${program}`))) throw unusable(place, `holds no ${program}`);
  return files;
}

/** Undefined for what is neither a binary nor a script: a licence, a manual. */
async function packProgram(
  tool: ToolName,
  file: string,
  head: Uint8Array,
  bytes: Bytes,
  { writer, archive, platform }: Place,
): Promise<PackedFile | undefined> {
  const built = elfPlatform(head);
  const script = head[0] === 0x23 && head[1] === 0x21;
  if (built === undefined && !script) return undefined;
  if (built !== undefined && !samePlatform(built, platform))
    throw new AirferryError(
      'PLATFORM_MISMATCH',
      `${archive} is built for ${built}; the recipe says ${platform}`,
      {
        where: { file: archive },
        suggestions: [`Fetch ${tool} for ${platform}.`],
      },
    );
  const { descriptor } = await writer.putBlob({ mediaType: FILE_TYPE, open: () => bytes });
  const { digest, size } = descriptor;
  return { path: `${TOOLS[tool].folder}/${file}`, mode: '0755', digest, size, platform };
}

/** The name of a plain file; undefined for a folder, and for what lies in folders below. */
function programName({ name, type, mode }: TarHeader, place: Place): string | undefined {
  if (type === 'directory' || name.endsWith('/')) return undefined;
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw unusable(place, 'has a member that leads out of it');
  if (type !== 'file') throw unusable(place, 'has a member that is no plain file');
  if (mode & 0o6000) throw unusable(place, 'has a member that is setuid or setgid');
  return PROGRAM.exec(name)?.[1];
}

/** Stops a small archive that decompresses without end. */
async function* limited(bytes: Bytes, place: Place): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > LIMITS.totalBytes)
      throw unusable(place, `unpacks to more than ${formatBytes(LIMITS.totalBytes)}`);
    yield chunk;
  }
}

function assertFree(tool: ToolSpec, packed: readonly PackedFile[], recipe: Recipe): void {
  const taken = recipe.files.find(({ to }) => packed.some(({ path }) => path === to));
  if (!taken) return;
  throw new AirferryError(
    'RECIPE_INVALID',
    `${taken.to} is written by \`files\` and by \`tools.${tool.name}\``,
    {
      suggestions: ['Leave one of them out.'],
    },
  );
}

function unusable({ archive }: Place, why: string): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `${archive} ${why}`, {
    where: { file: archive },
    suggestions: ['Use the file as its publisher offers it for download.'],
  });
}
