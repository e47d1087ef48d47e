/**
 * One round of a drill: a topology with names of its own on the broker, several processes that share it, a load, a
 * fault after the other while the load goes on; then the end of the load, and judgement over all that was said.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { addLedgers } from '../../engine/ledger.ts';
import type { Guarantee } from '../../engine/plan.ts';
import { isSettled } from '../../engine/processor.ts';
import { errorMessage } from '../../messages/errata_error.ts';
import { areDecided } from '../harness/decided.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { readTopic, type TopicRecord } from '../harness/read_topic.ts';
import type { BugName } from './bugs/catalogue.ts';
import { type Aside, differences, ledgerDifferences, ledgerGaps, type Said } from './checker.ts';
import type { DrillBroker } from './drill_broker.ts';
import { DrillInput, FROM_MS, PARTITIONS } from './drill_input.ts';
import { DrillProcess } from './drill_process.ts';
import { DISORDER_MS, type DrillTopology, type StoreKind, writeTopology } from './drill_topology.ts';
import { type Accounts, type Expected, expectedOf, withoutZeros } from './expected.ts';
import type { Fault } from './fault_plan.ts';
import { Feeder } from './feeder.ts';
import { inject } from './inject.ts';
import { type InputLog, readInput } from './log_truth.ts';
import { hasSecondReader, secondReading } from './second_reader.ts';
import { Tidy } from './tidy.ts';

export interface RoundOptions {
  seed: number;
  round: number;
  faults: readonly Fault[];
  broker: DrillBroker;
  guarantee: Guarantee;
  store: StoreKind;
  processes: number;
  session_timeout_ms: number;
  bug: BugName | null;
  /** Where the logs of a round in which something was wrong are kept; null: nowhere. */
  keep: string | null;
  say(line: string): void;
}

export interface RoundResult {
  /** Faults that took effect. */
  cycles: number;
  records: number;
  windows: number;
  on_time: number;
  revisions: number;
  /** What the checkers found; empty where all is right. */
  wrong: string[];
  /** Why it could not be judged, or came to its end otherwise than it should. */
  failure: string | null;
}

const FEED_INTERVAL_MS = 50;
const START_WITHIN_MS = 60_000;
/** Nothing goes on for so long after a fault: it never will. */
const PROGRESS_WITHIN_MS = 60_000;
const SETTLE_WITHIN_MS = 120_000;
const LEDGER_WITHIN_MS = 20_000;
const HOUR_MS = 3_600_000;

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const tidy = new Tidy();
  const round = new Round(options, tidy);
  try {
    const outcome = await round.run().catch((error) => ({ wrong: [], failure: errorMessage(error) }));
    if (outcome.wrong.length > 0 || outcome.failure !== null) round.keepLogs();
    return { ...round.counts, ...outcome };
  } finally {
    await tidy.run();
  }
}

class Round {
  readonly counts = { cycles: 0, records: 0, windows: 0, on_time: 0, revisions: 0 };
  readonly #options: RoundOptions;
  readonly #tidy: Tidy;
  readonly #topology: DrillTopology;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #input: DrillInput;
  readonly #feeder: Feeder;
  readonly #processes: DrillProcess[] = [];
  #progress = '';

