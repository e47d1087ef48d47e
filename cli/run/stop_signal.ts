/** SIGTERM and SIGINT: the first asks for an orderly end, a second one ends the process at once. */

/** What a shell reports of a process that SIGINT ended. */
const KILLED_STATUS = 130;

/** Aborted with the first signal; its reason names it. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(KILLED_STATUS);
      controller.abort(name);
    });
  }
  return controller.signal;
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
