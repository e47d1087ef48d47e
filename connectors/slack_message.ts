/** An alert, a judgement or a decision as a message that Slack (and Mattermost, Discord's `/slack`, …) take at a webhook. */

export interface SlackMessage {
  /** What notifications show. */
  text: string;
  blocks: object[];
}

/** `record` is what a sink was given; what it does not say is left out. */
export function slackMessage(record: Readonly<Record<string, unknown>>): SlackMessage {
  const text = headline(record);
  const fields = FIELDS.flatMap(([name, label, show = String]) =>
    record[name] === undefined || record[name] === null
      ? []
      : [{ type: 'mrkdwn', text: `*${label}*\n${escaped(show(record[name]))}` }],
  );
  const section = { type: 'section', text: { type: 'mrkdwn', text } };
  // Slack takes ten fields at most.
  return {
    text,
    blocks: fields.length === 0 ? [section] : [section, { type: 'section', fields: fields.slice(0, 10) }],
  };
}

type Field = [name: string, label: string, show?: (value: unknown) => string];

const percent = (value: unknown) => `${(Number(value) * 100).toFixed(1)} %`;

const FIELDS: readonly Field[] = [
  ['deployment_id', 'Deployment'],
  ['model_version', 'Version'],
  ['error_rate', 'Error rate', percent],
  ['total_events', 'Events'],
  ['window_start', 'From'],
  ['window_end', 'To'],
  ['recommended_action', 'Recommended'],
  ['reason', 'Reason'],
  ['id', 'Id'],
];

function headline({
  kind,
  severity,
  deployment_id,
  model_version,
}: Readonly<Record<string, unknown>>): string {
  const about = [deployment_id, model_version].filter((part) => typeof part === 'string').join(' ');
  const what = [kind, severity && `severity ${String(severity)}`].filter(Boolean).map(String).join(', ');
  return escaped(`errata: ${what || 'message'}${about === '' ? '' : ` for ${about}`}`);
}

/** As Slack asks for: these three and no others. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
