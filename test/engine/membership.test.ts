/** Group membership without fetching, and our own reading through rebalances: DESIGN §4's first experiment. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { splitTaskId, type TaskId } from '../../engine/assignment.ts';
import type { PartitionOffset } from '../../engine/group_consumer.ts';
import { connectKafka, leaveGroup } from '../../engine/kafka.ts';
import type { LogReader } from '../../engine/log_reader.ts';
import { Membership, type StageTopics } from '../../engine/membership.ts';
import { recordsIn } from '../../engine/partition_reader.ts';
import type { Scope } from '../conformance/conformance_case.ts';
import { KafkaProxy } from '../faults/kafka_proxy.ts';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { CollectingSink, openReader, SILENT, settingsFor } from '../harness/reading.ts';
import { until } from '../harness/until.ts';

const SETTINGS = { session_timeout_ms: 10_000, heartbeat_interval_ms: 100, metadata_max_age_ms: 500 };

const SYNC_GROUP = 14;

class Member {
  tasks: TaskId[] = [];
  assignments = 0;
  fetched_batches = 0;
  member_id = '';
  lost: Error | undefined;
  readonly membership: Membership;
  onAssigned: (tasks: TaskId[]) => void = () => undefined;

  constructor(address: string, group_id: string, stages: StageTopics[]) {
    const settings = settingsFor(address, SETTINGS);
    const options = {
      group_id,
      stages,
      process_workers: 1,
      process_id: 'test',
      admin: null,
      owned: () => this.tasks,
      onAssigned: (tasks: TaskId[], member_id: string) => {
        this.tasks = tasks;
        this.member_id = member_id;
        this.assignments += 1;
        this.onAssigned(tasks);
      },
      onLost: (error: Error) => {
        this.lost = error;
      },
    };
    const kafka = connectKafka(settings, SILENT);
    const create = kafka.consumer.bind(kafka);
    // The membership keeps its consumer to itself; what that fetches, its events tell.
    kafka.consumer = (config) => {
      const consumer = create(config);
      consumer.on(consumer.events.FETCH, ({ payload }) => {
        this.fetched_batches += payload.numberOfBatches;
      });
      return consumer;
    };
    this.membership = new Membership(kafka, settings, options, SILENT);
  }
}

/** Members leave one after the other, so that none is disconnected in the midst of rejoining. */
class Group {
  readonly #scope: Scope;
  readonly #stages: StageTopics[];
  readonly #members = new Set<Member>();

