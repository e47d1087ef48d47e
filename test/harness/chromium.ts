/** Debian's chromium, driven by playwright-core. */
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Without one the test is skipped loudly, and fails where CI=true. */
export async function launchChromium(t: TestContext): Promise<Browser | null> {
  const executablePath = process.env.CHROMIUM ?? PLACES.find(existsSync);
  if (executablePath === undefined) {
    if (process.env.CI === 'true') throw new Error('chromium is not installed');
    console.error(`SKIPPED: ${t.name}: chromium is not installed`);
    t.skip('chromium is not installed');
    return null;
  }
  // Root, as in containers, has no sandbox.
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(() => browser.close());
  return browser;
}
