/** All consumer groups of the broker. Members live in memory only: after a restart they join again. */
import { randomUUID } from 'node:crypto';
import type { BrokerConfig } from '../broker_config.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { Group } from './group.ts';
import { type JoinAnswer, joinError, type MemberOptions } from './member.ts';
import type { Offsets } from './offsets.ts';

export interface JoinRequest extends MemberOptions {
  group_id: string;
  protocol_type: string;
  /** From JoinGroup version 4 on a new member first gets an id and joins with it (KIP-394). */
  requires_known_id: boolean;
}

export class GroupCoordinator {
  readonly offsets: Offsets;
  readonly #config: BrokerConfig;
  readonly #groups = new Map<string, Group>();

  constructor(config: BrokerConfig, offsets: Offsets) {
    this.#config = config;
    this.offsets = offsets;
  }

  get(group_id: string): Group | undefined {
    return this.#groups.get(group_id);
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const { group_id, member_id, protocol_type, protocols, session_timeout_ms } = request;
    const { min_session_timeout_ms, max_session_timeout_ms } = this.#config;
    if (group_id === '') return joinError(KAFKA_ERROR.INVALID_GROUP_ID, member_id);
    if (session_timeout_ms < min_session_timeout_ms || session_timeout_ms > max_session_timeout_ms) {
      return joinError(KAFKA_ERROR.INVALID_SESSION_TIMEOUT, member_id);
    }
    const group = this.#groups.get(group_id) ?? this.#create(group_id, member_id);
    if (group === undefined) return joinError(KAFKA_ERROR.UNKNOWN_MEMBER_ID, member_id);
    if (!group.accepts(protocol_type, protocols, member_id)) {
      return joinError(KAFKA_ERROR.INCONSISTENT_GROUP_PROTOCOL, member_id);
    }
    if (member_id !== '') {
      if (!group.knows(member_id)) return joinError(KAFKA_ERROR.UNKNOWN_MEMBER_ID, member_id);
      return group.join(request, protocol_type);
    }
    const new_id = `${request.client_id}-${randomUUID()}`;
    if (!request.requires_known_id) return group.join({ ...request, member_id: new_id }, protocol_type);
    group.expect(new_id, session_timeout_ms);
    return joinError(KAFKA_ERROR.MEMBER_ID_REQUIRED, new_id);
  }

  /** Whether this member of this generation may commit offsets, in a transaction or by itself: an error code. */
  commitProblem(
    group_id: string,
    generation_id: number,
    member_id: string,
    is_transactional: boolean,
  ): number {
    if (group_id === '') return KAFKA_ERROR.INVALID_GROUP_ID;
    const group = this.#groups.get(group_id);
    if (group !== undefined) {
      return is_transactional
        ? group.transactionalCommitProblem(member_id, generation_id)
        : group.commitProblem(member_id, generation_id);
    }
    if (generation_id < 0) return KAFKA_ERROR.NONE;
    return this.exists(group_id) ? KAFKA_ERROR.UNKNOWN_MEMBER_ID : KAFKA_ERROR.ILLEGAL_GENERATION;
  }

  /** Groups that have members or committed offsets. */
  list(): { group_id: string; protocol_type: string; state: string }[] {
    const ids = new Set([...this.#groups.keys(), ...this.offsets.groups()]);
    return [...ids].map((group_id) => {
      const group = this.#groups.get(group_id);
      return { group_id, protocol_type: group?.protocol_type ?? '', state: group?.state ?? 'Empty' };
    });
  }

  exists(group_id: string): boolean {
    return this.#groups.has(group_id) || this.offsets.groups().includes(group_id);
  }

  /** Returns an error code. */
  async delete(group_id: string): Promise<number> {
    if (group_id === '') return KAFKA_ERROR.INVALID_GROUP_ID;
    if (!this.exists(group_id)) return KAFKA_ERROR.GROUP_ID_NOT_FOUND;
    const group = this.#groups.get(group_id);
    if (group !== undefined && group.state !== 'Empty') return KAFKA_ERROR.NON_EMPTY_GROUP;
    group?.close(KAFKA_ERROR.GROUP_ID_NOT_FOUND);
    this.#groups.delete(group_id);
    await this.offsets.delete(group_id);
    return KAFKA_ERROR.NONE;
  }

  close(): void {
    for (const group of this.#groups.values()) group.close(KAFKA_ERROR.COORDINATOR_NOT_AVAILABLE);
    this.#groups.clear();
  }

  /** Only a new member makes a group; one with an id is from before a restart or a deletion. */
  #create(group_id: string, member_id: string): Group | undefined {
    if (member_id !== '') return undefined;
    const group = new Group(group_id);
    this.#groups.set(group_id, group);
    return group;
  }
}