  constructor(options: RoundOptions, tidy: Tidy) {
    const { seed, round, broker, guarantee, store, session_timeout_ms } = options;
    this.#options = options;
    this.#tidy = tidy;
    const name = `drill-${seed}-${round}-${randomUUID().slice(0, 4)}`;
    // Every other round joins as bytes, and as objects what is re-keyed.
    const feedback_keyed = round % 2 === 1;
    const folder = temporaryFolder(tidy, 'errata-drill-');
    const setting = { guarantee, session_timeout_ms, store, feedback_keyed };
    this.#topology = writeTopology(folder, name, setting);
    this.#kafka = new Kafka({
      brokers: [...broker.addresses],
      logLevel: logLevel.NOTHING,
      // A broker that is down comes back.
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 100 },
    });
    this.#admin = this.#kafka.admin();
    this.#input = new DrillInput(seed * 1_000 + round, feedback_keyed);
    this.#feeder = new Feeder(this.#kafka, this.#topology.sources, this.#input, FEED_INTERVAL_MS);
  }

  /** Throws where it cannot come so far as to tell. */
  async run(): Promise<Pick<RoundResult, 'wrong' | 'failure'>> {
    await this.#start();
    this.#feeder.start();
    for (const fault of this.#options.faults) await this.#cycle(fault);
    await this.#feeder.stop();
    await this.#feeder.heartbeat(this.#input.until_ms + HOUR_MS);
    const unsettled = await this.#settle();
    const log = await this.#readInput();
    const expected = expectedOf(log);
    const said = await this.#readSaid();
    const wrong = [
      ...(log.numbers.size === this.#feeder.sent
        ? []
        : [`the log has ${log.numbers.size} of ${this.#feeder.sent} records`]),
      ...differences(expected, said, this.#options.guarantee),
      ...(await this.#readAgain()),
    ];
    // Where something is wrong already, nobody waits for the rest to become right.
    wrong.push(...(await this.#ledger(expected, wrong.length === 0 ? LEDGER_WITHIN_MS : 0)));
    const failure = unsettled ?? (await this.#stop());
    Object.assign(this.counts, {
      records: this.#feeder.sent,
      windows: expected.windows.size,
      on_time: expected.on_time.size,
      revisions: said.assessments.length,
    });
    if (wrong.length === 0 && failure === null) await this.#removeTopics();
    return { wrong, failure };
  }

  /** With a bug planted it may never be, and what was said until then is judged; null: it is settled. */
  async #settle(): Promise<string | null> {
    const { bug } = this.#options;
    const within_ms = bug === null ? SETTLE_WITHIN_MS : SETTLE_WITHIN_MS / 4;
    const settled = this.#until(() => this.#isSettled(), 'all is processed', within_ms);
    if (bug === null) await settled.catch((error) => this.#tellWhatWaits(error));
    return settled.then(() => null, errorMessage);
  }

  /** With what the processes say themselves, and how far the group has come. */
  async #tellWhatWaits(error: unknown): Promise<never> {
    const { say } = this.#options;
    for (const process of this.#processes)
      say(`${process.name}: ${(await process.notReady().catch(errorMessage)) ?? 'says that it is ready'}`);
    say(`the group has committed ${await this.#offsets().catch(errorMessage)}`);
    throw error;
  }

  get #brokers(): string {
    return this.#options.broker.addresses.join(',');
  }

  keepLogs(): void {
    const { keep, say, broker } = this.#options;
    if (keep === null) return;
    mkdirSync(keep, { recursive: true });
    for (const { name, log } of [...this.#processes, { name: 'broker', log: broker.log }])
      writeFileSync(join(keep, `${this.#topology.plan.topology}-${name}.log`), log);
    say(`logs kept in ${keep}`);
  }

  async #start(): Promise<void> {
    const { broker, bug, processes } = this.#options;
    await this.#admin.connect();
    this.#tidy.after(() => this.#admin.disconnect());
    await this.#feeder.connect();
    this.#tidy.after(() => this.#feeder.close());
    await this.#until(() => this.#makeSources(), 'the sources are there', START_WITHIN_MS);
    const broker_ports = broker.addresses.map((address) => Number(address.split(':')[1]));
    for (let n = 0; n < processes; n++) {
      const settings = {
        name: `p${n}`,
        broker_ports,
        topology_file: this.#topology.file,
        bug,
      };
      const process = await DrillProcess.create(settings, this.#tidy);
      this.#processes.push(process);
      process.start();
    }
    // From here on nothing older than the lateness is taken, whoever reads it.
    await this.#until(() => this.#begin(), 'the broker takes records', START_WITHIN_MS);
    await this.#until(() => this.#isReady(), 'all processes are ready', START_WITHIN_MS);
    await this.#until(() => this.#isSettled(), 'time has come to its start', START_WITHIN_MS);
  }

  async #makeSources(): Promise<boolean> {
    const topics = Object.values(this.#topology.sources);
    await this.#admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: PARTITIONS })) });
    await this.#admin.fetchTopicMetadata({ topics });
    return true;
  }

  async #begin(): Promise<boolean> {
    await this.#feeder.heartbeat(FROM_MS);
    return true;
  }

  /** The next fault comes when something has gone on since the last, so that it meets a topology at work. */
  async #cycle(fault: Fault): Promise<void> {
    const { seed, round, say, broker } = this.#options;
    await this.#until(() => this.#hasProgressed(), 'something goes on', PROGRESS_WITHIN_MS);
    await delay(fault.wait_ms);
    const begun_ms = Date.now();
    const victims = { broker, processes: this.#processes, plan: this.#topology.plan };
    const remark = await inject(fault, victims);
    // What found nothing to disturb is no cycle.
    if (remark === null) this.counts.cycles++;
    const { kind, process } = fault;
    const target =
      kind === 'restart_broker' || kind === 'rebalance' ? '' : ` p${process % this.#processes.length}`;
    const number = remark === null ? `#${this.counts.cycles}` : '-';
    say(
      `  ${seed}/${round} ${number} ${kind}${target} ${Date.now() - begun_ms} ms${remark ? ` (${remark})` : ''}`,
    );
    // A broker that has just come back may not know its groups yet.
    await this.#until(() => this.#remember(), 'the group has offsets', PROGRESS_WITHIN_MS);
  }

  async #remember(): Promise<boolean> {
    this.#progress = await this.#offsets();
    return true;
  }

  async #hasProgressed(): Promise<boolean> {
    return (await this.#offsets()) !== this.#progress;
  }

  /** What the group has committed. */
  async #offsets(): Promise<string> {
    return JSON.stringify(await this.#admin.fetchOffsets({ groupId: this.#topology.plan.group_id }));
  }

  async #isReady(): Promise<boolean> {
    const reasons = await Promise.all(this.#processes.map((process) => process.notReady()));
    return reasons.every((reason) => reason === null);
  }

  async #isSettled(): Promise<boolean> {
    const { plan } = this.#topology;
    const topics = plan.topics.map(({ name }) => name);
    return (await isSettled(this.#admin, plan)) && (await areDecided(this.#brokers, topics, PARTITIONS));
  }

  async #readInput(): Promise<InputLog> {
    const read = async (topic: string) => ({ topic, records: await this.#read(topic) });
    const { predictions, feedback } = this.#topology.sources;
    return readInput({ predictions: await read(predictions), feedback: await read(feedback) }, DISORDER_MS);
  }

  async #readSaid(): Promise<Said> {
    const { sinks, plan } = this.#topology;
    const values = async <Value>(topic: string) =>
      (await this.#read(topic)).map(({ value }) => JSON.parse(value!.toString('utf8')) as Value);
    return {
      assessments: await values(sinks.assessments),
      alerts: await values(sinks.alerts),
      windows: await values(sinks.windows),
      dead_letters: (await this.#read(plan.dead_letter_topic)).map(asideOf),
      late: (await this.#read(plan.late_topic)).map(asideOf),
    };
  }

  #read(topic: string): Promise<TopicRecord[]> {
    return readTopic(this.#brokers, topic);
  }

  async #readAgain(): Promise<string[]> {
    if (!hasSecondReader()) return [];
    const topics = Object.values(this.#topology.sinks);
    const wrong = topics.map(async (topic) => secondReading(this.#brokers, topic, await this.#read(topic)));
    return (await Promise.all(wrong)).flat();
  }

  /** Processes tell by interval; so what is not right yet may only be late. At least once, what was taken twice is counted twice. */
  async #ledger({ ledger }: Expected, within_ms: number): Promise<string[]> {
    const { guarantee } = this.#options;
    let wrong: string[] = [];
    const isRight = async () => {
      const said = await this.#accounts();
      wrong = guarantee === 'exactly_once' ? ledgerDifferences(ledger, said) : ledgerGaps(ledger, said);
      return wrong.length === 0;
    };
    await this.#until(isRight, 'the ledger is right', within_ms).catch(() => undefined);
    return wrong;
  }

  async #accounts(): Promise<Accounts> {
    const views = await Promise.all(
      this.#processes.map((process) => process.ledger(this.#topology.plan.topology)),
    );
    return withoutZeros(
      addLedgers(
        views.map(({ sources, actors }) => ({
          ...actors,
          ...Object.fromEntries(
            Object.entries(sources).map(([name, { taken_in, dispositions }]) => [
              name,
              { taken_in, ...dispositions },
            ]),
          ),
        })),
      ),
    );
  }

  /** What ends otherwise than with status 0 when it is told to stop; null: nothing. */
  async #stop(): Promise<string | null> {
    const stopped = await Promise.all(
      this.#processes.map(async (process) => ({ name: process.name, status: await process.stop() })),
    );
    const failed = stopped.filter(({ status }) => status !== 0);
    if (failed.length === 0) return null;
    return failed
      .map(({ name, status }) => `${name} ended with status ${status} when told to stop`)
      .join('; ');
  }

  async #removeTopics(): Promise<void> {
    const topics = this.#topology.plan.topics.map(({ name }) => name);
    await this.#admin.deleteTopics({ topics });
  }

  async #until(holds: () => Promise<boolean>, what: string, within_ms: number): Promise<void> {
    const deadline_ms = Date.now() + within_ms;
    let last = '';
    const attempt = () =>
      holds().catch((error) => {
        last = `: ${errorMessage(error)}`;
        return false;
      });
    while (!(await attempt())) {
      if (Date.now() > deadline_ms) throw new Error(`not within ${within_ms / 1_000} s: ${what}${last}`);
      await delay(100);
    }
  }
}

function asideOf({ headers }: TopicRecord): Aside {
  return { position: headers['errata.position']!, code: headers['errata.code']! };
}
