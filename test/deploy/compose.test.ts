/** docker-compose.yml and what it mounts, before anything is started. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { emulatorEnv } from '../harness/bigquery_emulator.ts';
import { IMAGE_FOLDER } from '../harness/bqemulator_package.ts';
import { buildContext } from '../harness/build_context.ts';
import { mountsOf, portsOf, REPOSITORY, readComposeFile } from '../harness/compose_file.ts';
import { execForm, lastOf, parseDockerfile } from '../harness/dockerfile.ts';
import { withGoTool } from '../harness/go_tool.ts';

const compose = readComposeFile();
const services = Object.entries(compose.services);
const read = (file: string) => readFileSync(join(REPOSITORY, file), 'utf8');

test('the reader that docker compose itself uses takes it', (t) => {
  const infra_tools = withGoTool(t, 'infra_tools');
  if (infra_tools === undefined) return;
  const { status, stdout, stderr } = spawnSync(infra_tools, ['compose', 'docker-compose.yml'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    Object.keys(JSON.parse(stdout).services).toSorted(),
    services.map(([name]) => name).toSorted(),
  );
});

test('docker compose config passes, where there is docker with its compose plugin', (t) => {
  if (spawnSync('docker', ['compose', 'version']).status !== 0) return t.skip('no docker compose');
  const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('images are of one version each', () => {
  const built = [
    'Dockerfile',
    ...services.flatMap(([, { build }]) => (build && build !== '.' ? [join(build, 'Dockerfile')] : [])),
  ].flatMap((file) => parseDockerfile(read(file)).map(({ base_image }) => base_image));
  const images = [...services.flatMap(([, { image }]) => image ?? []), ...built];
  assert.equal(images.length, 4 + 3);
  for (const image of images) assert.match(image, /:v?\d+\.\d+\.\d+(-[\w-]+)?$/);
});

test('nothing is published beyond this machine, and no port twice', () => {
  const ports = services.flatMap(([, service]) => portsOf(service));
  for (const { address } of ports) assert.equal(address, '127.0.0.1');
  assert.equal(new Set(ports.map(({ published }) => published)).size, ports.length);
});

test('what is mounted is there: files of the repository, volumes that are declared', () => {
  for (const [, service] of services)
    for (const { source, read_only } of mountsOf(service)) {
      if (!source.startsWith('./')) assert.ok(source in compose.volumes, source);
      else assert.ok(existsSync(join(REPOSITORY, source)) && read_only, source);
    }
  for (const [, { secrets = [] }] of services)
    for (const secret of secrets) assert.ok(secret in compose.secrets, secret);
});

test('errata runs as nobody in particular, with a tree that it cannot write', () => {
  const errata = compose.services.errata!;
  assert.equal(errata.read_only, true);
  assert.deepEqual(errata.cap_drop, ['ALL']);
  const image = parseDockerfile(read('Dockerfile')).at(-1)!;
  assert.equal(lastOf(image, 'USER'), 'node');
  assert.equal(execForm(lastOf(image, 'ENTRYPOINT')!)[0], 'node');
  const writable = mountsOf(errata).filter(({ read_only }) => !read_only);
  assert.deepEqual(
    writable.map(({ target }) => target),
    [lastOf(image, 'VOLUME')],
  );
});

test('the image holds what is imported, and neither tests nor secrets', () => {
  const files = buildContext(REPOSITORY);
  const sources = globSync('*/**/*.ts', {
    cwd: REPOSITORY,
    exclude: ['bench', 'dist', 'docs', 'test', 'node_modules'],
  });
  // What is in a folder `wasm` is in the tree as it was compiled, too.
  const wanted = sources.filter((file) => !file.endsWith('.test.ts') && !file.includes('/wasm/'));
  assert.deepEqual(
    files.filter((file) => file.endsWith('.ts')),
    wanted.toSorted(),
  );
  const others = files.filter((file) => !file.endsWith('.ts'));
  for (const file of others) assert.match(file, /^(config\/.*\.yaml|package(-lock)?\.json|LICENSE|.*\.md)$/);
});

interface ScrapeConfig {
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
}

/** Where a service listens: what it is told, or what it publishes. */
function listensOn(service: string, port: number): boolean {
  return portsOf(compose.services[service]!).some(({ target }) => target === port);
}

test('Prometheus and Grafana ask services that there are, at the ports on which these listen', () => {
  const { scrape_configs } = parse(read('deploy/infra/prometheus/prometheus.yml')) as ScrapeConfig;
  const targets = scrape_configs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets));
  const { datasources } = parse(read('deploy/infra/grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { url: string }[];
  };
  const asked = [...targets, ...datasources.map(({ url }) => new URL(url).host)];
  assert.equal(asked.length, 2);
  for (const address of asked) {
    const [service = '', port] = address.split(':');
    assert.ok(listensOn(service, Number(port)), address);
  }
});

