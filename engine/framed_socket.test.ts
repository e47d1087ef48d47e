import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameBuffers, Lease } from './frame_buffers.ts';
import { connectFramed, Framer } from './framed_socket.ts';

function framed(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 60_000, max: 200_000 }).map((length) => new Uint8Array(length).fill(length % 251)),
);

test('property: answers come out whole and in order, however their bytes are cut, and into memory that was given back', () => {
  fc.assert(
    fc.property(
      fc.array(payload, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1 }),
      (payloads, cuts) => {
        const buffers = new FrameBuffers();
        const got: Buffer[] = [];
        const framer = new Framer(buffers, (frame) => {
          got.push(Buffer.from(frame));
          buffers.giveBack(frame.buffer);
        });
        const sent = Buffer.concat(payloads.map(framed));
        // As with a socket, what was read into is written over by the next read.
        const read = Buffer.alloc(90_000);
        for (let at = 0, turn = 0; at < sent.length; turn++) {
          const bytes = sent.copy(read, 0, at, at + cuts[turn % cuts.length]!);
          framer.push(read, bytes);
          at += bytes;
        }
        assert.deepEqual(got.map(String), payloads.map(framed).map(String));
      },
    ),
    { numRuns: 60 },
  );
});

test('memory is used again once all its parts are released, and not before', () => {
  const buffers = new FrameBuffers();
  const first = buffers.take(100_000).buffer;
  assert.notEqual(buffers.take(100_000).buffer, first, 'it is in use');
  const lease = new Lease(first, 2, buffers);
  lease.release();
  assert.notEqual(buffers.take(100_000).buffer, first, 'one part is in use');
  lease.release();
  assert.equal(buffers.take(90_000).buffer, first);
  buffers.giveBack(new ArrayBuffer(200_000));
  assert.notEqual(buffers.take(150_000).byteLength, 200_000, 'what was not taken here is not given out');
});

test('what is no answer of a broker ends the connection, with what may be the cause', async (t) => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  );
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket: Socket = connectFramed({ host: '127.0.0.1', port }, () => undefined);
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'E_KAFKA_FRAME');
  assert.match(error.hint, /is this the address of a Kafka broker/);
});
