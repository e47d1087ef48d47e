/** Notices when a topic that a running topology reads, or fills by key, gets other partitions: nobody would read the new ones. */
import type { Logger } from 'pino';
import { type ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { Admin } from './kafka.ts';
import type { ResolvedPlan } from './plan.ts';
import { partitionsChanged } from './topics.ts';

export const PARTITION_CHECK_INTERVAL_MS = 3_000;

/**
 * Calls `onChanged` once, with E_PARTITIONS_CHANGED. A broker that is away is asked again the next time. Ends with
 * the signal.
 */
export function watchPartitions(
  admin: Pick<Admin, 'fetchTopicMetadata'>,
  plan: ResolvedPlan,
  onChanged: (error: ErrataError) => void,
  log: Logger,
  signal: AbortSignal,
): void {
  const check = async () => {
    const change = await changeOf(admin, plan).catch((error) => {
      if (!signal.aborted) log.warn({ error: errorMessage(error) }, 'could not check partition counts');
      return null;
    });
    if (signal.aborted) return;
    if (change) onChanged(partitionsChanged(change));
    else schedule();
  };
  let timer: NodeJS.Timeout;
  const schedule = () => {
    timer = setTimeout(check, PARTITION_CHECK_INTERVAL_MS).unref();
  };
  schedule();
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

async function changeOf(
  admin: Pick<Admin, 'fetchTopicMetadata'>,
  plan: ResolvedPlan,
): Promise<string | null> {
  const read = plan.stages.flatMap(({ inputs }) => inputs.map(({ topic }) => topic));
  const topics = [...read, ...(plan.sources ?? []).map(({ topic }) => topic)];
  // Who asks for none is told of all.
  if (topics.length === 0) return null;
  const metadata = await admin.fetchTopicMetadata({ topics });
  const changed = metadata.topics.find(({ name, partitions }) => partitions.length !== plan.partitions[name]);
  if (!changed) return null;
  const { name, partitions } = changed;
  return `${name} had ${plan.partitions[name]} partitions when ${plan.topology} started, and has ${partitions.length} now`;
}
