/** package.json of the published SDK. It has no dependencies; what it can publish to is optional. */
import { BROWSER_ENTRY, BROWSER_SCRIPT, ENTRIES, type Entry, PEERS } from './entries.ts';

export interface Manifest {
  version: string;
  license: string;
}

export function sdkManifest({ version, license }: Manifest): string {
  const manifest = {
    name: 'errata-sdk',
    version,
    license,
    description: 'Publishes to errata what models do and what people make of it',
    type: 'module',
    engines: { node: '>=20' },
    exports: sdkExports(),
    peerDependencies: PEERS,
    peerDependenciesMeta: Object.fromEntries(Object.keys(PEERS).map((name) => [name, { optional: true }])),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Of errata itself, which has the SDK under `errata/sdk`. */
export function rootExports(): Record<string, object | string> {
  const exported = Object.entries(sdkExports('./dist/sdk'));
  return Object.fromEntries(exported.map(([path, targets]) => [`./sdk${path.slice(1)}`, targets]));
}

/** `folder`: of the package, from where the exports stand. */
function sdkExports(folder = '.'): Record<string, object | string> {
  return {
    ...Object.fromEntries(ENTRIES.map((entry) => [entry.path, targets(entry, folder)])),
    [BROWSER_ENTRY.path]: {
      types: typesOf(BROWSER_ENTRY, folder),
      default: `${folder}/${BROWSER_ENTRY.file}.js`,
    },
    [`./${BROWSER_SCRIPT}`]: `${folder}/${BROWSER_SCRIPT}`,
  };
}

function targets(entry: Entry, folder: string): object {
  const file = `${folder}/${entry.file}`;
  return { types: typesOf(entry, folder), require: `${file}.cjs`, import: `${file}.js` };
}

function typesOf({ source }: Entry, folder: string): string {
  return `${folder}/types/${source.replace(/\.ts$/, '.d.ts')}`;
}
