/** The feedback client in a real browser, on a page of another origin than the ingest. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { buildSdk } from '../../cli/sdk_package/build.ts';
import { BROWSER_SCRIPT } from '../../cli/sdk_package/entries.ts';
import { decode } from '../../messages/decode.ts';
import { ingestRun } from '../connectors/ingest_run.ts';
import { launchChromium } from '../harness/chromium.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { IngestServer } from '../harness/ingest_server.ts';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';
import { webSite } from '../harness/web_site.ts';

/** What a shop has: an answer, and things that can be done with it. `options` are the client's. */
function shop(options: object): string {
  return `<!doctype html><title>shop</title>
<button id="show">show</button><button id="buy">buy</button><button id="search">search</button>
<button id="logout">logout</button><button id="bad">bad</button>
<script src="/errata.js"></script>
<script>
  window.feedback = new errata.FeedbackClient(${JSON.stringify(options)});
  const on = (id, action) => document.getElementById(id).addEventListener('click', action);
  on('show', () => feedback.predictionShown('p1'));
  for (const user_action of ['buy', 'search', 'logout'])
    on(user_action, () => feedback.captureImplicitFeedback({ prediction_id: 'p1', user_action }));
  on('bad', () => feedback.captureExplicitFeedback({ prediction_id: 'p1', rating: 1, comment: 'größer, bitte' }));
</script>`;
}

interface Shop {
  /** With the options of the client. */
  visit: (options: object) => Promise<Page>;
}

interface ShopWithIngest extends Shop {
  ingest: IngestServer;
}

async function openShop(t: TestContext): Promise<ShopWithIngest | null> {
  const ingest = await IngestServer.start(t);
  const opened = await openShopOf(t);
  if (!opened) return null;
  return { ingest, visit: (options) => opened.visit({ url: ingest.url, ...options }) };
}

async function openShopOf(t: TestContext): Promise<Shop | null> {
  const browser = await launchChromium(t);
  if (!browser) return null;
  const folder = temporaryFolder(t);
  await buildSdk(folder);
  let html = '';
  const script = readFileSync(join(folder, BROWSER_SCRIPT));
  const origin = await webSite(t, (path) => (path === '/errata.js' ? script : html));
  const context = await browser.newContext();
  const visit = async (options: object) => {
    html = shop(options);
    const page = await context.newPage();
    await page.goto(origin);
    return page;
  };
  return { visit };
}

test('says what a person did, and how long after the prediction was shown', async (t) => {
  const opened = await openShop(t);
  if (!opened) return;
  const { ingest, visit } = opened;
  const page = await visit({ user_id: 'u1', linger_ms: 0 });
  await page.click('#show');
  await page.click('#buy');
  await delay(1_200);
  await page.click('#search');
  await page.click('#bad');
  await until(() => ingest.records.length === 3, 'three messages');

  const [buy, search, bad] = ingest.records;
  assert.deepEqual(
    ingest.records.map((record) => decode(Buffer.from(JSON.stringify(record))).kind),
    ['feedback', 'feedback', 'feedback'],
  );
  const quick = buy!.time_to_action as number;
  const slow = search!.time_to_action as number;
  assert.ok(quick >= 0 && quick < slow - 1, `bought after ${quick} s, searched after ${slow} s`);
  assert.ok(slow >= 1.2 && slow < 60, `${slow} s`);
  assert.deepEqual([buy!.user_action, search!.user_action], ['buy', 'search']);
  assert.deepEqual([bad!.rating, bad!.comment, bad!.user_id], [1, 'größer, bitte', 'u1']);
  assert.equal(new Set(ingest.records.map(({ event_id }) => event_id)).size, 3);

  // The session is the tab's, also on its next page; another tab is another.
  await page.reload();
  await page.click('#bad');
  await (await visit({ linger_ms: 0 })).click('#bad');
  await until(() => ingest.records.length === 5, 'five messages');
  const sessions = ingest.records.map(({ session_id }) => session_id);
  assert.equal(new Set(sessions.slice(0, 4)).size, 1);
  assert.notEqual(sessions[4], sessions[0]);
});

