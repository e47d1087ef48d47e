/**
 * Every mistake that lint can find. The codes are stable: people grep for them and silence them in CI.
 * An error stops the topology from running; a warning does not.
 */
interface CodeSpec {
  severity: 'error' | 'warning';
  summary: string;
}

export const PROBLEM_CODES = {
  E_FILE: { severity: 'error', summary: 'The file cannot be read.' },
  E_YAML: { severity: 'error', summary: 'The text is not valid YAML.' },
  E_DUPLICATE_KEY: { severity: 'error', summary: 'A key stands twice in one mapping.' },
  E_ENV_MISSING: {
    severity: 'error',
    summary: `An environment variable is not set (or empty) and has no default (\`\${NAME:-default}\`).`,
  },
  E_ENV_SYNTAX: {
    severity: 'error',
    summary: `A reference to a variable is not of the form \`\${NAME}\` or \`\${NAME:-default}\`.`,
  },
  E_MISSING_KEY: { severity: 'error', summary: 'A required setting is missing.' },
  E_UNKNOWN_KEY: { severity: 'error', summary: 'There is no setting of that name here.' },
  E_VALUE: { severity: 'error', summary: 'A value is not of the type or form that the setting takes.' },
  E_NAME: {
    severity: 'error',
    summary: 'A name is reserved or has characters that a topic name cannot have.',
  },
  E_DUPLICATE_NAME: { severity: 'error', summary: 'A source and an actor have the same name.' },
  E_UNKNOWN_KIND: { severity: 'error', summary: 'There is no kind of actor of that name.' },
  E_CONNECTOR_UNAVAILABLE: {
    severity: 'error',
    summary: 'There is no connector of that name for this direction, or not in this version.',
  },
  E_UNKNOWN_REFERENCE: { severity: 'error', summary: '`from` names neither a source nor an actor.' },
  E_UNKNOWN_OUTPUT: { severity: 'error', summary: '`from` names an output that the actor does not have.' },
  E_TYPE_MISMATCH: { severity: 'error', summary: 'The actor has no input for what the output carries.' },
  E_DUPLICATE_FROM: { severity: 'error', summary: '`from` names the same output twice.' },
  E_CONNECTOR: { severity: 'error', summary: 'Settings of a connector do not go together.' },
  W_CONNECTOR: { severity: 'warning', summary: 'A connector will do other than it may seem.' },
  E_SINK_FROM_SOURCE: {
    severity: 'error',
    summary: 'A Kafka sink takes its records straight from a source: that would be a copy of the topic.',
  },
  E_CYCLE: { severity: 'error', summary: 'Actors feed each other in a circle.' },
  E_SOURCE_SHARED: { severity: 'error', summary: 'More than one actor reads the same source.' },
  E_TOPIC_SHARED: { severity: 'error', summary: 'Two sources read the same topic.' },
  E_TOPIC_LOOP: {
    severity: 'error',
    summary: 'The topology reads a topic that it writes itself, or writes one that belongs to errata.',
  },
  E_KEY_PARTITIONER: {
    severity: 'error',
    summary: '`key` and `partitioner` are declared together or not at all.',
  },
  E_KEY_JOIN: {
    severity: 'error',
    summary: 'A source is keyed by something else than what its reader joins by.',
  },
  E_PARTITIONS: {
    severity: 'error',
    summary: 'Sources that feed one stage directly have different numbers of partitions.',
  },
  E_TRAINER: { severity: 'error', summary: 'The trainer is neither built in nor a file that exists.' },
  E_ROLLOUT_MISSING: {
    severity: 'error',
    summary: 'A retraining actor without a rollout actor to judge its candidates.',
  },
  E_ONE_RETRAINING: {
    severity: 'error',
    summary: 'More than one retraining or rollout actor in a topology.',
  },
  E_OUTCOMES: {
    severity: 'error',
    summary:
      'Retraining does not go back to exactly one capture actor that joins, whose outcomes it would train on.',
  },
  E_SECRET: { severity: 'error', summary: 'A secret stands in the file instead of in the environment.' },
  E_KAFKA_CONNECTION: {
    severity: 'error',
    summary: 'Settings of `kafka` do not go together, or something that they need is missing.',
  },
  W_SECRET_UNENCRYPTED: {
    severity: 'warning',
    summary: 'A mechanism that sends its secret as it is goes over connections without `ssl`.',
  },
  E_WINDOW_KIND: {
    severity: 'error',
    summary: 'A window is more than one of tumbling, hopping and session.',
  },
  E_WINDOW_SIZE: { severity: 'error', summary: 'Time cannot be cut into windows of such a length.' },
  W_OPEN_WINDOWS: {
    severity: 'warning',
    summary: 'One key alone, with events all the time, needs more windows than `max_open_windows`.',
  },
  W_LATENESS: {
    severity: 'warning',
    summary: 'A window forgets before the join does, so events that move then are counted as late.',
  },
  W_IDLE: { severity: 'warning', summary: 'Windows on the same sources disagree about idleness.' },
  W_UNUSED_SOURCE: {
    severity: 'warning',
    summary: 'A source that others write, and no actor or sink reads.',
  },
  W_UNUSED_ACTOR: { severity: 'warning', summary: 'Nothing reads what the actor emits.' },
} as const satisfies Record<string, CodeSpec>;

export type ProblemCode = keyof typeof PROBLEM_CODES;
