import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternKey } from '../../messages/pattern_key.ts';
import { featureNames, mailFeatures, statsOf } from './features.ts';
import { readMails } from './mails.ts';

test('the features of a mail, one by one', () => {
  const body = '> a quote\n> b\nSEE http://x.y <b>now</b>!!!\n7';
  const features = mailFeatures({ subject: '', body });
  const named = Object.fromEntries(featureNames.map((name, index) => [name, features[index]!]));
  assert.equal(named.length, Math.log2(1 + body.length));
  assert.equal(named.links, 1);
  assert.equal(named.exclamations, 2);
  assert.equal(named.tags, Math.log2(3));
  assert.equal(named.quotes, Math.log2(3));
  assert.ok(Math.abs(named.capitals! - (10 * 3) / 21) < 1e-12, `${named.capitals}`);
  assert.ok(named.digits! > 0);
});

test('statistics are of the population', () => {
  assert.deepEqual(statsOf([1, 3, 5, 7]), { mean: 4, std: Math.sqrt(5), min: 1, max: 7 });
});

test('an empty mail has finite features', () => {
  assert.ok(mailFeatures({ subject: '', body: '' }).every((value) => value === 0));
});

test('the mails fall under several pattern keys, and a key tells how likely spam is', () => {
  const groups = Map.groupBy(readMails(), (mail) => patternKey(statsOf(mailFeatures(mail))));
  const large = [...groups.values()].filter((mails) => mails.length >= 100);
  assert.ok(large.length >= 5, `${large.length}`);
  const spam = large.map((mails) => mails.filter(({ label }) => label === 'spam').length / mails.length);
  assert.ok(Math.max(...spam) > 0.6 && Math.min(...spam) < 0.15, spam.join(' '));
});
