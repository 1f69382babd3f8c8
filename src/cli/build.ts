/**
 * Run by `npm run build`: makes `dist` out of `src`. All that a command needs goes into few files, ours and those of the
 * packages: an operator starts airferry many times, and Node takes longer to find a thousand small files than to run
 * them. Then the manifest is written, with what oclif would otherwise ask of every command at each start.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Plugin as OclifPlugin } from '@oclif/core/config';
import { build, type Metafile, type Plugin } from 'esbuild';
import { PACKAGE_ROOT } from '../support/package-root.ts';

const SOURCES = fileURLToPath(PACKAGE_ROOT);
/** What is started by its file name: the program, each of its commands, and its threads. */
const ENTRIES = ['src/main.ts', 'src/commands/**/*.ts', 'src/support/*-worker.ts'];
/** Packages that were written for CommonJS call `require` for what Node brings along. */
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
const LICENSE_FILES = '{LICEN[CS]E,licen[cs]e,COPYING,NOTICE}*';

/**
 * `import` asks a module of Node for all that it exports, and has HTTP load its WebSocket for nobody. This way it is asked
 * for no more than is used, when it is used.
 */
const LAZY_HTTP: Plugin = {
  name: 'lazy-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:https?$/ }, ({ path }) => ({ path, namespace: 'node' }));
    onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

/**
 * What oclif does at each start and is of no use here. It sorts commands that its manifest has sorted, by the rules of a
 * language, which have to be loaded for that; it loads what searches folders for commands and plugins, though there is a
 * manifest, and no plugin; and it looks whether this is Linux within Windows.
 */
const LEAN_OCLIF: Record<string, [from: string, to: string][]> = {
  'config/plugin.js': [
    ['.sort((a, b) => a.id.localeCompare(b.id))', ''],
    ['const tinyglobby_1 = require("tinyglobby");', ''],
    ['(0, tinyglobby_1.glob)(', 'require("tinyglobby").glob('],
  ],
  'config/plugin-loader.js': [
    ['const minimatch_1 = require("minimatch");', ''],
    ['(0, minimatch_1.minimatch)(', 'require("minimatch").minimatch('],
  ],
  'util/os.js': [
    ["(await import('wsl-utils')).isWsl ? 'wsl' : (0, node_os_1.platform)()", '(0, node_os_1.platform)()'],
  ],
};

const LEAN_START: Plugin = {
  name: 'lean-start',
  setup({ onLoad }) {
    onLoad({ filter: /@oclif\/core\/lib\/.*\.js$/ }, ({ path }) => {
      const changes = LEAN_OCLIF[path.replace(/^.*\/lib\//, '')];
      if (!changes) return undefined;
      let contents = readFileSync(path, 'utf8');
      for (const [from, to] of changes) {
        if (!contents.includes(from)) throw new Error(`${path} has no ${from} any more`);
        contents = contents.replace(from, to);
      }
      return { contents };
    });
  },
};

/** Make `dist` and `oclif.manifest.json` in a folder that has the package.json. Gives back what was made, in words. */
export async function buildProgram(home: string): Promise<string> {
  rmSync(`${home}/dist`, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: SOURCES,
    entryPoints: globSync(ENTRIES, { cwd: SOURCES }).sort(),
    outbase: 'src',
    outdir: `${home}/dist`,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    banner: { js: BANNER },
    plugins: [LAZY_HTTP, LEAN_START],
    // Compiled parts of ssh2, which does without them.
    external: ['*.node', 'cpu-features'],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  const packages = packagesIn(metafile);
  writeFileSync(`${home}/dist/LICENSES.txt`, licensesOf(packages));
  const pjson = JSON.parse(readFileSync(`${home}/package.json`, 'utf8'));
  const plugin = new OclifPlugin({
    root: home,
    pjson,
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
  });
  await plugin.load();
  writeFileSync(`${home}/oclif.manifest.json`, `${JSON.stringify(plugin.manifest, null, 2)}\n`);
  const commands = Object.keys(plugin.manifest.commands).length;
  return `dist: ${commands} commands, with parts of ${packages.length} packages`;
}

/** The folders of the packages that went in. */
function packagesIn({ inputs }: Metafile): string[] {
  const folders = Object.keys(inputs).flatMap(path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].sort();
}

/** Their licenses, which have to go where their code goes. */
function licensesOf(packages: readonly string[]): string {
  const texts = packages.map(folder => {
    const cwd = `${SOURCES}${folder}`;
    const { name, version, license } = JSON.parse(readFileSync(`${cwd}/package.json`, 'utf8'));
    const said = globSync(LICENSE_FILES, { cwd }).sort();
    return [
      `${name} ${version} (${license})`,
      ...said.map(file => readFileSync(`${cwd}/${file}`, 'utf8').trim()),
    ].join('\n\n');
  });
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

if (import.meta.main) process.stdout.write(`${await buildProgram(SOURCES)}\n`);
