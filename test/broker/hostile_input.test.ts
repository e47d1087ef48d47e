/** Malformed and hostile requests end in an error answer or a closed connection; the broker stays up and small. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { CATALOGUE } from '../../broker/catalogue.ts';
import { type BrokerServer, startServer } from '../../broker/server.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { encodeRequest, RawClient } from '../harness/raw_client.ts';

interface Running {
  server: BrokerServer;
  address: string;
  /** What requests threw that is not the client's fault. */
  defects: unknown[];
}

async function running(t: TestContext, options: object = {}): Promise<Running> {
  const defects: unknown[] = [];
  const report = (thrown: unknown) => {
    if (!(thrown instanceof ErrataError)) defects.push(thrown);
  };
  const server = await startServer({ port: 0, data_dir: temporaryFolder(t), ...options }, report);
  t.after(() => server.stop());
  return { server, address: `127.0.0.1:${server.port}`, defects };
}

async function assertAlive(address: string): Promise<void> {
  const client = new RawClient(address);
  const answer = await client.call<{ error_code: number }>('ApiVersions', 18, 0, {});
  assert.equal(answer.error_code, 0);
  client.end();
}

/** Sends bytes and waits until they are answered or the connection is closed, or neither can come. */
async function attack(address: string, bytes: Buffer): Promise<void> {
  const client = new RawClient(address);
  client.send(bytes);
  const probe = encodeRequest(18, 0, 1, {});
  client.send(probe);
  const patience = new Promise((resolve) => setTimeout(resolve, 30));
  await Promise.race([client.frame().catch(() => {}), client.closed(), patience]);
  client.end();
}

function framed(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeInt32BE(body.length);
  frame.set(body, 4);
  return frame;
}

/** A well-formed, empty request of every API in its highest version. */
const REQUESTS = CATALOGUE.map((api) => encodeRequest(api.key, api.max_version, 7, api.request.missing));

test('random bytes, with and without a plausible header', async (t) => {
  const { address, defects } = await running(t);
  const header = fc.constantFrom(...CATALOGUE).map(({ key, max_version }) => {
    const bytes = Buffer.alloc(10);
    bytes.writeInt16BE(key);
    bytes.writeInt16BE(max_version, 2);
    bytes.writeInt16BE(-1, 8);
    return bytes;
  });
  const garbage = fc.uint8Array({ maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(fc.option(header), garbage, async (start, rest) => {
      await attack(address, start === null ? Buffer.from(rest) : framed(Buffer.concat([start, rest])));
      assert.deepEqual(defects, []);
    }),
    { numRuns: 250 },
  );
  await assertAlive(address);
});

test('requests of every API, cut off and with bytes changed', async (t) => {
  const { address, defects } = await running(t);
  const change = fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...REQUESTS),
      fc.array(change, { maxLength: 4 }),
      fc.option(fc.nat()),
      async (request, changes, cut) => {
        const body = Buffer.from(request.subarray(4));
        for (const [at, byte] of changes) body[8 + (at % (body.length - 8))] = byte;
        await attack(address, framed(cut === null ? body : body.subarray(0, cut % body.length)));
        assert.deepEqual(defects, []);
      },
    ),
    { numRuns: 300 },
  );
  await assertAlive(address);
});

test('negative and oversized lengths close the connection', async (t) => {
  const { address } = await running(t, { max_request_bytes: 10_000 });
  for (const length of [-1, -2147483648, 10_001, 2147483647]) {
    const client = new RawClient(address);
    const claim = Buffer.alloc(4);
    claim.writeInt32BE(length);
    client.send(claim);
    await client.closed();
  }
  await assertAlive(address);
});

test('unknown APIs and versions close the connection, but for ApiVersions', async (t) => {
  const { address } = await running(t);
  for (const [key, version] of [
    [999, 0],
    [-1, 0],
    [0, 99],
    [1, -1],
  ] as const) {
    const client = new RawClient(address);
    const body = Buffer.alloc(10);
    body.writeInt16BE(key);
    body.writeInt16BE(version, 2);
    client.send(framed(body));
    await client.closed();
  }
  const client = new RawClient(address);
  const newer = Buffer.alloc(10);
  newer.writeInt16BE(18);
  newer.writeInt16BE(99, 2);
  client.send(framed(newer));
  assert.equal((await client.frame()).readInt16BE(4), 35, 'UNSUPPORTED_VERSION');
  client.end();
});

test('requests that never end cannot fill the memory', async (t) => {
  const { address } = await running(t, { max_buffered_bytes: 1_000_000 });
  const claim = Buffer.alloc(300_000);
  claim.writeInt32BE(50_000_000);
  const clients = Array.from({ length: 5 }, () => new RawClient(address));
  for (const client of clients) client.send(claim);
  await Promise.race(clients.map((client) => client.closed()));
  for (const client of clients) client.end();
  await assertAlive(address);
});

test('requests on one connection are answered in order, and a long poll holds up no other', async (t) => {
  const { address } = await running(t);
  const client = new RawClient(address);
  await client.call('Metadata', 3, 4, { topics: [{ name: 't' }], allow_auto_topic_creation: true });
  const poll = {
    replica_id: -1,
    max_wait_ms: 400,
    min_bytes: 1,
    max_bytes: 1000,
    isolation_level: 0,
    session_id: 0,
    session_epoch: -1,
    topics: [
      {
        topic: 't',
        partitions: [
          {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            log_start_offset: -1,
            partition_max_bytes: 1000,
          },
        ],
      },
    ],
    forgotten_topics: [],
    rack_id: '',
  };
  client.send(Buffer.concat([encodeRequest(1, 11, 100, poll), encodeRequest(18, 0, 101, {})]));
  const order: string[] = [];
  const first = client.frame().then((frame) => order.push(`own ${frame.readInt32BE(0)}`));
  await assertAlive(address);
  order.push('other connection');
  await first;
  order.push(`own ${(await client.frame()).readInt32BE(0)}`);
  client.end();
  assert.deepEqual(order, ['other connection', 'own 100', 'own 101']);
});
