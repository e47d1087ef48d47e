/** One member of a consumer group and the answers it is waiting for. */
export interface Protocol {
  name: string;
  metadata: Buffer;
}

export interface JoinAnswer {
  error_code: number;
  generation_id: number;
  protocol_name: string;
  leader: string;
  member_id: string;
  /** Filled for the leader only. */
  members: { member_id: string; group_instance_id: string | null; metadata: Buffer }[];
}

export interface SyncAnswer {
  error_code: number;
  assignment: Buffer;
}

export interface MemberOptions {
  member_id: string;
  client_id: string;
  client_host: string;
  session_timeout_ms: number;
  rebalance_timeout_ms: number;
  protocols: Protocol[];
}

export const NO_BYTES = Buffer.alloc(0);

export class Member {
  readonly member_id: string;
  readonly client_id: string;
  readonly client_host: string;
  readonly #session_timeout_ms: number;
  readonly #expired: () => void;
  #session_timer: NodeJS.Timeout | undefined;
  rebalance_timeout_ms: number;
  protocols: Protocol[] = [];
  assignment: Buffer = NO_BYTES;
  /** Set while the member waits for the others to join. */
  joining: ((answer: JoinAnswer) => void) | undefined;
  /** Set while the member waits for the leader's assignment. */
  syncing: ((answer: SyncAnswer) => void) | undefined;

  /** `expired` is called when the member is silent for its session time-out and is owed no answer. */
  constructor(options: MemberOptions, expired: () => void) {
    this.member_id = options.member_id;
    this.client_id = options.client_id;
    this.client_host = options.client_host;
    this.rebalance_timeout_ms = options.rebalance_timeout_ms;
    this.setProtocols(options.protocols);
    this.#session_timeout_ms = options.session_timeout_ms;
    this.#expired = expired;
    this.heard();
  }

  /** Copies, so that the request's buffer can go. */
  setProtocols(protocols: readonly Protocol[]): void {
    this.protocols = protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }));
  }

  hasProtocols(protocols: readonly Protocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const mine = this.protocols[index]!;
        return mine.name === name && mine.metadata.equals(metadata);
      })
    );
  }

  metadataOf(protocol_name: string): Buffer {
    return this.protocols.find(({ name }) => name === protocol_name)?.metadata ?? NO_BYTES;
  }

  /** Starts the session time-out anew. */
  heard(): void {
    clearTimeout(this.#session_timer);
    this.#session_timer = setTimeout(() => {
      // Who waits for an answer of ours cannot send heartbeats.
      if (this.joining || this.syncing) this.heard();
      else this.#expired();
    }, this.#session_timeout_ms);
  }

  answerJoin(answer: JoinAnswer): void {
    const answer_to = this.joining;
    this.joining = undefined;
    this.heard();
    answer_to?.(answer);
  }

  answerSync(answer: SyncAnswer): void {
    const answer_to = this.syncing;
    this.syncing = undefined;
    this.heard();
    answer_to?.(answer);
  }

  /** Ends the timer; whoever still waits is told why. */
  gone(error_code: number): void {
    clearTimeout(this.#session_timer);
    this.joining?.(joinError(error_code, this.member_id));
    this.syncing?.({ error_code, assignment: NO_BYTES });
  }
}

export function joinError(error_code: number, member_id: string): JoinAnswer {
  return { error_code, generation_id: -1, protocol_name: '', leader: '', member_id, members: [] };
}