test('loses nothing when the page is left or closed', async (t) => {
  const opened = await openShop(t);
  if (!opened) return;
  const { ingest, visit } = opened;
  const endings: [string, (page: Page) => Promise<unknown>][] = [
    ['left', (page) => page.goto('about:blank')],
    ['closed', (page) => page.close({ runBeforeUnload: true })],
  ];
  for (const [index, [how, leave]] of endings.entries()) {
    // By itself it would be sent in an hour.
    const page = await visit({ linger_ms: 3_600_000 });
    await page.click('#show');
    await page.click('#logout');
    await leave(page);
    await until(() => ingest.records.length === index + 1, `what was done before the page was ${how}`);
  }
  assert.ok(ingest.taken.every(({ content_type }) => content_type.startsWith('text/plain')));
  assert.ok(ingest.records.every(({ user_action }) => user_action === 'logout'));

  // Beacons have no headers: with a token it is a request that outlives the page.
  const page = await visit({ linger_ms: 3_600_000, token: 'public' });
  await page.click('#bad');
  await page.goto('about:blank');
  await until(() => ingest.records.length === 3, 'what was said with a token');
  assert.equal(ingest.taken.at(-1)!.headers.authorization, 'Bearer public');
});

test('goes on while the ingest is away, tries again, and counts what it cannot keep', async (t) => {
  const opened = await openShop(t);
  if (!opened) return;
  const { ingest, visit } = opened;
  ingest.fault = () => 503;
  const page = await visit({ linger_ms: 0, max_buffered: 10 });
  for (let number = 0; number < 15; number++) await page.click('#bad');
  await until(() => ingest.asked.length >= 2, 'it was tried again');
  ingest.fault = () => undefined;
  const stats = () => page.evaluate('feedback.stats()') as Promise<Record<string, unknown>>;
  await until(async () => (await stats()).published !== 0, 'it is published');
  const { captured, published, dropped, failed } = await stats();
  assert.equal(captured, 15);
  assert.deepEqual([Number(published) + Number(dropped), failed], [15, 0]);
  assert.equal(ingest.records.length, published);
  assert.equal(new Set(ingest.records.map(({ event_id }) => event_id)).size, published);
});

test('only the word of the ingest counts: no login page on the way, and no 200 of a proxy', async (t) => {
  const opened = await openShop(t);
  if (!opened) return;
  const { ingest, visit } = opened;
  const tries: (number | URL)[] = [new URL('/login', ingest.url), 200, 202];
  ingest.fault = ({ path }) => (path === '/login' ? 200 : tries.shift());
  const page = await visit({ linger_ms: 0 });
  await page.click('#bad');
  await until(() => ingest.records.length === 1, 'it is taken', 30_000);
  const stats = () => page.evaluate('feedback.stats()') as Promise<Record<string, unknown>>;
  await until(async () => (await stats()).published === 1, 'it is published');
  assert.deepEqual([(await stats()).captured, (await stats()).failed], [1, 0]);
  assert.equal(ingest.asked.length, 4);
});

test('refuses at once what would be no feedback', async (t) => {
  const opened = await openShop(t);
  if (!opened) return;
  const { ingest, visit } = opened;
  const page = await visit({});
  const refusal = (call: string) =>
    page.evaluate(
      `(() => { try { feedback.${call}; } catch (error) { return error.code + ' ' + error.message; } })()`,
    );
  assert.match(
    String(await refusal("captureExplicitFeedback({ prediction_id: 'p' })")),
    /^E_FEEDBACK .*rating/,
  );
  assert.match(String(await refusal("captureExplicitFeedback({ prediction_id: 'p', rating: 9 })")), /1 to 5/);
  assert.match(String(await refusal('captureExplicitFeedback({ rating: 1 })')), /prediction_id/);
  assert.match(
    String(await refusal("captureImplicitFeedback({ prediction_id: 'never shown', user_action: 'click' })")),
    /predictionShown/,
  );
  const large = "captureExplicitFeedback({ prediction_id: 'p', comment: 'x'.repeat(70000) })";
  assert.match(String(await refusal(large)), /has 70\d\d\d bytes/);
  assert.equal(ingest.asked.length, 0);
});

test("reaches errata's own ingest, also as a beacon", async (t) => {
  const opened = await openShopOf(t);
  if (!opened) return;
  const { process, url, ledger } = await ingestRun(t, { settings: ', cors: ["*"]' });
  const page = await opened.visit({ url, linger_ms: 0 });
  await page.click('#show');
  await page.click('#buy');
  await until(
    async () => ((await page.evaluate('feedback.stats()')) as { published: number }).published === 1,
    'it is acknowledged',
  );
  const leaving = await opened.visit({ url, linger_ms: 3_600_000 });
  await leaving.click('#show');
  await leaving.click('#logout');
  await leaving.goto('about:blank');
  await until(async () => (await ledger()).sources.feedback?.taken_in === 2, 'both are taken in');
  const actions = (await readTopic(await process.brokers(), 'feedback')).map(({ value }) => {
    const decoded = decode(value);
    return decoded.kind === 'feedback' ? decoded.value.user_action : decoded.kind;
  });
  assert.deepEqual(actions.sort(), ['buy', 'logout']);
});
