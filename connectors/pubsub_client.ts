/** Google's Pub/Sub client, imported where it is used: it takes half a second and 60 MB. */
import type { PubSub } from '@google-cloud/pubsub';
import { Type } from 'typebox';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { signInNowhere } from './emulator.ts';

/** A dead connection is noticed after so long without traffic. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/** A resource of Pub/Sub: its name, or `projects/PROJECT/{kind}/NAME`. */
export function PubsubResource(kind: 'topics' | 'subscriptions', description: string) {
  return Type.String({
    pattern: `^(projects/[^/]+/${kind}/)?(?![Gg][Oo][Oo][Gg])[A-Za-z][A-Za-z0-9._~+%-]{2,254}$`,
    examples: ['feedback', `projects/my-project/${kind}/feedback`],
    description,
  });
}

export const Project = Type.Optional(
  Type.String({
    minLength: 1,
    examples: ['my-project'],
    description:
      'Google Cloud project; default: that of the full name, else of the environment (GOOGLE_CLOUD_PROJECT, credentials)',
  }),
);

/** `resource` may be a full name. Credentials are Google's application default ones; PUBSUB_EMULATOR_HOST is heeded. */
export async function openPubsub(resource: string, project: string | undefined): Promise<PubSub> {
  signInNowhere(process.env.PUBSUB_EMULATOR_HOST);
  const { PubSub } = await import('@google-cloud/pubsub');
  const id = /^projects\/([^/]+)\//.exec(resource)?.[1] ?? project;
  return new PubSub({ ...(id === undefined ? {} : { projectId: id }), ...channelOptions() });
}

function channelOptions(): Record<string, number> {
  return {
    // A client that is opened anew gets a connection of its own, not one that may be dead.
    'grpc.use_local_subchannel_pool': 1,
    // An emulator may take pings as an attack; and it is on this machine.
    ...(process.env.PUBSUB_EMULATOR_HOST
      ? {}
      : { 'grpc.keepalive_time_ms': KEEPALIVE_MS, 'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS }),
  };
}

/** Of gRPC. */
export const STATUS = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  UNAUTHENTICATED: 16,
} as const;

export function statusOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** `role`: what the service account needs. */
export function pubsubError(error: unknown, resource: string, role: string): ErrataError {
  const message = `${resource}: ${errorMessage(error)}`;
  const hint = pubsubHint(error, role);
  return new ErrataError('E_PUBSUB', message, hint === undefined ? { cause: error } : { cause: error, hint });
}

/** What helps against it; undefined: nothing is known. */
export function pubsubHint(error: unknown, role: string): string | undefined {
  const status = statusOf(error);
  if (/Project Id/i.test(errorMessage(error)))
    return 'set GOOGLE_CLOUD_PROJECT, or `project:` in the topology';
  if (status === STATUS.NOT_FOUND) return 'it does not exist: make it, or mend its name or project';
  if (status === STATUS.PERMISSION_DENIED) return `the service account needs ${role} on it`;
  if (status === STATUS.UNAUTHENTICATED || /default credentials/i.test(errorMessage(error)))
    return 'set GOOGLE_APPLICATION_CREDENTIALS';
  return undefined;
}