test('Grafana finds what is provisioned, and shows the dashboard first', () => {
  const folder = 'deploy/infra/grafana';
  const provider = 'provisioning/dashboards/errata.yml';
  // Where Grafana looks by itself.
  assert.equal(mountedAt('grafana', `/etc/grafana/${provider}`), join(folder, provider));
  const { providers } = parse(read(join(folder, provider))) as { providers: { options: { path: string } }[] };
  const home = String(compose.services.grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH);
  const [{ options } = { options: { path: '' } }] = providers;
  for (const path of [`${options.path}/errata.json`, home])
    assert.equal(mountedAt('grafana', path), join(folder, 'dashboards/errata.json'));
});

/** What of the repository is at a path of a service: of mounts within each other the innermost counts. */
function mountedAt(service: string, path: string): string | undefined {
  const around = mountsOf(compose.services[service]!).filter(({ target }) => path.startsWith(`${target}/`));
  const innermost = around.toSorted((a, b) => b.target.length - a.target.length)[0];
  return innermost && join(innermost.source, path.slice(innermost.target.length));
}

test('docs/deployment.md says how each service is started alone', () => {
  const text = read('docs/deployment.md');
  for (const [name, { build }] of services) {
    const command = `docker compose up -d ${build === undefined ? '' : '--build '}${name}`;
    assert.ok(text.includes(`| \`${command}\` |`), command);
  }
});

test('Kafka says to services and to this machine how it is reached', () => {
  const { kafka, errata } = compose.services;
  const advertised = String(kafka!.environment!.KAFKA_ADVERTISED_LISTENERS);
  assert.ok(advertised.split(',').includes(`SERVICES://${errata!.environment!.KAFKA_BROKERS}`));
  const [{ address, published, target } = { address: '', published: 0, target: 0 }] = portsOf(kafka!);
  assert.ok(advertised.split(',').includes(`MACHINE://${address}:${published}`));
  assert.ok(String(kafka!.environment!.KAFKA_LISTENERS).split(',').includes(`MACHINE://:${target}`));
});

test('the emulators are where errata looks for them', () => {
  const { errata, bigquery, pubsub } = compose.services;
  const environment = errata!.environment!;
  const project = String(environment.GOOGLE_CLOUD_PROJECT);
  const rest = new URL(String(environment.BIGQUERY_EMULATOR_HOST)).host;
  const grpc = String(environment.BIGQUERY_STORAGE_EMULATOR_HOST);
  for (const address of [environment.PUBSUB_EMULATOR_HOST, rest, grpc]) {
    const [service = '', port] = String(address).split(':');
    assert.ok(listensOn(service, Number(port)), String(address));
  }
  for (const [name, value] of Object.entries(emulatorEnv(project, rest, grpc)))
    assert.equal(environment[name], value, name);
  assert.deepEqual(bigquery!.command, ['--project', project]);
  assert.ok(pubsub!.command!.includes(`--project=${project}`));
});

test('the BigQuery emulator of the image is that of the tests', () => {
  const [image] = parseDockerfile(read('deploy/infra/bqemulator/Dockerfile'));
  const of = (wanted: string) =>
    image!.instructions.filter(({ name }) => name === wanted).map(({ text }) => text);
  const copied = of('COPY').flatMap((text) => text.split(/\s+/).slice(0, -1));
  assert.deepEqual(copied, ['requirements.txt', 'lay_extension.py', 'start.py']);
  for (const file of copied) assert.ok(existsSync(join(IMAGE_FOLDER, file)), file);
  const [install, , lay] = of('RUN');
  assert.match(install!, /^pip install .*-r requirements\.txt$/);
  assert.equal(lay, 'python lay_extension.py');
  assert.deepEqual(execForm(lastOf(image!, 'ENTRYPOINT')!).slice(0, 3), ['python', 'start.py', 'start']);
  for (const line of read('deploy/infra/bqemulator/requirements.txt').match(/^[^#\n].*$/gm)!)
    assert.match(line, /==\d+\.\d+\.\d+$/);
});

interface Dashboard {
  panels: { title: string; datasource: { uid: string }; targets: { expr: string }[] }[];
}

test('the dashboard asks the data source that is provisioned', () => {
  const { panels } = JSON.parse(read('deploy/infra/grafana/dashboards/errata.json')) as Dashboard;
  const { datasources } = parse(read('deploy/infra/grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string }[];
  };
  assert.ok(panels.length > 10);
  for (const { title, datasource } of panels) assert.equal(datasource.uid, datasources[0]!.uid, title);
});
