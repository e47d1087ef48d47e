/**
 * Records are gone through in WebAssembly. What is left to JavaScript runs some thousand times a second, and each worker thread
 * compiles it for itself; with V8's own thresholds that takes longer than it saves (docs/decisions/0010).
 */
import { setFlagsFromString } from 'node:v8';

/** Calls of a function after which V8 compiles it; V8 has 400 and 3,000. */
const CALLS = { maglev: 3_000, turbofan: 30_000 };
/** That of Node 24: another may not know the flags, or have other defaults. */
const V8_VERSION = '13.6.';

/** To be called before there are threads. */
export function compileLater(v8_version: string = process.versions.v8): boolean {
  if (!v8_version.startsWith(V8_VERSION)) return false;
  setFlagsFromString(`--invocation-count-for-maglev=${CALLS.maglev}`);
  setFlagsFromString(`--invocation-count-for-turbofan=${CALLS.turbofan}`);
  return true;
}
