/** Gathers what is wrong in a document beyond its shape, so that all of it is told at once. */
import type { YamlDocument } from './document.ts';
import { type Path, type Position, type Problem, problemsError } from './problem.ts';

export class Report {
  readonly #document: YamlDocument;
  readonly #problems: Problem[] = [];

  constructor(document: YamlDocument) {
    this.#document = document;
  }

  /** Whether so much is wrong that looking further would help nobody. */
  get full(): boolean {
    return this.#problems.length >= 100;
  }

  /** Note a mistake at a path: a sentence without a full stop, and what to do about it. */
  add(path: Path, message: string, what: 'key' | 'value' = 'value', ...suggestions: string[]): void {
    this.#problems.push({ message, at: this.at(path, what), suggestions });
  }

  at(path: Path, what: 'key' | 'value' = 'value'): Position {
    return this.#document.locate(path, what);
  }

  /** Throw everything noted as one error of the document's code. */
  throwIfAny(): void {
    if (this.#problems.length > 0) throw problemsError(this.#problems, this.#document);
  }
}
