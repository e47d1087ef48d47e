import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import pino from 'pino';
import { READER_RATES } from '../demo/readers.ts';
import { loadOrReport } from '../topology_file.ts';

const TOPOLOGY = fileURLToPath(new URL('../../config/topologies/mail-triage.yaml', import.meta.url));

interface Flags {
  exit?: boolean;
  seed: number;
  data?: string;
  kafkaPort: number;
  topology: string;
  reportWrong: number;
  reportRight: number;
  logLevel: string;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('replay two years of real mails through the whole loop, on an embedded broker')
    .option('--exit', 'end after the replay; the last line is the result as JSON')
    .option('--seed <number>', 'of the simulated readers and of training', integer, 1)
    .option('--data <dir>', 'keep broker and models there (an empty folder); default: a temporary one')
    .option('--kafka-port <port>', 'of the embedded broker', integer, 9092)
    .option('--topology <file>', 'another topology over the same topics', TOPOLOGY)
    .option('--report-wrong <share>', 'of wrong answers that readers report', share, READER_RATES.wrong)
    .option('--report-right <share>', 'of right answers that readers confirm', share, READER_RATES.right)
    .option('--log-level <level>', 'of the log on standard error', 'error')
    .action(demo);
}

async function demo(flags: Flags): Promise<void> {
  const plan = loadOrReport(flags.topology)?.plan;
  if (!plan) return;
  const { runDemo } = await import('../demo/demo.ts');
  const say = (line: string) => console.log(line);
  const running = await runDemo({
    plan,
    seed: flags.seed,
    rates: { wrong: flags.reportWrong, right: flags.reportRight },
    kafka_port: flags.kafkaPort,
    data_dir: flags.data,
    log: pino({ level: flags.logLevel }, pino.destination({ dest: 2, sync: true })),
    say,
  });
  say(`\n${running.table}\n`);
  if (!flags.exit) {
    say(`The broker and its topics stay up until Ctrl-C. Read them, e.g.:
  kcat -b ${running.broker_address} -L
  kcat -b ${running.broker_address} -C -t mail.alerts -o beginning -e
  kcat -b ${running.broker_address} -C -t mail.rollouts -o beginning -e`);
    say(JSON.stringify(running.result));
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
  }
  await running.stop();
  if (flags.exit) say(JSON.stringify(running.result));
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is needed');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('a share from 0 to 1 is needed');
  return value;
}
