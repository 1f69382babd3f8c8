/** The units for this engine and this systemd. Local changes belong into drop-ins of the operator's own, and stay. */

import { UNIT_DIR, UNIT_PATHS } from '../engine/units.ts';
import { AirferryError } from '../errors.ts';
import type { Phase } from './phase.ts';
import { planFiles, textFile } from './place-files.ts';
import { planUndo, runUndo } from './undo.ts';

export const writeUnits: Phase = {
  name: 'write-units',
  plan(context) {
    const { wanted, facts, state, shell } = context;
    if (!wanted.engine) return undefined;
    if (facts.systemd === undefined) throw noSystemd(shell.target.name);
    const units = wanted.engine.units(facts.systemd);
    const plan = planFiles(
      context,
      units.map(unit => textFile(unit.path, unit.content)),
    );
    const kept = new Set(units.map(unit => unit.path));
    const old = state.files.filter(({ path }) => UNIT_PATHS.includes(path) && !kept.has(path));
    const gone = old.map(file => file.path);
    const undo = planUndo(old, context.survey);
    if (plan.changes.length === 0 && gone.length === 0) return undefined;
    const touched = [...plan.files.map(file => file.path), ...gone];
    return {
      changes: [...plan.changes, ...undo.map(step => step.change)],
      files: plan.files,
      gone,
      restart: wanted.engine.unitNames.filter(unit => touched.some(path => belongsTo(path, unit))),
      async run() {
        await plan.run();
        await runUndo(shell, undo);
      },
    };
  },
};

/** Whether a path is that of a unit, or of a drop-in of it. */
export function belongsTo(path: string, unit: string): boolean {
  return path === `${UNIT_DIR}/${unit}` || path.startsWith(`${UNIT_DIR}/${unit}.d/`);
}

function noSystemd(host: string): AirferryError {
  return new AirferryError(
    'UNIT_INVALID',
    `${host} has no systemd, and airferry runs the engine as a unit of it`,
    {
      where: { host },
      suggestions: ['Leave this host out.'],
    },
  );
}
