/** `npm run build:sdk`: writes the package `errata-sdk` to dist/sdk. */
import { buildSdk } from './sdk_package/build.ts';

await buildSdk('dist/sdk');
