import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLine } from './log.ts';

test('a line for people has time, level, message and what else there is', () => {
  const record = { level: 40, time: 1_700_000_000_042, pid: 1, hostname: 'here', task: 'capture/0', lag: 3 };
  const line = formatLine(`${JSON.stringify({ ...record, msg: 'it waits' })}\n`);
  assert.match(line, /^\d\d:\d\d:\d\d\.042 warn {2}it waits {2}task=capture\/0 lag=3\n$/);
  assert.match(formatLine('{"level":30,"time":1}'), /^\S+ info\n$/);
});
