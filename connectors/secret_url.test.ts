import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretUrl } from './secret_url.ts';

// Made up, and put together here: whoever scans for secrets shall find none.
const HEX = ['3f0c9a71', 'b2', 'd84e', '5f6a7b8c'].join('');

const SECRET = [
  ['Slack', `https://hooks.slack.com/services/T0/B0/x`],
  ['Discord', 'https://discord.com/api/webhooks/123/x'],
  ['Teams, as it was', 'https://acme.webhook.office.com/webhookb2/x'],
  [
    'Teams, by Power Automate',
    `https://prod-01.westeurope.logic.azure.com/workflows/${HEX}/triggers/manual/paths/invoke`,
  ],
  ['a signature', `https://a.example/invoke?sp=run&sig=${HEX}-Ab`],
  ['a token in the path', `https://a.example/hooks/${HEX}`],
  ['a UUID', 'https://a.example/hooks/8b1f6f6e-5c55-4d0e-9a36-0f3b2d9f3c11'],
  ['percent signs in between', `https://a.example/hooks/%33${HEX.slice(1)}`],
  ['a password', 'https://me:secret@a.example/'],
] as const;

const PLAIN = [
  'https://alerts.example.com/errata',
  'https://alerts.example.com/teams/recommendations-and-ranking/alerts',
  'https://alerts.example.com/v2/model-monitoring-2024-production/hook?environment=production-eu-west-1',
  'http://127.0.0.1:8080/hook',
];

test('a URL that lets whoever knows it post is a secret', () => {
  for (const [what, url] of SECRET) assert.equal(isSecretUrl(new URL(url)), true, what);
});

test('one of words and numbers is none', () => {
  for (const url of PLAIN) assert.equal(isSecretUrl(new URL(url)), false, url);
});
