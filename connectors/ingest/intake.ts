/** From the body of a request to the answer: read, checked, published, acknowledged. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingRecord, SourcePorts } from '../../engine/edge.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { type Hold, RecordRate } from './allowance.ts';
import { type BodyForm, recordSpans, type Span } from './body_records.ts';
import { IdempotencyKeys } from './idempotency.ts';
import {
  type CheckedRecords,
  type KeyField,
  RecordCheck,
  type RecordError,
  type RecordKind,
} from './record_check.ts';
import type { Accepted } from './routes.ts';

/** Where the records of one kind go. */
export interface Endpoint {
  kind: RecordKind;
  key: KeyField;
  ports: Pick<SourcePorts, 'publish' | 'fail'>;
}

export interface IntakeLimits {
  max_records: number;
  /** Records per second; undefined: any. */
  max_rate: number | undefined;
  timeout_ms: number;
  idempotency_ms: number;
}

export interface IntakeRequest {
  body: Buffer;
  form: BodyForm;
  idempotency_key: string | undefined;
  hold: Hold;
}

/** A key takes some hundred bytes. */
const MAX_KEYS = 100_000;

export class Intake {
  readonly #limits: IntakeLimits;
  readonly #check = new RecordCheck();
  readonly #keys: IdempotencyKeys;
  readonly #rate: RecordRate | undefined;

  constructor(limits: IntakeLimits) {
    this.#limits = limits;
    this.#keys = new IdempotencyKeys({ window_ms: limits.idempotency_ms, max_keys: MAX_KEYS });
    this.#rate = limits.max_rate === undefined ? undefined : new RecordRate(limits.max_rate);
  }

  /** Throws ErrataError: E_REQUEST, E_TOO_MANY_RECORDS, E_IDEMPOTENCY_KEY, E_BUSY or E_NOT_ACKNOWLEDGED. */
  async take(endpoint: Endpoint, request: IntakeRequest): Promise<Accepted> {
    const { idempotency_key: key = randomUUID(), hold } = request;
    let checked: CheckedRecords | undefined;
    const carryOut = async () => {
      const spans = spansIn(request);
      this.#allow(spans.length);
      checked = this.#checked(endpoint, request, spans, key);
      await publish(endpoint, checked.accepted, hold);
    };
    const done =
      request.idempotency_key === undefined
        ? carryOut()
        : this.#keys.once(`${endpoint.kind}/${key}`, fingerprint(request), Date.now(), carryOut);
    await this.#inTime(done);
    const { accepted, errors } = checked ?? this.#checked(endpoint, request, spansIn(request), key);
    return { accepted: accepted.length, errors };
  }

  #checked(
    { kind, key }: Endpoint,
    { body, hold }: IntakeRequest,
    spans: readonly Span[],
    request_id: string,
  ): CheckedRecords {
    const checked = this.#check.check(body, spans, { kind, key, request_id });
    // They wait with the request, and may be longer than it.
    if (!hold.growBy(errorBytes(checked.errors))) throw tooMuchPending();
    return checked;
  }

  #allow(records: number): void {
    const { max_records } = this.#limits;
    if (records > max_records) {
      throw new ErrataError('E_TOO_MANY_RECORDS', `${records} records, at most ${max_records} are taken`, {
        hint: 'send them in several requests',
      });
    }
    const wait_ms = this.#rate?.take(records, performance.now()) ?? 0;
    if (wait_ms > 0) throw new Busy(`more than ${this.#limits.max_rate} records per second`, wait_ms);
  }

  /** What is not acknowledged in time goes on: repeated with its key, the request gets the answer that it then has. */
  async #inTime(done: Promise<void>): Promise<void> {
    const { timeout_ms } = this.#limits;
    const over = new AbortController();
    const timeout = delay(timeout_ms, null, { signal: over.signal }).catch(() => null);
    try {
      if ((await Promise.race([done, timeout])) !== null) return;
    } finally {
      over.abort();
    }
    // Nobody waits for it any more.
    done.catch(() => undefined);
    throw new ErrataError('E_NOT_ACKNOWLEDGED', `Kafka has not acknowledged within ${timeout_ms} ms`, {
      hint: 'it may still do so: repeat the request with an Idempotency-Key, or records with an event_id',
    });
  }
}

/** The caller is to come again in `wait_ms`. */
export class Busy extends ErrataError {
  readonly wait_ms: number;

  constructor(message: string, wait_ms: number) {
    super('E_BUSY', message, { hint: 'see Retry-After' });
    this.wait_ms = wait_ms;
  }
}

export function tooMuchPending(): Busy {
  return new Busy('as much waits for Kafka as may', 1_000);
}

/** Of an object, and of the answer that is written of it. */
const ERROR_BYTES = 160;

function errorBytes(errors: readonly RecordError[]): number {
  return errors.reduce(
    (bytes, { code, message }) => bytes + ERROR_BYTES + 2 * (code.length + message.length),
    0,
  );
}

/** Throws E_REQUEST. */
function spansIn({ body, form }: IntakeRequest): Span[] {
  const spans = recordSpans(body, form);
  if (!spans) throw new ErrataError('E_REQUEST', 'the array does not end, or something follows it');
  return spans;
}

/** Throws E_NOT_ACKNOWLEDGED. */
async function publish(endpoint: Endpoint, records: readonly IncomingRecord[], hold: Hold): Promise<void> {
  hold.retain();
  try {
    await endpoint.ports.publish(records);
  } catch (cause) {
    throw notPublished(endpoint, cause);
  } finally {
    hold.release();
  }
}

/** Whether some of it got into the log is not known. */
function notPublished({ ports }: Endpoint, cause: unknown): ErrataError {
  const is_stopping = cause instanceof ErrataError && cause.code === 'E_SOURCE_STOPPED';
  if (!is_stopping) ports.fail(cause instanceof Error ? cause : new Error(errorMessage(cause)));
  const why = is_stopping ? 'the ingest is stopping' : 'Kafka does not take it at the moment';
  return new ErrataError('E_NOT_ACKNOWLEDGED', why, { cause, hint: 'repeat the request' });
}

function fingerprint({ body, form }: IntakeRequest): string {
  return createHash('sha256').update(form).update(body).digest('base64');
}
