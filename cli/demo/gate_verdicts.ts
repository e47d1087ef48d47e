/**
 * `node cli/demo/gate_verdicts.ts [--seeds 10] [--topology FILE]`: what the gate says of good candidates, of ones
 * trained on flipped labels and of ones with random weights, at every retraining of the demo's loop. Ends with
 * status 1 if it lets one of the bad ones through.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Value } from 'typebox/value';
import { PUBLISHED_THRESHOLDS } from '../../actors/threshold.ts';
import { GateConfig } from '../../deploy/verdict.ts';
import { parseDuration } from '../../messages/duration.ts';
import type { Graph } from '../../topology/lint.ts';
import { TrainingConfig, trainingConfig } from '../../training/config.ts';
import { randomStream } from '../../training/random.ts';
import { loadTrainer, type Trainer, trainerUrl } from '../../training/trainer.ts';
import { loadOrReport } from '../topology_file.ts';
import { type Mail, readMails } from './mails.ts';
import { type OfflineConfig, OfflineLoop, type Retraining } from './offline_loop.ts';
import { readersFeedback } from './readers.ts';
import { replay } from './replay.ts';

const FIRST_MAILS = 2_000;
const KINDS = ['good', 'flipped', 'random'] as const;
type Kind = (typeof KINDS)[number];
type Tally = Record<Kind, { promote: number; reject: number }>;

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    topology: {
      type: 'string',
      default: fileURLToPath(new URL('../../config/topologies/mail-triage.yaml', import.meta.url)),
    },
  },
});
const loaded = loadOrReport(flags.topology);
if (loaded) await main(offlineConfig(loaded.topology), Number(flags.seeds));

async function main(config: OfflineConfig, seeds: number): Promise<void> {
  const mails = readMails();
  const trainer = await loadTrainer(trainerUrl('text_logistic'));
  const tally: Tally = {
    good: { promote: 0, reject: 0 },
    flipped: { promote: 0, reject: 0 },
    random: { promote: 0, reject: 0 },
  };
  const rows: Record<string, number>[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { loop, row } = await runLoop(mails, trainer, config, seed);
    console.log(
      Object.entries(row)
        .map(([name, value]) => `${name} ${value}`)
        .join('  '),
    );
    rows.push(row);
    for (const retraining of loop.retrainings) await tryAll(loop, trainer, retraining, seed, tally);
  }
  console.log(`\nmeans over ${seeds} seeds, in percent:`, means(rows));
  console.table(tally);
  if (tally.flipped.promote + tally.random.promote > 0) process.exitCode = 1;
}

async function runLoop(mails: readonly Mail[], trainer: Trainer, config: OfflineConfig, seed: number) {
  const loop = new OfflineLoop({ trainer, config, base: mails.slice(0, FIRST_MAILS), seed });
  await loop.start();
  const done = await replay(loop, {
    mails: mails.slice(FIRST_MAILS),
    window_ms: config.window_ms,
    readers: (mail, answer) => readersFeedback(mail, answer, seed),
    onProgress: () => {},
  });
  const last_third = done.slice(Math.floor((done.length * 2) / 3));
  const share = (of: typeof done, name: 'frozen_wrong' | 'live_wrong') =>
    Math.round((10_000 * of.filter((mail) => mail[name]).length) / of.length) / 100;
  const row = {
    seed,
    frozen: share(done, 'frozen_wrong'),
    live: share(done, 'live_wrong'),
    frozen_last_third: share(last_third, 'frozen_wrong'),
    live_last_third: share(last_third, 'live_wrong'),
    windows: loop.windows,
    alerts: loop.fired,
    retrainings: loop.retrainings.length,
    promotions: loop.retrainings.filter(({ judgement }) => judgement.kind === 'promote').length,
  };
  return { loop, row };
}

async function tryAll(
  loop: OfflineLoop,
  trainer: Trainer,
  retraining: Retraining,
  seed: number,
  tally: Tally,
): Promise<void> {
  const { dataset, candidate, window_end_ms } = retraining;
  const flipped = dataset.examples.map((example) => ({
    ...example,
    answer: example.answer === 'spam' ? 'ham' : 'spam',
  }));
  const bad = {
    flipped: await trainer.load(await loop.train(flipped, seed)),
    random: await trainer.load(withRandomWeights(candidate, seed)),
  };
  const verdicts = {
    good: retraining.judgement,
    flipped: await loop.judge(bad.flipped, retraining),
    random: await loop.judge(bad.random, retraining),
  };
  for (const kind of KINDS) {
    tally[kind][verdicts[kind].kind] += 1;
    const day = new Date(window_end_ms).toISOString().slice(0, 10);
    console.log(`  ${day}  ${kind.padEnd(7)}  ${verdicts[kind].kind.padEnd(7)}  ${verdicts[kind].reason}`);
  }
}

/** The candidate with each of its weights replaced by one drawn from [-1, 1). */
function withRandomWeights(artefact: Uint8Array, seed: number): Uint8Array {
  const random = randomStream('weights', seed);
  const bytes = Buffer.from(artefact);
  for (let at = bytes.indexOf('\n') + 1; at < bytes.length; at += 4) bytes.writeFloatLE(random() * 2 - 1, at);
  return bytes;
}

function means(rows: readonly Record<string, number>[]): Record<string, number> {
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'seed');
  const mean = (name: string) => rows.reduce((sum, row) => sum + row[name]!, 0) / rows.length;
  return Object.fromEntries(names.map((name) => [name, Math.round(mean(name) * 100) / 100]));
}

/** What the topology says, as the loop without Kafka needs it. */
function offlineConfig({ actors }: Graph): OfflineConfig {
  const configOf = (kind: string) => actors.find((actor) => actor.kind?.kind === kind)!.config;
  const window = configOf('window') as { tumbling: string };
  const { strategies } = configOf('severity') as { strategies: unknown[] };
  const strategy = strategies[0];
  const retraining = configOf('retraining') as {
    when: { error_rate: string; total_events: string; severity: string | string[] };
    cooldown: string;
  };
  const names = Object.keys(TrainingConfig.properties);
  const training = Object.fromEntries(Object.entries(retraining).filter(([name]) => names.includes(name)));
  return {
    window_ms: parseDuration(window.tumbling),
    cooldown_ms: parseDuration(retraining.cooldown),
    threshold:
      typeof strategy === 'object'
        ? { ...PUBLISHED_THRESHOLDS, ...(strategy as { threshold: object }).threshold }
        : PUBLISHED_THRESHOLDS,
    when: { ...retraining.when, severity: [retraining.when.severity].flat() },
    training: trainingConfig(training),
    gate: Value.Parse(GateConfig, configOf('rollout')),
  };
}
