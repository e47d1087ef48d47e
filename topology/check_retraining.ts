/** The loop from an alert to a new model has to be closed, with a trainer that exists. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { builtInTrainers } from '../training/trainer.ts';
import type { Draft, DraftActor, LintContext } from './draft.ts';
import { joins } from './keyed.ts';
import type { Links } from './link.ts';
import { nearest } from './nearest.ts';
import { capturesBefore } from './plan_config.ts';

export function checkRetraining(draft: Draft, links: Links, context: LintContext): void {
  const { document, problems } = context;
  const [retraining, ...others] = ofKind(draft, 'retraining');
  const [rollout, ...other_rollouts] = ofKind(draft, 'rollout');
  for (const other of [...others, ...other_rollouts]) {
    const first = other.kind?.kind === 'rollout' ? rollout : retraining;
    const message = `a topology has one ${other.kind?.kind} actor; "${first?.name}" is one`;
    problems.report('E_ONE_RETRAINING', document.keyAt(other.path), message);
  }
  if (!retraining) return;
  if (!rollout) {
    const message = `nobody judges what "${retraining.name}" has trained; add rollout: { from: ${retraining.name} }`;
    problems.report('E_ROLLOUT_MISSING', document.keyAt(retraining.path), message);
  }
  const captures = capturesBefore(retraining.name, { ...draft, ...links });
  if (captures.length > 1) {
    const names = captures.map(({ name }) => `"${name}"`).join(' and ');
    problems.report(
      'E_OUTCOMES',
      document.valueAt([...retraining.path, 'from']),
      `its alerts go back to ${names}; it trains on what one captured`,
    );
  }
  const [capture] = captures;
  if (capture && !joins(capture)) {
    const message = `"${capture.name}" joins nothing, so there are no outcomes to train on`;
    problems.report('E_OUTCOMES', document.valueAt([...capture.path, 'join']), message);
  }
  for (const actor of [retraining, ...others]) checkTrainer(actor, context);
}

function checkTrainer({ config, path }: DraftActor, { document, problems }: LintContext): void {
  const { trainer } = config;
  if (typeof trainer !== 'string') return;
  const position = document.valueAt([...path, 'trainer']);
  if (isTrainerPath(trainer)) {
    const file = resolve(dirname(problems.file), trainer);
    if (!existsSync(file)) problems.report('E_TRAINER', position, `the trainer ${trainer} does not exist`);
  } else if (!builtInTrainers.includes(trainer)) {
    const listing = `built in: ${builtInTrainers.join(', ')}; a module of your own begins with ./ or /`;
    problems.report(
      'E_TRAINER',
      position,
      `there is no trainer "${trainer}"; ${listing}`,
      nearest(trainer, builtInTrainers),
    );
  }
}

/** As `trainerUrl` in training/ tells them apart. */
export function isTrainerPath(trainer: string): boolean {
  return /^\.{1,2}[/\\]/.test(trainer) || isAbsolute(trainer);
}

function ofKind(draft: Draft, kind: string): DraftActor[] {
  return draft.actors.filter((actor) => actor.kind?.kind === kind);
}
