/** Are the few programs there that airferry and the engine call? */
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** What each is for. */
const NEEDED: Record<string, string> = {
  tar: 'unpacks the release',
  gzip: 'unpacks the release',
  sha256sum: 'checks every file that arrives',
};
const USEFUL: Record<string, string> = {
  ps: '`docker top` calls it',
  xz: 'engines load images with xz layers through it',
};

export function checkTools({ facts: { tools } }: CheckInput): Finding[] {
  const lacking = (of: Record<string, string>): string[] =>
    Object.keys(of).filter(name => !tools.includes(name));
  const finding = (name: string, level: 'error' | 'info', why: string): Finding => ({
    id: `tool-${name}`,
    level,
    title: `${name} is missing`,
    why: `${why[0]?.toUpperCase()}${why.slice(1)}.`,
    fix: `Install the package that has ${name === 'ps' ? 'ps (procps, procps-ng)' : name === 'xz' ? 'xz (xz-utils, xz)' : name}.`,
  });
  const findings = [
    ...lacking(NEEDED).map(name => finding(name, 'error', `it ${NEEDED[name]}`)),
    ...lacking(USEFUL).map(name => finding(name, 'info', USEFUL[name] ?? '')),
  ];
  return findings.some(({ level }) => level === 'error')
    ? findings
    : [ok('tools', 'tar, gzip and sha256sum are there'), ...findings];
}
