/**
 * The state machine of one consumer group, as in Kafka's classic protocol: members join, the leader assigns, all sync,
 * until someone joins, leaves or falls silent. Sources: KIP-62 (rebalance time-out), KIP-394 (member ids are given
 * out before joining), org.apache.kafka.coordinator.group.classic.ClassicGroup.
 */
import { KAFKA_ERROR } from '../error_codes.ts';
import {
  type JoinAnswer,
  joinError,
  Member,
  type MemberOptions,
  NO_BYTES,
  type Protocol,
  type SyncAnswer,
} from './member.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

export class Group {
  readonly group_id: string;
  state: GroupState = 'Empty';
  generation_id = 0;
  protocol_type = '';
  protocol_name = '';
  leader = '';
  readonly members = new Map<string, Member>();
  /** Ids that were given out and have not joined yet (KIP-394). */
  readonly #pending = new Map<string, NodeJS.Timeout>();
  #rebalance_timer: NodeJS.Timeout | undefined;

  constructor(group_id: string) {
    this.group_id = group_id;
  }

  /** Reserves a member id; the others wait for it as long as its session time-out. */
  expect(member_id: string, session_timeout_ms: number): void {
    const timer = setTimeout(() => {
      this.#pending.delete(member_id);
      this.#completeIfAllJoined();
    }, session_timeout_ms);
    this.#pending.set(member_id, timer);
  }

  knows(member_id: string): boolean {
    return this.members.has(member_id) || this.#pending.has(member_id);
  }

  /** Whether a member with these protocols could work with the present members. */
  accepts(protocol_type: string, protocols: readonly Protocol[], member_id: string): boolean {
    if (protocol_type === '' || protocols.length === 0) return false;
    const others = [...this.members.values()].filter((member) => member.member_id !== member_id);
    if (others.length === 0) return true;
    if (protocol_type !== this.protocol_type) return false;
    return protocols.some(({ name }) =>
      others.every((other) => other.protocols.some((one) => one.name === name)),
    );
  }

