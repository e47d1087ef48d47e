/** What the published SDK consists of: a path for each part, so that nobody loads a client that he does not use. */
export interface Entry {
  /** Below `errata-sdk`. */
  path: string;
  source: string;
  /** The file in the package, without its ending. */
  file: string;
}

export const ENTRIES: readonly Entry[] = [
  { path: '.', source: 'sdk/index.ts', file: 'index' },
  { path: './kafka', source: 'sdk/kafka_publisher.ts', file: 'kafka' },
  { path: './pubsub', source: 'sdk/pubsub_publisher.ts', file: 'pubsub' },
  { path: './http', source: 'sdk/http_publisher.ts', file: 'http' },
  { path: './tfjs', source: 'sdk/capture_layer.ts', file: 'tfjs' },
];

/** For web pages: as a module, and as a script that sets the global `errata`. */
export const BROWSER_ENTRY: Entry = {
  path: './browser',
  source: 'sdk/browser/feedback_client.ts',
  file: 'browser',
};
export const BROWSER_SCRIPT = 'browser.script.js';

/** Left out of the bundles and loaded only by who uses them. */
export const PEERS: Readonly<Record<string, string>> = {
  '@google-cloud/pubsub': '>=4.0.0',
  '@tensorflow/tfjs': '^4.0.0',
  kafkajs: '^2.2.4',
};
