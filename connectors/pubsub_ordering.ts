/**
 * Whether a subscription keeps the order of its ordering keys. To have seen it once is enough for a start of the source: Pub/Sub does
 * not change it in a subscription that exists, and to make one anew ends its streams (NOT_FOUND), at which the source fails, is
 * started again, and looks again.
 */
import type { Subscription } from '@google-cloud/pubsub';
import type { SourcePorts } from './connector.ts';
import { pubsubError } from './pubsub_client.ts';

const TIMEOUT_MS = 10_000;
/** That of a subscriber may not look at what it subscribes to. */
const ROLE = 'roles/pubsub.viewer';

/** Whether that is known now. Logs what is against it, or that it cannot be seen. Never rejects: messages come all the same. */
export async function lookAtOrdering(
  subscription: Subscription,
  { log }: Pick<SourcePorts, 'log'>,
  isEnding: () => boolean,
): Promise<boolean> {
  const { name } = subscription;
  try {
    // Not retried: that would go on when the source has ended.
    const [{ enableMessageOrdering }] = await subscription.getMetadata({ timeout: TIMEOUT_MS, retry: null });
    if (!enableMessageOrdering)
      log.warn(
        { subscription: name },
        'the subscription has message ordering off: messages of one ordering key may come in any order; make it anew with it on, or say "provision: { ordered: false }" or another "key"',
      );
    return true;
  } catch (error) {
    if (isEnding()) return false;
    const reason = pubsubError(error, name, ROLE).toString();
    log.warn({ subscription: name, reason }, 'it cannot be seen whether the subscription keeps the order');
    return false;
  }
}
