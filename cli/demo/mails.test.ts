import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMailDate, readMails } from './mails.ts';

const mails = readMails();

test('5,966 of the mails are dated, and they come in the order of their dates', () => {
  assert.equal(mails.length, 5966);
  assert.equal(new Set(mails.map(({ id }) => id)).size, 5966);
  for (const [index, mail] of mails.entries()) {
    const before = mails[index - 1];
    if (!before) continue;
    assert.ok(mail.time_ms > before.time_ms || (mail.time_ms === before.time_ms && mail.id > before.id));
  }
  assert.equal(new Date(mails[0]!.time_ms).toISOString().slice(0, 7), '2001-02');
  assert.equal(new Date(mails.at(-1)!.time_ms).toISOString().slice(0, 7), '2002-12');
});

test('a mail has its label, sender, subject and body', () => {
  const mail = mails.find(({ id }) => id === 'easy-ham-1/00001')!;
  assert.equal(mail.label, 'ham');
  assert.equal(mail.from, 'Robert Elz <kre@munnari.OZ.AU>');
  assert.equal(mail.subject, 'Re: New Sequences Window');
  assert.equal(new Date(mail.time_ms).toISOString(), '2002-08-22T11:26:25.000Z');
  assert.ok(mail.body.startsWith('    Date:'));
  assert.equal(mails.filter(({ label }) => label === 'spam').length, 1817);
  for (const { body, subject } of mails)
    assert.ok(body.length <= 4000 && body.isWellFormed() && subject.isWellFormed());
});

const dates: [text: string, iso: string | undefined][] = [
  ['Thu, 22 Aug 2002 18:26:25 +0700', '2002-08-22T11:26:25.000Z'],
  ['2 Jun 02 1:5:13 -0500', '2002-06-02T06:05:13.000Z'],
  ['Fri, 6 Sep 2002 08:44:38 EDT', '2002-09-06T12:44:38.000Z'],
  ['Sat Sep 21 08:18:08 2002', '2002-09-21T08:18:08.000Z'],
  ['Thu, 29 Aug 2002 15:36:58 +-0500', '2002-08-29T15:36:58.000Z'],
  ['Fri, 30 Aug 02 21:48:08 Eastern Daylight Time', '2002-08-30T21:48:08.000Z'],
  ['Thu, 22 Aug 0102 12:07:35 +0800', undefined],
  ['Mon, 28 Jul 1980 14:01:35', undefined],
  ['Wed, 04 Oct 2028 12:05:01 -0400', undefined],
  ['2002/09/14 Sat 02:29:32 CDT', undefined],
  ['', undefined],
];
for (const [text, iso] of dates) {
  test(`the date ${JSON.stringify(text)}`, () => {
    const time_ms = parseMailDate(text);
    assert.equal(time_ms === undefined ? undefined : new Date(time_ms).toISOString(), iso);
  });
}