  constructor(t: TestContext, scope: Scope, stages: StageTopics[]) {
    this.#scope = scope;
    this.#stages = stages;
    t.after(async () => {
      for (const member of this.#members) await this.leave(member);
    });
  }

  async join(
    onAssigned?: (member: Member) => (tasks: TaskId[]) => void,
    address = this.#scope.address,
  ): Promise<Member> {
    const member = new Member(address, this.#scope.name('g'), this.#stages);
    if (onAssigned) member.onAssigned = onAssigned(member);
    this.#members.add(member);
    await member.membership.start();
    return member;
  }

  /** Resolves when the others have shared out its tasks. */
  async leave(member: Member): Promise<void> {
    this.#members.delete(member);
    const rest = [...this.#members].map((other) => ({ other, assignments: other.assignments }));
    await member.membership.leave();
    await until(
      () => rest.every(({ other, assignments }) => other.assignments > assignments),
      'the rest rejoin',
    );
  }
}

async function twoStages(scope: Scope): Promise<StageTopics[]> {
  const [predictions, feedback, deltas] = await Promise.all(
    ['predictions', 'feedback', 'deltas'].map((name) => scope.topic(name, 4)),
  );
  return [
    { stage: 'capture', topics: [predictions!, feedback!], partitions: 4 },
    { stage: 'stats', topics: [deltas!], partitions: 4 },
  ];
}

const ALL: TaskId[] = ['capture', 'stats'].flatMap((stage) => [0, 1, 2, 3].map((part) => `${stage}/${part}`));

/** Every task has one member, and each of `members` as many as its share. */
function isShared(members: Member[]): boolean {
  const held = members.flatMap(({ tasks }) => tasks).sort();
  const counts = members.map(({ tasks }) => tasks.length);
  return held.join() === ALL.join() && Math.max(...counts) - Math.min(...counts) <= 1;
}

const shared = (members: Member[]) =>
  until(() => isShared(members), `${members.length} members share all tasks`);

onBothBrokers(
  'members share co-partitioned tasks, and few move when one joins or leaves',
  async (scope, t) => {
    const stages = await twoStages(scope);
    const group = new Group(t, scope, stages);
    const first = await group.join();
    await shared([first]);
    const second = await group.join();
    await shared([first, second]);
    for (const { tasks } of [first, second]) {
      assert.equal(tasks.length, 4);
      assert.equal(tasks.filter((task) => splitTaskId(task).stage === 'stats').length, 2, tasks.join());
    }

    const before = [first, second].map(({ tasks }) => tasks);
    const third = await group.join();
    await shared([first, second, third]);
    const moved = before.map((tasks, index) =>
      tasks.filter((task) => ![first, second][index]!.tasks.includes(task)),
    );
    assert.deepEqual(moved.flat().sort(), [...third.tasks].sort(), 'only what the third got has moved');

    const kept = [first.tasks, second.tasks];
    await group.leave(third);
    await shared([first, second]);
    for (const [index, { tasks }] of [first, second].entries())
      assert.deepEqual(
        kept[index]!.filter((task) => !tasks.includes(task)),
        [],
        'nobody lost what it had',
      );
  },
);

onBothBrokers('kafkajs itself fetches nothing, though there is much to fetch', async (scope, t) => {
  const stages = await twoStages(scope);
  const group = new Group(t, scope, stages);
  const producer = await scope.producer();
  const topics = stages.flatMap((stage) => stage.topics);
  for (const topic of topics)
    await producer.send({ topic, messages: [0, 1, 2, 3].map((partition) => ({ partition, value: 'x' })) });
  const first = await group.join();
  const second = await group.join();
  await shared([first, second]);
  // Our own reader gets through a long poll or two meanwhile, so kafkajs had its chance.
  const sink = new CollectingSink();
  openReader(t, scope.address).add(topics[0]!, 0, 0, sink);
  await sink.until(({ answers }) => answers >= 5);
  await group.leave(second);
  await shared([first]);
  assert.equal(sink.records.length, 1);
  assert.deepEqual([first.fetched_batches, second.fetched_batches], [0, 0]);
});

interface Reading {
  stopped: boolean;
}

/** Reads its tasks and commits after each chunk, as a task does. */
class Owner {
  readonly #member: Member;
  readonly #reader: LogReader;
  readonly #seen: (value: string) => void;
  readonly #topic: string;
  readonly #positions: (partition: number) => Promise<number>;
  readonly #reading = new Map<TaskId, Reading>();
  readonly #committing = new Set<Promise<void>>();

  constructor(
    member: Member,
    topic: string,
    reader: LogReader,
    positions: (partition: number) => Promise<number>,
    seen: (value: string) => void,
  ) {
    this.#member = member;
    this.#topic = topic;
    this.#reader = reader;
    this.#positions = positions;
    this.#seen = seen;
  }

  onAssigned = (tasks: TaskId[]): void => {
    const wanted = new Set(tasks);
    for (const [task, reading] of this.#reading) {
      if (wanted.has(task)) continue;
      reading.stopped = true;
      this.#reading.delete(task);
      this.#reader.remove(this.#topic, splitTaskId(task).partition);
    }
    for (const task of wanted) {
      if (this.#reading.has(task)) continue;
      const reading = { stopped: false };
      this.#reading.set(task, reading);
      void this.#start(task, reading);
    }
  };

  /** To be called before its member leaves. */
  async stop(): Promise<void> {
    this.onAssigned([]);
    this.onAssigned = () => undefined;
    await Promise.all(this.#committing);
  }

  /** What is not committed is the next owner's to see. */
  async #commit(reading: Reading, place: PartitionOffset, values: string[]): Promise<void> {
    while (!reading.stopped) {
      if ((await this.#member.membership.commit([place])) === 'refused') {
        await delay(5);
        continue;
      }
      for (const value of values) this.#seen(value);
      return;
    }
  }

  async #start(task: TaskId, reading: Reading): Promise<void> {
    const { partition } = splitTaskId(task);
    const from = await this.#positions(partition);
    if (reading.stopped) return;
    let last = Promise.resolve();
    this.#reader.add(this.#topic, partition, from, {
      wantsMore: () => true,
      onChunk: (chunk) => {
        const { next_offset } = chunk;
        const values = [...recordsIn(chunk)].map(({ value }) => String(value));
        if (values.length === 0) return;
        last = last.then(() =>
          this.#commit(reading, { topic: this.#topic, partition, offset: next_offset }, values),
        );
        this.#committing.add(last);
      },
      onOutOfRange: () => assert.fail('out of range'),
      onUnhealthy: () => undefined,
    });
  }
}

onBothBrokers('through rebalances, no record is missed and none is counted twice', async (scope, t) => {
  const topic = await scope.topic('t', 4);
  const stages: StageTopics[] = [{ stage: 's', topics: [topic], partitions: 4 }];
  const group = new Group(t, scope, stages);
  const producer = await scope.producer();
  const admin = await scope.admin();
  const positions = async (partition: number) => {
    const [found] = await admin.fetchOffsets({ groupId: scope.name('g'), topics: [topic] });
    return Math.max(0, Number(found!.partitions.find((one) => one.partition === partition)!.offset));
  };
  const seen = new Map<string, number>();
  const owners = new Map<Member, Owner>();
  const join = () =>
    group.join((member) => {
      const owner = new Owner(member, topic, openReader(t, scope.address), positions, (value) =>
        seen.set(value, (seen.get(value) ?? 0) + 1),
      );
      owners.set(member, owner);
      return (tasks) => owner.onAssigned(tasks);
    });
  const holds = (members: Member[]) => () =>
    members.every(({ tasks }) => tasks.length === 4 / members.length);

  let sent = 0;
  let sending = true;
  const feeding = (async () => {
    while (sending) {
      const messages = [0, 1, 2, 3].map((partition) => ({ partition, value: String(sent++) }));
      await producer.send({ topic, messages });
    }
  })();
  const first = await join();
  await until(holds([first]), 'the first has all');
  const second = await join();
  await until(holds([first, second]), 'two share');
  const grown = seen.size;
  await until(() => seen.size > grown + 50, 'both go on');
  await owners.get(second)!.stop();
  await group.leave(second);
  await until(holds([first]), 'the first has all again');
  const third = await join();
  await until(holds([first, third]), 'two share again');
  sending = false;
  await feeding;
  await until(() => seen.size === sent, 'all is seen');
  await Promise.all([...owners.values()].map((owner) => owner.stop()));
  assert.deepEqual(
    [...seen].filter(([, times]) => times !== 1),
    [],
  );
});

onBothBrokers(
  'a commit of a member that the group no longer counts is refused, and taken once it is back',
  async (scope, t) => {
    const topic = await scope.topic('t', 4);
    const stages: StageTopics[] = [{ stage: 's', topics: [topic], partitions: 4 }];
    const group = new Group(t, scope, stages);
    const member = await group.join();
    await until(() => member.tasks.length === 4, 'joined');
    const place = { topic, partition: 0, offset: 0 };
    assert.equal(await member.membership.commit([place]), 'committed');
    const kafka = connectKafka(settingsFor(scope.address), SILENT);
    const outcomes: string[] = [];
    // A heartbeat may tell it that it is out before its commit does; then it is put out again.
    while (!outcomes.includes('refused') && outcomes.length < 20) {
      const { assignments } = member;
      await leaveGroup(kafka, scope.name('g'), member.member_id);
      outcomes.push(await member.membership.commit([place]));
      await until(() => member.assignments > assignments, 'it is back');
    }
    assert.ok(outcomes.includes('refused'), outcomes.join());
    assert.equal(await member.membership.commit([place]), 'committed');
    assert.equal(member.lost, undefined);
  },
);

/** Sooner than its session would time out: whoever waits for its tasks then. */
onBothBrokers('who leaves while it joins is not counted, whenever that is', async (scope, t) => {
  const stages = await twoStages(scope);
  const group = new Group(t, scope, stages);
  const stays = await group.join();
  for (const after_ms of [0, 10, 30, 60, 100, 200]) {
    const passing = new Member(scope.address, scope.name('g'), stages);
    const joining = passing.membership.start().catch(() => undefined);
    await delay(after_ms);
    await passing.membership.leave();
    await joining;
    await until(() => isShared([stays]), `one that left after ${after_ms} ms holds no task`, 4_000);
  }
  assert.equal(stays.lost, undefined);
});

/** Half of the session time-out: sooner than silence would tell. */
const TOLD_WITHIN_MS = SETTINGS.session_timeout_ms / 2;

/** A member with all tasks; the answer that tells it those of the next generation will be lost. */
async function untold(scope: Scope, t: TestContext) {
  const stages = await twoStages(scope);
  const proxy = await KafkaProxy.start(Number(scope.address.split(':')[1]));
  t.after(() => proxy.stop());
  const group = new Group(t, scope, stages);
  const member = await group.join(undefined, proxy.address);
  await shared([member]);
  return { stages, group, member, cut: proxy.cutAt(SYNC_GROUP, 'answer', 10_000) };
}

/** Where metadata are news, kafkajs joins again in the midst of a fetch, and says so by no event. */
onBothBrokers(
  'a member that joins again because of new partitions, and is not told its tasks, asks again',
  async (scope, t) => {
    const { stages, group, member, cut } = await untold(scope, t);
    const { assignments } = member;
    const admin = await scope.admin();
    await admin.createPartitions({ topicPartitions: [{ topic: stages[0]!.topics[0]!, count: 5 }] });
    assert.equal(await cut, true);
    await until(() => member.assignments > assignments, 'it is told its tasks', TOLD_WITHIN_MS);
    await group.leave(member);
  },
);

/** A kafkajs whose request for its tasks is not answered goes on with those of before, and the group with it. */
onBothBrokers(
  'a member that is not told its new tasks, as the answer was lost, asks again',
  async (scope, t) => {
    const { group, member: first, cut } = await untold(scope, t);
    const second = await group.join();
    assert.equal(await cut, true);
    await until(() => isShared([first, second]), 'they share all tasks', TOLD_WITHIN_MS);
    // Through the proxy, while that is there.
    await group.leave(first);
  },
);
