/**
 * Runs before everything else in a process that is drilled, in each of its threads: ends a worker thread when told to,
 * and puts a planted bug in the place of a module of the engine.
 */
import { registerHooks } from 'node:module';
import { isMainThread, type Worker } from 'node:worker_threads';
import { BUGS, type BugName } from './bugs/catalogue.ts';

const { ERRATA_PLANTED_BUG: bug } = process.env;
if (bug !== undefined) plant(bug as BugName);
if (isMainThread) endThreadsWhenTold();

/** Who imports the module gets the one with the bug; the bug's own module still gets the original. */
function plant(name: BugName): void {
  const { replaces, by } = BUGS[name];
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (found.url !== replaces || context.parentURL === by) return found;
      return { ...found, url: by };
    },
  });
}

function endThreadsWhenTold(): void {
  const threads: Worker[] = [];
  process.on('worker', (thread) => {
    threads.push(thread);
    thread.once('exit', () => threads.splice(threads.indexOf(thread), 1));
  });
  process.on('message', ({ end_thread }: { end_thread: number }) => {
    void threads[end_thread % threads.length]?.terminate();
  });
}
