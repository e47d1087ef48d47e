import { RawProducer, readLog } from '../../harness/raw_producer.ts';
import { type ConformanceCase, until } from '../conformance_case.ts';

export const fencing: ConformanceCase[] = [
  {
    name: 'a zombie is refused by every request, and what it wrote is void',
    async run(scope) {
      const topic = await scope.topic('t', 2);
      const group = scope.name('g');
      const client = scope.raw();
      const zombie = new RawProducer(client, scope.name('id'));
      await zombie.init();
      await zombie.addPartitions(topic);
      await zombie.addOffsets(group);
      await zombie.write(topic, ['zombie']);
      const next = new RawProducer(client, scope.name('id'));
      const init = await next.init();
      const refused = {
        write: await zombie.write(topic, ['more']),
        write_elsewhere: await zombie.write(topic, ['more'], { partition: 1 }),
        add_partitions: await zombie.addPartitions(topic, [0], 1),
        add_partitions_3: await zombie.addPartitions(topic, [0], 3),
        add_offsets: await zombie.addOffsets(group, 1),
        add_offsets_3: await zombie.addOffsets(group, 3),
        commit_offset: await zombie.commitOffset(group, topic, 3),
        end: await zombie.end(true, 1),
        end_3: await zombie.end(true, 3),
      };
      await next.addPartitions(topic);
      await next.write(topic, ['next']);
      await next.end(true);
      const log = await until(
        () => readLog(client, topic, 'read_committed'),
        ({ last_stable_offset }) => last_stable_offset === 4,
      );
      const epochs = next.producer_epoch - zombie.producer_epoch;
      const same_id = next.producer_id === zombie.producer_id;
      const in_transaction = log.aborted.map(([, first_offset]) => first_offset);
      return { init, epochs, same_id, refused, records: log.records, in_transaction };
    },
  },
  {
    name: 'epochs rise by one when nothing is open, and a producer may ask again who it is',
    async run(scope) {
      const client = scope.raw();
      const producer = new RawProducer(client, scope.name('id'));
      const epochs = [];
      for (const version of [1, 1, 4, 4]) {
        await producer.init(60_000, version);
        epochs.push(producer.producer_epoch);
      }
      const other = new RawProducer(client, scope.name('id'));
      await other.init();
      producer.producer_epoch -= 1;
      return { epochs, other: other.producer_epoch, old: await producer.init(60_000, 4) };
    },
  },
  {
    name: 'an abandoned transaction is aborted after its time-out and its producer shut out',
    async run(scope) {
      const topic = await scope.topic('t');
      const client = scope.raw();
      const producer = new RawProducer(client, scope.name('id'));
      await producer.init(300);
      await producer.addPartitions(topic);
      await producer.write(topic, ['abandoned']);
      const log = await until(
        () => readLog(client, topic, 'read_committed'),
        ({ last_stable_offset }) => last_stable_offset === 2,
      );
      const codes = [
        (await producer.write(topic, ['late'])).error_code,
        await producer.addPartitions(topic),
        await producer.end(true, 3),
      ];
      const epoch = producer.producer_epoch;
      const again = await producer.init();
      return { records: log.records, codes, again, epochs: producer.producer_epoch - epoch };
    },
  },
  {
    name: 'requests out of turn are refused',
    async run(scope) {
      const topic = await scope.topic('t', 2);
      const client = scope.raw();
      const producer = new RawProducer(client, scope.name('id'));
      const stranger = new RawProducer(client, scope.name('stranger'));
      const codes: Record<string, unknown> = {
        too_long: await producer.init(900_001),
        zero: await producer.init(0),
        empty_id: await new RawProducer(client, '').init(),
        init: await producer.init(900_000),
        end_of_nothing: await producer.end(true),
        abort_of_nothing: await producer.end(false),
        write_unannounced: await producer.write(topic, ['x']),
        unknown_partition: await producer.addPartitions(topic, [0, 9]),
        only_unknown: await producer.addPartitions(topic, [9]),
        empty_group: await producer.addOffsets(''),
        add: await producer.addPartitions(topic),
        write: await producer.write(topic, ['x']),
        write_elsewhere: await producer.write(topic, ['x'], { partition: 1 }),
        write_idempotent: await producer.write(topic, ['x'], { transactional: false }),
        commit: await producer.end(true),
        commit_again: await producer.end(true),
        abort_after_commit: await producer.end(false),
        write_after: await producer.write(topic, ['x']),
        stranger_add: await stranger.addPartitions(topic),
        stranger_end: await stranger.end(true),
      };
      stranger.producer_id = 999_999;
      stranger.producer_epoch = 0;
      codes.stranger_write = (await stranger.write(topic, ['x'])).error_code;
      const other_id = new RawProducer(client, producer.transactional_id);
      other_id.producer_id = 999_999;
      other_id.producer_epoch = 0;
      codes.other_id = await other_id.addPartitions(topic);
      codes.other_id_end = await other_id.end(true);
      codes.other_id_write = (await other_id.write(topic, ['x'])).error_code;
      codes.other_id_offset = await other_id.commitOffset(scope.name('g'), topic, 1);
      return codes;
    },
  },
  {
    name: 'offsets in a transaction are refused from members of another generation, and for what does not exist',
    async run(scope) {
      const topic = await scope.topic('t');
      const group = scope.name('g');
      const client = scope.raw();
      const producer = new RawProducer(client, scope.name('id'));
      await producer.init();
      await producer.addOffsets(group);
      const commit = (options: object, name = topic) => producer.commitOffset(group, name, 1, options, 3);
      return {
        nobody: await commit({}),
        unknown_topic: await commit({}, scope.name('unknown')),
        stranger: await commit({ generation_id: 3, member_id: 'stranger' }),
        no_group: await commit({ group_id: '' }),
        other_group: await commit({ group_id: scope.name('other') }),
        negative: await producer.commitOffset(group, topic, -5),
      };
    },
  },
];
