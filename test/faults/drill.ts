/**
 * `npm run drill -- --cycles N [--seed S] [--brokers real|cluster|embedded] [--fault KIND…] [--guarantee G] [--store lmdb]`: injects N
 * faults, a round at a time (`--round` so many, `--from` that round), and compares what the topology said with what its input makes it say. A cycle is one fault, with the load
 * going on. A seed that was printed gives the same input and the same faults again, with their times; how they meet
 * the processes is for the machine.
 *
 * `--bug NAME|all`: with that bug planted the checker must find what that bug does within N cycles.
 *
 * Exit status: 0 where all is as it must be; otherwise 1, with the logs in .errata/drills.
 */
import { parseArgs } from 'node:util';
import type { Guarantee } from '../../engine/plan.ts';
import { errorMessage } from '../../messages/errata_error.ts';
import { BUG_NAMES, BUGS, type BugName } from './bugs/catalogue.ts';
import { BROKER_KINDS, type BrokerKind, type DrillBroker, startDrillBroker } from './drill_broker.ts';
import type { StoreKind } from './drill_topology.ts';
import { FAULT_KINDS, type FaultKind, planFaults, sensibleKinds } from './fault_plan.ts';
import { type RoundResult, runRound } from './round.ts';
import { Tidy } from './tidy.ts';

const SESSION_TIMEOUT_MS = 2_000;
const SHOWN_DIFFERENCES = 20;
const KEEP = '.errata/drills';
/** A planted bug shows soon, and nothing is learned from going on. */
const BUG_ROUND = 2;

interface Drill {
  brokers: BrokerKind;
  cycles: number;
  per_round: number;
  /** Rounds before it are left out. */
  first_round: number;
  seed: number;
  guarantee: Guarantee;
  store: StoreKind;
  processes: number;
  kinds: readonly FaultKind[];
  bug: BugName | null;
}

const tidy = new Tidy();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidy.run().then(() => process.exit(1)));
try {
  const { bugs, drill } = readArguments();
  console.log(`seed ${drill.seed}, ${drill.brokers} broker, ${drill.guarantee}, state in ${drill.store}`);
  const broker = await startDrillBroker(drill.brokers, tidy);
  const is_fine = bugs.length === 0 ? await isRight(drill, broker) : await areFound(bugs, drill, broker);
  process.exitCode = is_fine ? 0 : 1;
} catch (error) {
  console.error(errorMessage(error));
  process.exitCode = 1;
} finally {
  await tidy.run();
}

async function isRight(drill: Drill, broker: DrillBroker): Promise<boolean> {
  const begun_ms = Date.now();
  for await (const { done, round, result } of rounds(drill, broker)) {
    const { records, windows, on_time, revisions, wrong, failure } = result;
    const windows_said = `${windows} windows (${on_time} all on time) in ${revisions} revisions`;
    console.log(`round ${round}: ${records} records, ${windows_said}, ${wrong.length} differences`);
    if (wrong.length > 0 || failure !== null) {
      console.log(`FAILED${failure === null ? '' : `: ${failure}`}. Again: ${commandOf(drill, round)}`);
      show(wrong, SHOWN_DIFFERENCES);
      return false;
    }
    console.log(
      `${done} cycles in ${Math.round((Date.now() - begun_ms) / 1_000)} s: nothing lost, twice or wrong`,
    );
  }
  return true;
}

async function areFound(bugs: readonly BugName[], drill: Drill, broker: DrillBroker): Promise<boolean> {
  let all_found = true;
  for (const bug of bugs) {
    const found = await isFound({ ...drill, bug, kinds: BUGS[bug].faults, per_round: BUG_ROUND }, broker);
    all_found &&= found;
  }
  return all_found;
}

async function isFound(drill: Drill & { bug: BugName }, broker: DrillBroker): Promise<boolean> {
  for await (const { done, result } of rounds(drill, broker)) {
    const shown = result.wrong.filter((line) => BUGS[drill.bug].shows.test(line));
    if (shown.length === 0) {
      if (result.failure !== null) console.log(`  not found, but: ${result.failure}`);
      continue;
    }
    console.log(`bug ${drill.bug}: found after ${done} cycles, by ${result.wrong.length} differences`);
    show(shown, 2);
    return true;
  }
  console.log(`FAILED: bug ${drill.bug} is not found in ${drill.cycles} cycles, seed ${drill.seed}`);
  return false;
}

async function* rounds(
  drill: Drill,
  broker: DrillBroker,
): AsyncGenerator<{ done: number; round: number; result: RoundResult }> {
  const { cycles, per_round, first_round, seed, guarantee, store, processes, kinds, bug } = drill;
  for (let round = first_round, done = 0; done < cycles; round++) {
    const faults = planFaults({
      ...{ seed, round, kinds, processes },
      cycles: Math.min(per_round, cycles - done),
      session_timeout_ms: SESSION_TIMEOUT_MS,
    });
    const result = await runRound({
      ...{ seed, round, faults, broker, guarantee, store, processes, bug },
      session_timeout_ms: SESSION_TIMEOUT_MS,
      keep: bug === null ? KEEP : null,
      say: (line) => console.log(line),
    });
    done += result.cycles;
    yield { done, round, result };
  }
}

/** For that round alone. */
function commandOf(
  { brokers, per_round, seed, guarantee, store, processes, kinds }: Drill,
  round: number,
): string {
  const flags = Object.entries({
    cycles: per_round,
    round: per_round,
    from: round,
    seed,
    brokers,
    guarantee,
    store,
    processes,
  });
  const faults =
    kinds.length === sensibleKinds(guarantee).length ? [] : kinds.map((kind) => ` --fault ${kind}`);
  return `npm run drill --${flags.map(([name, value]) => ` --${name} ${value}`).join('')}${faults.join('')}`;
}

function show(wrong: readonly string[], most: number): void {
  for (const line of wrong.slice(0, most)) console.log(`  ${line}`);
  if (wrong.length > most) console.log(`  and ${wrong.length - most} more`);
}

function readArguments(): { bugs: readonly BugName[]; drill: Drill } {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '30' },
      round: { type: 'string', default: '15' },
      from: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      brokers: { type: 'string', default: 'real' },
      guarantee: { type: 'string', default: 'exactly_once' },
      store: { type: 'string', default: 'memory' },
      processes: { type: 'string', default: '2' },
      fault: { type: 'string', multiple: true },
      bug: { type: 'string' },
    },
  });
  const guarantee = oneOf(values.guarantee, ['exactly_once', 'at_least_once'] as const);
  const drill: Drill = {
    brokers: oneOf(values.brokers, BROKER_KINDS),
    cycles: natural(values.cycles),
    per_round: natural(values.round),
    first_round: natural(values.from),
    seed: natural(values.seed),
    guarantee,
    store: oneOf(values.store, ['memory', 'lmdb'] as const),
    processes: natural(values.processes),
    kinds: values.fault?.map((kind) => oneOf(kind, FAULT_KINDS)) ?? sensibleKinds(guarantee),
    bug: null,
  };
  return { bugs: bugsOf(values.bug), drill };
}

function bugsOf(text: string | undefined): readonly BugName[] {
  if (text === undefined) return [];
  return text === 'all' ? BUG_NAMES : [oneOf(text, BUG_NAMES)];
}

function natural(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`"${text}" is no whole number`);
}

function oneOf<Name extends string>(text: string, names: readonly Name[]): Name {
  const name = names.find((one) => one === text);
  if (name === undefined) throw new Error(`"${text}" is none of ${names.join(', ')}`);
  return name;
}
