/** Reports in files: begun before the work that they are about, so that a full disk or a wrong path is known at once. */
import { extname } from 'node:path';
import { AirferryError } from '../errors.ts';
import { PendingFile } from '../support/write-file.ts';

/** What a report may be written as, by the end of its file's name. */
export type ReportFormat = 'json' | 'html';

/** The format of a report's file. Throws USAGE for another than .json and .html. */
export function reportFormat(path: string): ReportFormat {
  const end = extname(path).toLowerCase();
  if (end === '.json') return 'json';
  if (end === '.html' || end === '.htm') return 'html';
  throw new AirferryError('USAGE', `--report ${path}: a report's name ends in .json or .html`, {
    suggestions: [`--report ${path}.json --report ${path}.html`],
  });
}

/** Files under way; nothing stands under their names until `commit`. */
export class ReportFiles {
  readonly #files: { format: ReportFormat; file: PendingFile }[] = [];

  /** Throws USAGE, FILE_UNWRITABLE. */
  static async begin(paths: readonly string[]): Promise<ReportFiles> {
    const formats = paths.map(reportFormat);
    const begun = new ReportFiles();
    try {
      for (const [i, path] of paths.entries())
        begun.#files.push({ format: formats[i] ?? 'json', file: await PendingFile.create(path) });
    } catch (error) {
      await begun.discard();
      throw error;
    }
    return begun;
  }

  /** Write each in its format. Throws FILE_UNWRITABLE, DISK_FULL. */
  async commit(text: (format: ReportFormat) => string): Promise<void> {
    for (const { format, file } of this.#files) {
      await file.append(Buffer.from(text(format)));
      await file.commit();
    }
    this.#files.length = 0;
  }

  /** Leave no trace of what is not committed. */
  async discard(): Promise<void> {
    for (const { file } of this.#files) await file.discard();
    this.#files.length = 0;
  }
}
