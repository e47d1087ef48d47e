/** `errata run`: topologies in this process until SIGTERM or SIGINT. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { createLog, LOG_LEVELS } from '../../engine/log.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { brokersFrom, kafkaOf } from '../kafka_brokers.ts';
import { port } from '../option_values.ts';
import { compileLater } from '../run/compile_later.ts';
import { stopSignal } from '../run/stop_signal.ts';
import { loadOrReport, type UsableTopology } from '../topology_file.ts';

interface Flags {
  adminHost: string;
  adminPort: number;
  adminTokenFile?: string;
  kafkaPort: number;
  data: string;
  logLevel: string;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run topologies on KAFKA_BROKERS, on the brokers that they name, or on the embedded broker')
    .argument('<file...>', 'topology files (YAML)')
    .option('--admin-host <host>', 'of the admin API; beyond loopback it needs a token', '127.0.0.1')
    .option('--admin-port <port>', 'of the admin API; 0 picks a free one', port, 8080)
    .option('--admin-token-file <file>', 'token of the admin API; or set ERRATA_ADMIN_TOKEN')
    .option('--kafka-port <port>', 'of the embedded broker; 0 picks a free one', port, 9092)
    .option('--data <dir>', 'of embedded broker and models', '.errata')
    .addOption(
      new Option('--log-level <level>', 'of the log on standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(run);
}

async function run(files: string[], flags: Flags): Promise<void> {
  const loaded = loadAll(files);
  if (!loaded) return;
  const brokers = brokersFrom(process.env);
  const topologies = loaded.map(({ topology, plan }) => ({ plan, kafka: kafkaOf(topology, brokers) }));
  const token = readToken(flags.adminTokenFile, process.env);
  const signal = stopSignal();
  compileLater();
  const { serve } = await import('../run/serve.ts');
  try {
    await serve({
      topologies,
      admin: { host: flags.adminHost, port: flags.adminPort, token },
      kafka_port: flags.kafkaPort,
      data_dir: flags.data,
      log: createLog(flags.logLevel),
      say: (line) => console.log(line),
      signal,
    });
  } finally {
    // Whatever still tries to reach a Kafka that is not there must not hold up the end; an error is told first.
    setImmediate(() => process.exit());
  }
}

/** All mistakes of all files are told before any of them starts. */
function loadAll(files: string[]): UsableTopology[] | null {
  const loaded = files.map(loadOrReport);
  if (!loaded.every((one) => one !== null)) return null;
  const names = loaded.map(({ plan }) => plan.topology);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return loaded;
  throw new ErrataError('E_TOPOLOGY_TWICE', `two of the files describe a topology "${twice}"`, {
    hint: 'to share the work of one topology, start another process',
  });
}

/** A file goes before the environment. Throws E_ADMIN_TOKEN where there is none in it. */
function readToken(file: string | undefined, { ERRATA_ADMIN_TOKEN: given = '' }: NodeJS.ProcessEnv) {
  if (file === undefined) return given.trim() || null;
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new ErrataError('E_ADMIN_TOKEN', `the token file cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
  if (token === '') throw new ErrataError('E_ADMIN_TOKEN', `the token file ${file} is empty`);
  return token;
}
