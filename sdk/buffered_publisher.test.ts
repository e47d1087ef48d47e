import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ErrataError } from '../messages/errata_error.ts';
import { BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
import { DeliveryCounter, type DeliveryStats } from './delivery.ts';
import type { Draft, MessageKind } from './publisher.ts';
import { MemoryTransport, shutGate } from './testing.ts';

const QUICK: Partial<BufferOptions> = { linger_ms: 0, max_backoff_ms: 1 };

class Sender {
  readonly transport = new MemoryTransport();
  readonly counter = new DeliveryCounter();
  readonly publisher: BufferedPublisher;

  constructor(options: Partial<BufferOptions> = {}) {
    this.publisher = new BufferedPublisher(this.transport, { ...QUICK, ...options });
  }

  get stats(): DeliveryStats {
    return this.counter.stats;
  }

  send(key: string, message: { bytes?: number; guess?: number; kind?: MessageKind } = {}): void {
    const { bytes = 10, guess = bytes, kind = 'prediction' } = message;
    const draft: Draft = { size_bytes: guess, write: () => ({ key, value: Buffer.alloc(bytes) }) };
    this.publisher.publish(kind, draft, this.counter.expectOne());
  }
}

function counts({ captured, published, dropped, failed }: DeliveryStats): number[] {
  return [captured, published, dropped, failed];
}

describe('a buffered publisher', () => {
  it('writes nothing before the caller has gone on', async () => {
    const { transport, publisher, counter } = new Sender();
    let written = false;
    const write = () => {
      written = true;
      return { key: 'a', value: Buffer.from('{}') };
    };
    publisher.publish('prediction', { size_bytes: 1, write }, counter.expectOne());
    await Promise.resolve();
    assert.equal(written, false);
    await publisher.flush();
    assert.deepEqual(transport.keys, ['a']);
  });

  it('keeps the order and the limits of batches, and sends all, whatever the sizes', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 8 }), async (all, max_batch_messages) => {
        const sender = new Sender();
        Object.assign(sender.transport, { max_batch_messages, max_batch_bytes: 50 });
        for (const [number, bytes] of all.entries()) sender.send(String(number), { bytes });
        await sender.publisher.flush();
        assert.deepEqual(
          sender.transport.keys,
          all.map((_, number) => String(number)),
        );
        for (const sent of sender.transport.sent) {
          assert(sent.type === 'batch' && sent.messages.length <= max_batch_messages);
          const bytes = sent.messages.reduce((sum, { value }) => sum + value.length, 0);
          assert(bytes <= 50 || sent.messages.length === 1);
        }
        assert.deepEqual(counts(sender.stats), [all.length, all.length, 0, 0]);
      }),
      { numRuns: 40 },
    );
  });

  it('holds no more messages than it may, and drops what comes while it is full', async () => {
    const sender = new Sender({ max_buffered: 5 });
    const { gate, open } = shutGate();
    sender.transport.gate = gate;
    for (let number = 0; number < 20; number++) sender.send(String(number));
    assert.equal(sender.publisher.stats().buffered, 5);
    assert.deepEqual(counts(sender.stats), [20, 0, 15, 0]);
    assert.equal(sender.stats.last_problem, 'the buffer is full');
    open();
    await sender.publisher.flush();
    sender.send('later');
    await sender.publisher.flush();
    assert.deepEqual(sender.transport.keys, ['0', '1', '2', '3', '4', 'later']);
  });

  it('holds no more bytes than it may, also when the guess was too low', async () => {
    const sender = new Sender({ max_buffered_bytes: 100 });
    const { gate, open } = shutGate();
    sender.transport.gate = gate;
    for (let number = 0; number < 4; number++) sender.send(String(number), { bytes: 40, guess: 1 });
    sender.send('guessed well', { bytes: 99 });
    assert.deepEqual(counts(sender.stats), [5, 0, 1, 0]);
    open();
    await sender.publisher.flush();
    assert.deepEqual(sender.transport.keys, ['0', '1']);
    assert.deepEqual(counts(sender.stats), [5, 2, 3, 0]);
    assert.deepEqual(sender.publisher.stats(), { buffered: 0, buffered_bytes: 0, last_problem: undefined });
  });

  it('tries again until the batch is acknowledged, and says meanwhile what is wrong', async () => {
    const sender = new Sender();
    const problems: (string | undefined)[] = [];
    sender.transport.gate = () => {
      problems.push(sender.publisher.stats().last_problem);
      if (problems.length < 4) throw new Error(`attempt ${problems.length}`);
      return undefined;
    };
    sender.send('a');
    await sender.publisher.flush();
    assert.deepEqual(problems, [undefined, 'attempt 1', 'attempt 2', 'attempt 3']);
    assert.deepEqual(counts(sender.stats), [1, 1, 0, 0]);
    assert.equal(sender.publisher.stats().last_problem, undefined);
  });

  it('gives up what is not acknowledged in time, and a flush ends then', async () => {
    const sender = new Sender({ delivery_timeout_ms: 20 });
    sender.transport.gate = () => Promise.reject(new Error('no broker'));
    sender.send('a');
    sender.send('b');
    await sender.publisher.flush();
    assert.deepEqual(counts(sender.stats), [2, 0, 0, 2]);
    assert.match(sender.stats.last_problem ?? '', /not acknowledged within 20 ms: no broker/);
  });

  it('loses of a batch only the one message that is too large', async () => {
    const sender = new Sender();
    sender.transport.gate = (sent) => {
      const is_small = sent.type === 'heartbeat' || sent.messages.every(({ value }) => value.length < 100);
      return is_small ? undefined : Promise.reject(new ErrataError('E_TOO_LARGE', 'too large'));
    };
    for (let number = 0; number < 7; number++)
      sender.send(String(number), { bytes: number === 4 ? 100 : 10 });
    await sender.publisher.flush();
    assert.deepEqual(sender.transport.keys, ['0', '1', '2', '3', '5', '6']);
    assert.deepEqual(counts(sender.stats), [7, 6, 0, 1]);
  });

  it('fails what cannot be written and goes on', async () => {
    const sender = new Sender();
    const write = () => {
      throw new Error('no JSON');
    };
    sender.publisher.publish('prediction', { size_bytes: 1, write }, sender.counter.expectOne());
    sender.send('b');
    await sender.publisher.flush();
    assert.deepEqual(counts(sender.stats), [2, 1, 0, 1]);
    assert.equal(sender.stats.last_problem, 'no JSON');
  });

  it('does not let one kind wait for the other', async () => {
    const sender = new Sender();
    const { gate, open } = shutGate();
    sender.transport.gate = (sent) => (sent.kind === 'prediction' ? gate(sent) : undefined);
    sender.send('p', { kind: 'prediction' });
    sender.send('f', { kind: 'feedback' });
    await sender.publisher.flush('feedback');
    assert.deepEqual(sender.transport.keys, ['f']);
    open();
    await sender.publisher.flush();
    assert.deepEqual(sender.transport.keys, ['f', 'p']);
  });

  it('does not linger when somebody waits', async () => {
    const sender = new Sender({ linger_ms: 3_600_000 });
    sender.send('a');
    await sender.publisher.flush();
    assert.deepEqual(sender.transport.keys, ['a']);
  });

  it('writes a heartbeat after all that was published before, of either kind', async () => {
    const sender = new Sender();
    let attempts = 0;
    sender.transport.gate = () => {
      if (++attempts % 2 === 1) throw new Error('not yet');
      return undefined;
    };
    sender.send('p', { kind: 'prediction' });
    sender.send('f', { kind: 'feedback' });
    await sender.publisher.heartbeat('prediction', 42);
    assert.deepEqual(new Set(sender.transport.keys), new Set(['p', 'f']));
    assert.deepEqual(sender.transport.sent.at(-1), { type: 'heartbeat', kind: 'prediction', time_ms: 42 });
    await assert.rejects(sender.publisher.heartbeat('feedback', Number.NaN), { code: 'E_PUBLISH' });
  });

  it('says when a heartbeat could not be written', async () => {
    const sender = new Sender({ delivery_timeout_ms: 5 });
    sender.transport.gate = () => Promise.reject(new Error('no broker'));
    await assert.rejects(sender.publisher.heartbeat('prediction', 42), {
      code: 'E_PUBLISH',
      message: 'no heartbeat could be written: no broker',
    });
  });

  it('closes: delivers what is there, then takes nothing more', async () => {
    const sender = new Sender();
    sender.send('a');
    await sender.publisher.close();
    assert.equal(sender.transport.is_closed, true);
    sender.send('b');
    assert.deepEqual(counts(sender.stats), [2, 1, 1, 0]);
    await assert.rejects(sender.publisher.heartbeat('prediction', 42), { code: 'E_PUBLISH' });
  });

  it('closes in time though nobody acknowledges', async () => {
    const sender = new Sender({ close_timeout_ms: 10 });
    sender.transport.gate = shutGate().gate;
    for (let number = 0; number < 3; number++) sender.send(String(number));
    const flushed = sender.publisher.flush();
    await sender.publisher.close();
    await flushed;
    assert.deepEqual(counts(sender.stats), [3, 0, 0, 3]);
    assert.equal(sender.stats.last_problem, 'the publisher was closed before it was acknowledged');
  });
});
