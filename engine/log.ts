/** The log of main thread and workers: JSON lines on standard error, or lines for people where that is a terminal. */
import { isatty } from 'node:tty';
import pino, { type DestinationStream, type Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

const STANDARD_ERROR = 2;

/** Written at once, so that what a dying process said last is not lost. */
export function createLog(level: string): Logger {
  const destination = pino.destination({ dest: STANDARD_ERROR, sync: true });
  return pino({ level }, isatty(STANDARD_ERROR) ? forPeople(destination) : destination);
}

function forPeople(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(formatLine(line)) };
}

const EVERY_LINE = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

/** `12:34:56.789 warn  message  key=value`, in local time. */
export function formatLine(line: string): string {
  const record = JSON.parse(line) as { level: number; time: number; msg?: string };
  const time = new Date(record.time).toTimeString().slice(0, 8);
  const millis = String(record.time % 1000).padStart(3, '0');
  const level = (pino.levels.labels[record.level] ?? String(record.level)).padEnd(5);
  const rest = Object.entries(record)
    .filter(([name]) => !EVERY_LINE.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${time}.${millis} ${level} ${record.msg ?? ''} ${rest.join('')}`.trimEnd().concat('\n');
}
