/** How the resources that a topology needs stand, one after the other; and the missing ones made, where that is asked for. */
import {
  kindOf,
  nameOf,
  obstacleTo,
  type Provisioner,
  type Resource,
  type Standing,
} from '../../connectors/provision/resource.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';

export interface Surveyed {
  resource: Resource;
  /** `by_hand`: missing, and nobody here can make it. `unknown`: it could not be looked at. */
  standing: Standing | { is: 'made' } | { is: 'by_hand'; why: string } | { is: 'unknown'; why: string };
}

export interface SurveyOptions {
  provisioners: readonly Provisioner[];
  /** Whether what is missing is made. */
  make: boolean;
  /** As each is known. */
  tell(surveyed: Surveyed): void;
}

/**
 * Where nothing is made, one that cannot be looked at does not hide the others. Where it makes, it throws at the first that cannot be
 * looked at or made: what came before it is done, and is found so the next time.
 */
export async function survey(resources: readonly Resource[], options: SurveyOptions): Promise<Surveyed[]> {
  const all: Surveyed[] = [];
  for (const resource of resources) {
    const surveyed = { resource, standing: await surveyOne(resource, options) };
    options.tell(surveyed);
    all.push(surveyed);
  }
  return all;
}

async function surveyOne(
  resource: Resource,
  { provisioners, make }: SurveyOptions,
): Promise<Surveyed['standing']> {
  const provisioner = provisioners.find(({ types }) => types.includes(resource.type))!;
  try {
    const found = await provisioner.examine(resource);
    if (found.is !== 'missing') return found;
    const obstacle = obstacleTo(resource);
    if (obstacle && make)
      throw new ErrataError('E_PROVISION', `it is missing, and ${obstacle.why}`, { hint: obstacle.hint });
    if (obstacle) return { is: 'by_hand', why: `${obstacle.why}: ${obstacle.hint}` };
    if (!make) return found;
    await provisioner.make(resource);
    return { is: 'made' };
  } catch (cause) {
    if (make) throw failedAt(resource, cause);
    return { is: 'unknown', why: cause instanceof ErrataError ? cause.toString() : errorMessage(cause) };
  }
}

function failedAt(resource: Resource, cause: unknown): ErrataError {
  const [code, own] = cause instanceof ErrataError ? [cause.code, cause.hint] : ['E_PROVISION', undefined];
  const after = 'what stands above is made; run the same command again then';
  const hint = own === undefined ? after : `${own}; ${after}`;
  return new ErrataError(code, `${kindOf(resource)} ${nameOf(resource)}: ${errorMessage(cause)}`, {
    hint,
    cause,
  });
}
