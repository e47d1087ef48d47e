/** docker-compose.yml, as far as the tests start by it what it describes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseDuration } from '../../messages/duration.ts';

export const REPOSITORY = join(import.meta.dirname, '../..');

export interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string | number>;
  /** `name-or-./path:target[:ro]` */
  volumes?: string[];
  /** `address:published:target` */
  ports?: string[];
  secrets?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
}

export interface ComposeFile {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

export function readComposeFile(): ComposeFile {
  return parse(readFileSync(join(REPOSITORY, 'docker-compose.yml'), 'utf8')) as ComposeFile;
}

export interface Mounted {
  source: string;
  target: string;
  read_only: boolean;
}

export function mountsOf({ volumes = [] }: Service): Mounted[] {
  return volumes.map((text) => {
    const [source = '', target = '', mode] = text.split(':');
    return { source, target, read_only: mode === 'ro' };
  });
}

export interface Published {
  address: string;
  published: number;
  target: number;
}

export function portsOf({ ports = [] }: Service): Published[] {
  return ports.map((text) => {
    const [address = '', published, target] = text.split(':');
    return { address, published: Number(published), target: Number(target) };
  });
}

export function graceOf_ms({ stop_grace_period = '10s' }: Service): number {
  return parseDuration(stop_grace_period);
}

/** As the image of Apache Kafka makes them of its environment. */
export function kafkaProperties({ environment = {} }: Service): Record<string, string | number> {
  const named = Object.entries(environment).filter(([name]) => name.startsWith('KAFKA_'));
  return Object.fromEntries(
    named.map(([name, value]) => [name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'), value]),
  );
}
