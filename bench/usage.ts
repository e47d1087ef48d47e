/** What a process has used so far, from /proc (Linux). */
import { readFileSync } from 'node:fs';

/** Kernel ticks per second; 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100;

/** Seconds in user and system mode of all its threads, those that ended too. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces. What follows it begins with field 3; user and system time are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

export function peakRssBytes(pid: number): number {
  return 1024 * numberAfter('VmHWM:', `/proc/${pid}/status`);
}

export function rssBytes(pid: number): number {
  return 1024 * numberAfter('VmRSS:', `/proc/${pid}/status`);
}

/** Written to files and sockets; a broker that serves fetches by sendfile is counted, too. */
export function writtenBytes(pid: number): number {
  return numberAfter('wchar:', `/proc/${pid}/io`);
}

function numberAfter(name: string, file: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(name));
  if (line === undefined) throw new Error(`${file} has no ${name}`);
  return Number.parseInt(line.slice(name.length), 10);
}
