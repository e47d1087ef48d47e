/** A worker that dies as soon as it is started, for tests. */
export default function run(): never {
  throw new RangeError('this worker always dies');
}