  /** Resolves when the rebalance that this joining takes part in is complete. */
  join(options: MemberOptions, protocol_type: string): Promise<JoinAnswer> {
    this.#forgetPending(options.member_id);
    const known = this.members.get(options.member_id);
    const unchanged = known?.hasProtocols(options.protocols) ?? false;
    const member = known ?? this.#add(options, protocol_type);
    if (known !== undefined) {
      known.setProtocols(options.protocols);
      known.rebalance_timeout_ms = options.rebalance_timeout_ms;
      known.heard();
    }
    // Who repeats a request whose answer was lost gets the same answer again.
    const is_repeated =
      (this.state === 'Stable' && unchanged && member.member_id !== this.leader) ||
      (this.state === 'CompletingRebalance' && unchanged);
    if (is_repeated) return Promise.resolve(this.#joined(member));
    member.joining?.(joinError(KAFKA_ERROR.REBALANCE_IN_PROGRESS, member.member_id));
    const { promise, resolve } = Promise.withResolvers<JoinAnswer>();
    member.joining = resolve;
    if (this.state === 'PreparingRebalance') this.#completeIfAllJoined();
    else this.#prepareRebalance();
    return promise;
  }

  /** `assignments` is empty for all but the leader. */
  sync(
    member_id: string,
    generation_id: number,
    assignments: ReadonlyMap<string, Buffer>,
  ): Promise<SyncAnswer> {
    const error_code = this.#memberProblem(member_id, generation_id);
    if (error_code !== KAFKA_ERROR.NONE) return Promise.resolve({ error_code, assignment: NO_BYTES });
    const member = this.members.get(member_id)!;
    if (this.state === 'PreparingRebalance') {
      return Promise.resolve({ error_code: KAFKA_ERROR.REBALANCE_IN_PROGRESS, assignment: NO_BYTES });
    }
    member.heard();
    if (this.state === 'Stable') return Promise.resolve({ error_code, assignment: member.assignment });
    member.syncing?.({ error_code: KAFKA_ERROR.REBALANCE_IN_PROGRESS, assignment: NO_BYTES });
    const { promise, resolve } = Promise.withResolvers<SyncAnswer>();
    member.syncing = resolve;
    if (member_id === this.leader) this.#assign(assignments);
    return promise;
  }

  /** Returns an error code. */
  heartbeat(member_id: string, generation_id: number): number {
    const error_code = this.#memberProblem(member_id, generation_id);
    if (error_code !== KAFKA_ERROR.NONE) return error_code;
    this.members.get(member_id)!.heard();
    return this.state === 'PreparingRebalance' ? KAFKA_ERROR.REBALANCE_IN_PROGRESS : KAFKA_ERROR.NONE;
  }

  /** Returns an error code. */
  leave(member_id: string): number {
    if (this.#pending.has(member_id)) {
      this.#forgetPending(member_id);
      this.#completeIfAllJoined();
      return KAFKA_ERROR.NONE;
    }
    if (!this.members.has(member_id)) return KAFKA_ERROR.UNKNOWN_MEMBER_ID;
    this.#remove(member_id);
    return KAFKA_ERROR.NONE;
  }

  /** Whether this member of this generation may commit offsets: an error code. Generation -1 is from no member. */
  commitProblem(member_id: string, generation_id: number): number {
    if (generation_id < 0 && member_id === '') {
      return this.members.size === 0 ? KAFKA_ERROR.NONE : KAFKA_ERROR.UNKNOWN_MEMBER_ID;
    }
    const error_code = this.#memberProblem(member_id, generation_id);
    if (error_code !== KAFKA_ERROR.NONE) return error_code;
    this.members.get(member_id)!.heard();
    return this.state === 'CompletingRebalance' ? KAFKA_ERROR.REBALANCE_IN_PROGRESS : KAFKA_ERROR.NONE;
  }

  /** The same for offsets in a transaction, whose older requests name no member and which a rebalance does not hold up. */
  transactionalCommitProblem(member_id: string, generation_id: number): number {
    if (generation_id < 0 && member_id === '') return KAFKA_ERROR.NONE;
    const error_code = this.#memberProblem(member_id, generation_id);
    if (error_code === KAFKA_ERROR.NONE) this.members.get(member_id)!.heard();
    return error_code;
  }

  /** Ends all timers; members that wait are told that the coordinator goes. */
  close(error_code: number): void {
    this.state = 'Dead';
    clearTimeout(this.#rebalance_timer);
    for (const timer of this.#pending.values()) clearTimeout(timer);
    for (const member of this.members.values()) member.gone(error_code);
    this.members.clear();
  }

  #add(options: MemberOptions, protocol_type: string): Member {
    const member = new Member(options, () => this.#remove(options.member_id));
    if (this.members.size === 0) this.protocol_type = protocol_type;
    this.members.set(member.member_id, member);
    return member;
  }

  #remove(member_id: string): void {
    this.members.get(member_id)?.gone(KAFKA_ERROR.UNKNOWN_MEMBER_ID);
    this.members.delete(member_id);
    if (this.leader === member_id) this.leader = '';
    if (this.state === 'PreparingRebalance') this.#completeIfAllJoined();
    else if (this.state !== 'Dead') this.#prepareRebalance();
  }

  #forgetPending(member_id: string): void {
    clearTimeout(this.#pending.get(member_id));
    this.#pending.delete(member_id);
  }

  #memberProblem(member_id: string, generation_id: number): number {
    if (!this.members.has(member_id)) return KAFKA_ERROR.UNKNOWN_MEMBER_ID;
    return generation_id === this.generation_id ? KAFKA_ERROR.NONE : KAFKA_ERROR.ILLEGAL_GENERATION;
  }

  #prepareRebalance(): void {
    for (const member of this.members.values()) {
      member.assignment = NO_BYTES;
      if (member.syncing) {
        member.answerSync({ error_code: KAFKA_ERROR.REBALANCE_IN_PROGRESS, assignment: NO_BYTES });
      }
    }
    this.state = 'PreparingRebalance';
    const time_ms = Math.max(0, ...[...this.members.values()].map((member) => member.rebalance_timeout_ms));
    clearTimeout(this.#rebalance_timer);
    this.#rebalance_timer = setTimeout(() => this.#completeRebalance(), time_ms);
    this.#completeIfAllJoined();
  }

  #completeIfAllJoined(): void {
    if (this.state !== 'PreparingRebalance' || this.#pending.size > 0) return;
    if ([...this.members.values()].every((member) => member.joining)) this.#completeRebalance();
  }

  /** Starts the next generation with those who have joined; the others are out. */
  #completeRebalance(): void {
    clearTimeout(this.#rebalance_timer);
    for (const [member_id, member] of this.members) {
      if (member.joining) continue;
      member.gone(KAFKA_ERROR.UNKNOWN_MEMBER_ID);
      this.members.delete(member_id);
    }
    this.generation_id++;
    if (this.members.size === 0) {
      this.state = 'Empty';
      this.leader = '';
      this.protocol_name = '';
      return;
    }
    this.state = 'CompletingRebalance';
    if (!this.members.has(this.leader)) this.leader = this.members.keys().next().value!;
    this.protocol_name = this.#electProtocol();
    for (const member of this.members.values()) member.answerJoin(this.#joined(member));
  }

  /** Of the protocols that all support, the one that most members prefer. */
  #electProtocol(): string {
    const members = [...this.members.values()];
    const common = (name: string) => members.every((one) => one.protocols.some((mine) => mine.name === name));
    const votes = new Map<string, number>();
    for (const member of members) {
      const choice = member.protocols.find(({ name }) => common(name));
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    return [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best), ['', 0])[0];
  }

  #joined(member: Member): JoinAnswer {
    const { generation_id, protocol_name, leader } = this;
    const { member_id } = member;
    const members = member_id === leader ? [...this.members.values()] : [];
    return {
      error_code: KAFKA_ERROR.NONE,
      generation_id,
      protocol_name,
      leader,
      member_id,
      members: members.map((one) => ({
        member_id: one.member_id,
        group_instance_id: null,
        metadata: one.metadataOf(protocol_name),
      })),
    };
  }

  #assign(assignments: ReadonlyMap<string, Buffer>): void {
    this.state = 'Stable';
    for (const member of this.members.values()) {
      member.assignment = Buffer.from(assignments.get(member.member_id) ?? NO_BYTES);
      if (member.syncing) member.answerSync({ error_code: KAFKA_ERROR.NONE, assignment: member.assignment });
    }
  }
}
