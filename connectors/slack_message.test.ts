import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slackMessage } from './slack_message.ts';

test('an alert becomes a text and the fields that say what to look at', () => {
  const { text, blocks } = slackMessage({
    id: 'alert-1',
    kind: 'raise',
    severity: 'high',
    deployment_id: 'triage <a&b>',
    model_version: 'v3',
    error_rate: 0.734,
    total_events: 15,
  });
  assert.equal(text, 'errata: raise, severity high for triage &lt;a&amp;b&gt; v3');
  const [section, details] = blocks as { text?: { text: string }; fields?: { text: string }[] }[];
  assert.equal(section!.text!.text, text);
  const fields = details!.fields!.map((field) => field.text);
  assert.ok(fields.includes('*Error rate*\n73.4 %') && fields.includes('*Id*\nalert-1'));
});

test('a record that says none of it is still a message', () => {
  assert.deepEqual(slackMessage({}).blocks.length, 1);
});
