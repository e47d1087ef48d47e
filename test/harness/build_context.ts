/** The files that `docker build` gets to see: all but what .dockerignore leaves out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob, relative } from 'node:path';

interface Rule {
  glob: string;
  kept: boolean;
}

/** Paths relative to `folder`. */
export function buildContext(folder: string): string[] {
  const rules = readRules(readFileSync(join(folder, '.dockerignore'), 'utf8'));
  const top = readdirSync(folder).filter((name) =>
    rules.some(({ glob, kept }) => kept && begins(glob, name)),
  );
  return top
    .flatMap((name) => filesUnder(folder, name))
    .filter((path) => isKept(path, rules))
    .toSorted();
}

function readRules(text: string): Rule[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => ({ glob: line.replace(/^!/, ''), kept: line.startsWith('!') }));
}

function begins(glob: string, name: string): boolean {
  return matchesGlob(name, glob.split('/')[0]!);
}

function filesUnder(folder: string, name: string): string[] {
  const found = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.name === name)!;
  if (!found.isDirectory()) return [name];
  return readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** The last rule that names the path, or a folder that it is in, decides. */
function isKept(path: string, rules: readonly Rule[]): boolean {
  const parts = path.split('/');
  const ways = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  return rules.findLast(({ glob }) => ways.some((way) => matchesGlob(way, glob)))?.kept ?? true;
}
