import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KAFKA_ERROR } from '../error_codes.ts';
import { Group } from './group.ts';
import type { JoinAnswer } from './member.ts';

const SESSION_MS = 10_000;
const REBALANCE_MS = 30_000;

function openGroup(t: TestContext): Group {
  mock.timers.enable({ apis: ['setTimeout'] });
  const group = new Group('g');
  t.after(() => {
    group.close(KAFKA_ERROR.NONE);
    mock.timers.reset();
  });
  return group;
}

function join(group: Group, member_id: string, protocols = ['range']): Promise<JoinAnswer> {
  const options = {
    member_id,
    client_id: 'c',
    client_host: '/127.0.0.1',
    session_timeout_ms: SESSION_MS,
    rebalance_timeout_ms: REBALANCE_MS,
    protocols: protocols.map((name) => ({ name, metadata: Buffer.from(member_id) })),
  };
  return group.join(options, 'consumer');
}

/** Members a and b, stable in generation 2, a leading. */
async function stableGroup(t: TestContext): Promise<Group> {
  const group = openGroup(t);
  await join(group, 'a');
  await Promise.all([join(group, 'b'), join(group, 'a')]);
  const parts = new Map(['a', 'b'].map((id) => [id, Buffer.from(`part of ${id}`)]));
  const [b, a] = await Promise.all([group.sync('b', 2, new Map()), group.sync('a', 2, parts)]);
  assert.deepEqual([String(a.assignment), String(b.assignment)], ['part of a', 'part of b']);
  assert.equal(group.state, 'Stable');
  return group;
}

test('all members get the same generation, and only the leader the list of members', async (t) => {
  const group = openGroup(t);
  await join(group, 'a');
  const [b, a] = await Promise.all([join(group, 'b'), join(group, 'a')]);
  assert.deepEqual([a.generation_id, b.generation_id, a.leader, b.leader], [2, 2, 'a', 'a']);
  assert.deepEqual(
    a.members.map(({ member_id, metadata }) => [member_id, String(metadata)]),
    [
      ['a', 'a'],
      ['b', 'b'],
    ],
  );
  assert.equal(b.members.length, 0);
});

test('the protocol that all support and most prefer is taken', async (t) => {
  const group = openGroup(t);
  await join(group, 'a', ['sticky', 'range']);
  const [, a] = await Promise.all([join(group, 'b', ['range']), join(group, 'a', ['sticky', 'range'])]);
  assert.equal(a.protocol_name, 'range');
  assert.equal(group.accepts('consumer', [{ name: 'sticky', metadata: Buffer.alloc(0) }], 'c'), false);
});

test('a silent member is out after its session time-out and the others rebalance', async (t) => {
  const group = await stableGroup(t);
  mock.timers.tick(SESSION_MS - 1);
  assert.equal(group.heartbeat('a', 2), KAFKA_ERROR.NONE);
  mock.timers.tick(1);
  assert.equal(group.state, 'PreparingRebalance');
  assert.equal(group.heartbeat('b', 2), KAFKA_ERROR.UNKNOWN_MEMBER_ID);
  assert.equal(group.heartbeat('a', 2), KAFKA_ERROR.REBALANCE_IN_PROGRESS);
  const rejoined = await join(group, 'a');
  assert.equal(rejoined.generation_id, 3);
  assert.equal(rejoined.members.length, 1);
});

test('who does not join within the rebalance time-out is out', async (t) => {
  const group = await stableGroup(t);
  const c = join(group, 'c');
  for (let passed_ms = 0; passed_ms < REBALANCE_MS; passed_ms += 5000) {
    assert.equal(group.heartbeat('a', 2), KAFKA_ERROR.REBALANCE_IN_PROGRESS);
    assert.equal(group.heartbeat('b', 2), KAFKA_ERROR.REBALANCE_IN_PROGRESS);
    mock.timers.tick(5000);
  }
  const joined = await c;
  assert.deepEqual([joined.generation_id, joined.leader, group.members.size], [3, 'c', 1]);
});

test('a rebalance interrupts those who wait for the assignment', async (t) => {
  const group = openGroup(t);
  await join(group, 'a');
  const [b] = await Promise.all([join(group, 'b'), join(group, 'a')]);
  const waiting = group.sync('b', b.generation_id, new Map());
  void join(group, 'c');
  assert.equal((await waiting).error_code, KAFKA_ERROR.REBALANCE_IN_PROGRESS);
});

test('a promised id holds the rebalance until it joins or its time is up', async (t) => {
  const group = openGroup(t);
  group.expect('b', SESSION_MS);
  let is_joined = false;
  const a = join(group, 'a').then(() => {
    is_joined = true;
  });
  await turn();
  assert.equal(is_joined, false);
  mock.timers.tick(SESSION_MS);
  await a;
  assert.equal(group.generation_id, 1);
});

test('the last to leave leaves an empty group with a new generation', async (t) => {
  const group = await stableGroup(t);
  assert.equal(group.leave('a'), KAFKA_ERROR.NONE);
  assert.equal(group.leave('b'), KAFKA_ERROR.NONE);
  assert.equal(group.state, 'Empty');
  assert.equal(group.commitProblem('', -1), KAFKA_ERROR.NONE);
  assert.equal(group.commitProblem('a', 2), KAFKA_ERROR.UNKNOWN_MEMBER_ID);
});
