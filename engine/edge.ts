/**
 * What runs at the edges of the log, as the engine sees it. The engine knows no connector: it is given a module by whose
 * address each thread imports them (`ConnectorModule`). connectors/connector.ts is the contract for who writes one.
 */
import type { Logger } from 'pino';
import type { BadRecord, MessageType, State } from '../actors/actor.ts';

/** Whose connector it is: enough to derive ids and names from that no other has. */
export interface EdgePlace {
  namespace: string;
  topology: string;
  /** Name of the source or sink in the topology. */
  name: string;
}

/** What a source brings in. */
export interface IncomingRecord {
  /** Decides the partition, by murmur2 as Java and kafkajs do; records of one key keep their order. Null: any partition. */
  key: Buffer | string | null;
  value: Buffer | string | null;
  /** Bytes that are no text: as header_values.ts has them. */
  headers: Record<string, string>;
  /** Of the Kafka record; absent: the time of writing. */
  timestamp_ms?: number;
  /** What repetitions of it have in common. A source that is de-duplicated gives every record one. */
  id?: string;
}

export interface SourcePorts {
  place: EdgePlace;
  /** Tells the instances of one source apart. */
  process_id: string;
  log: Logger;
  /**
   * Resolves once Kafka has acknowledged all of them; until then they may be lost, after it they are not. Waits for a
   * Kafka that is away, so a source that awaits it is held back by itself. Rejects only where the source is stopped
   * meanwhile (E_SOURCE_STOPPED) or Kafka's answer is final. What is published first stands first in its partition.
   */
  publish(records: readonly IncomingRecord[]): Promise<void>;
  /** As `publish`, to the dead-letter topic: what cannot be brought in, and why. */
  deadLetter(record: IncomingRecord, reason: BadRecord): Promise<void>;
  /** Why nothing gets through to Kafka at the moment, null if it does. */
  blocked(): string | null;
  /** It cannot go on: it is stopped, and started again after a while. */
  fail(error: Error): void;
}

/**
 * What a source knows to wait: what it has taken from the other side and not acknowledged there yet, because Kafka has not
 * acknowledged it. What the other side has not handed out yet is not in it.
 */
export interface SourceLag {
  messages: number;
  /** When the oldest of them was published, or came in; null: there is none. */
  oldest_ms: number | null;
}

/** A source that runs. */
export interface RunningSource {
  /** Why nothing comes in through it at the moment, null if all is well. Asked often; answers at once. */
  health(): string | null;
  /** Null where it holds nothing that could wait. Asked often; answers at once. */
  lag(): SourceLag | null;
  /** Takes no more, and sees those off that are under way: published and acknowledged, or given back. */
  stop(): Promise<void>;
}

/** A record for a sink, as it stands in its topic. */
export interface SinkRecord {
  topic: string;
  partition: number;
  offset: number;
  timestamp_ms: number;
  key: Buffer | null;
  /** Of an actor's output: its JSON, as published. */
  value: Buffer | null;
  /** As IncomingRecord's. */
  headers: Record<string, string>;
}

export interface SinkPorts {
  place: EdgePlace;
  /** What the records are; `source_record`: straight from a source. */
  message: MessageType;
  /** Of the topic that is read: each has a task, and a connector, of its own. */
  partition: number;
  log: Logger;
  /** Aborted when the task is to end: whatever is waited for is given up. */
  signal: AbortSignal;
}

export interface SinkContext {
  /**
   * Small state of this partition, committed with the position in one transaction once `write` has resolved; taken back where
   * it rejects. Change it only by `set`.
   */
  state: State;
  /** Only the first `count` records are done with by this `write`: once that is committed, the others are given again. */
  only(count: number): void;
}

/** A record that the other side refuses for good, and why: it goes to the dead-letter topic. */
export interface Refusal {
  record: SinkRecord;
  reason: BadRecord;
}

/** A sink that is open, for one partition. */
export interface OpenSink {
  /**
   * Resolves once the other side has acknowledged all records but those that it refuses for good, which it returns. Rejects
   * where waiting may help: the same records, from the same state, are then given again, after a while. Only one at
   * a time; in the order of the topic. After a crash the last records may come again, also cut into other batches.
   */
  write(records: readonly SinkRecord[], context: SinkContext): Promise<Refusal[]>;
  /** Why it could write nothing at the moment, null if all is well. Asked often; answers at once. */
  health(): string | null;
  close(): Promise<void>;
}

/** How much a sink is given at once. */
export interface BatchLimits {
  max_records: number;
  max_bytes: number;
}

/** What a module of connectors exports. */
export interface ConnectorModule {
  /** Rejects where it cannot be started now; it is tried again, and the reason told. Throws E_CONNECTOR_KIND. */
  startSource(kind: string, config: unknown, ports: SourcePorts): Promise<RunningSource>;
  openSink(kind: string, config: unknown, ports: SinkPorts): Promise<OpenSink>;
  batchLimits(kind: string): BatchLimits;
}

/** Null where a process has none. */
export async function importConnectors(address: string | null): Promise<ConnectorModule | null> {
  return address === null ? null : ((await import(address)) as ConnectorModule);
}
