/**
 * The contract of a connector: how records come into Kafka from elsewhere (a source), and go from Kafka to elsewhere (a sink).
 *
 * 1. A kind is one file: its settings as a schema, from which lint and reference follow, and what it does.
 * 2. A source runs once in every process of the topology. It acknowledges to the other side only what `publish` has
 *    resolved for. What arrives twice is dropped behind it by `id`, whichever process it came through.
 * 3. A sink runs once per partition of what it reads, as a task of the engine. Its position moves once `write` has resolved.
 * 4. Neither decides when to give up. What passes rejects (`write`), is told by `health`, or is handed to `fail`; the
 *    engine waits, tries again and says why. What one record is to blame for is a refusal or a dead letter.
 * 5. Memory is bounded: a source holds no more than it has been allowed to by its own limits while `publish` is pending.
 * 6. The lag of a source is what it holds: taken, and not acknowledged to the other side yet (held_messages.ts). No backlog is
 *    guessed where the other side does not tell one.
 * 7. Secrets are read where they are used (secret.ts), stand in no settings, and are told to nobody.
 */
import type { Static, TObject } from 'typebox';
import type { MessageType } from '../actors/actor.ts';
import type { BatchLimits, OpenSink, RunningSource, SinkPorts, SourcePorts } from '../engine/edge.ts';
import type { Resource } from './provision/resource.ts';

export type {
  BatchLimits,
  EdgePlace,
  IncomingRecord,
  OpenSink,
  Refusal,
  RunningSource,
  SinkContext,
  SinkPorts,
  SinkRecord,
  SourceLag,
  SourcePorts,
} from '../engine/edge.ts';

/** What the schema cannot say about settings; lint reports it at `at`, a path within them. */
export interface Finding {
  code: 'E_CONNECTOR' | 'E_SECRET' | 'W_CONNECTOR';
  at: readonly string[];
  message: string;
}

interface ConnectorKind {
  readonly kind: string;
  /** One sentence for the reference docs. */
  readonly summary: string;
  /** The entry of a source or sink as YAML, for the reference docs; a test lints it. */
  readonly example: string;
  /** Schema of what stands under the kind's name in the entry. */
  readonly config: TObject;
  /** Settings that may be secrets: nothing is filled into them from the environment, for the plan holds and shows them. */
  readonly unfilled?: readonly string[];
}

export interface SourceKind extends ConnectorKind {
  /** How long repetitions are looked for, by default; null: its records have no ids, and it cannot be de-duplicated. */
  readonly dedupe: string | null;
  check?(config: unknown): Finding[];
  /** Which order it keeps, for `errata plan`; absent: there is nothing to say. */
  order?(config: unknown): string;
  /** What it needs on the other side, as far as that can be made beforehand (`errata provision`), in the order of making. */
  resources?(config: unknown): Resource[];
  start(config: unknown, ports: SourcePorts): Promise<RunningSource>;
}

/** Which of the revisions of a window it wants: the first, each, or the last once none can follow. */
export type Revisions = 'first' | 'each' | 'last';

export interface SinkKind extends ConnectorKind {
  readonly batch: BatchLimits;
  /** Absent: each. Asked only where what it takes has revisions (windows, assessments, alerts). */
  revisions?(config: unknown): Revisions;
  /** `message`: what it takes; `source_record` is straight from a source. */
  check?(config: unknown, message: MessageType): Finding[];
  /** As of a source. */
  order?(config: unknown): string;
  /** As of a source. */
  resources?(config: unknown, message: MessageType): Resource[];
  open(config: unknown, ports: SinkPorts): Promise<OpenSink>;
}

type Typed<Kind extends ConnectorKind, Config extends TObject, Own extends keyof Kind> = Omit<
  Kind,
  'config' | Own
> & {
  config: Config;
};

/** Ties the types of the functions' configuration to the schema. */
export function defineSource<Config extends TObject>(
  kind: Typed<SourceKind, Config, 'check' | 'order' | 'resources' | 'start'> & {
    check?(config: Static<Config>): Finding[];
    order?(config: Static<Config>): string;
    resources?(config: Static<Config>): Resource[];
    start(config: Static<Config>, ports: SourcePorts): Promise<RunningSource>;
  },
): SourceKind {
  return kind as SourceKind;
}

export function defineSink<Config extends TObject>(
  kind: Typed<SinkKind, Config, 'revisions' | 'check' | 'order' | 'resources' | 'open'> & {
    resources?(config: Static<Config>, message: MessageType): Resource[];
    revisions?(config: Static<Config>): Revisions;
    check?(config: Static<Config>, message: MessageType): Finding[];
    order?(config: Static<Config>): string;
    open(config: Static<Config>, ports: SinkPorts): Promise<OpenSink>;
  },
): SinkKind {
  return kind as SinkKind;
}
