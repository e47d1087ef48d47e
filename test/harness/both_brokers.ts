/** Tests that must hold on the embedded broker and on Apache Kafka alike. */
import { type TestContext, test } from 'node:test';
import { Scope } from '../conformance/conformance_case.ts';
import { embeddedBroker } from './embedded.ts';
import { withRealKafka } from './real_kafka.ts';

let scopes = 0;

/** Clients and names of its own on the broker at `address`, closed with the test. */
export function scopeFor(t: TestContext, address: string): Scope {
  const scope = new Scope(address, scopes++);
  t.after(() => scope.close());
  return scope;
}

type Body = (scope: Scope, t: TestContext) => Promise<void>;

/** The body's own `after` hooks run while the broker still is there. */
export function onBothBrokers(name: string, body: Body, timeout_ms = 30_000): void {
  test(`${name} (embedded broker)`, { timeout: timeout_ms }, async (t) => {
    const broker = await embeddedBroker(t);
    await t.test('body', (inner) => body(scopeFor(inner, broker.address), inner));
  });
  onApacheKafka(name, body, timeout_ms);
}

export function onApacheKafka(name: string, body: Body, timeout_ms = 30_000): void {
  test(`${name} (Apache Kafka)`, { timeout: timeout_ms }, async (t) => {
    const brokers = await withRealKafka(t);
    if (brokers !== undefined) await t.test('body', (inner) => body(scopeFor(inner, brokers), inner));
  });
}
