/** A Dockerfile as its instructions, as far as errata's own uses the language. */

export interface Instruction {
  /** In capitals, as in `COPY`. */
  name: string;
  /** The rest of the line. */
  text: string;
}

/** What one FROM begins. */
export interface BuildStage {
  /** What others copy from; null for the last. */
  name: string | null;
  base_image: string;
  instructions: Instruction[];
}

export function parseDockerfile(text: string): BuildStage[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const stages: BuildStage[] = [];
  for (const line of lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')) {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push(beginStage(rest));
    else stages.at(-1)!.instructions.push({ name, text: rest });
  }
  return stages;
}

function beginStage(text: string): BuildStage {
  const [base_image = '', , name = null] = text.split(/\s+/);
  return { name, base_image, instructions: [] };
}

/** The arguments of the last instruction of that name. */
export function lastOf({ instructions }: BuildStage, name: string): string | undefined {
  return instructions.findLast((one) => one.name === name)?.text;
}

/** Of the form without a shell, as in `CMD ["node", "x.ts"]`. Throws where a shell would run it. */
export function execForm(text: string): string[] {
  const found = /\[.*\]$/.exec(text)?.[0];
  if (found === undefined) throw new Error(`a shell would run this: ${text}`);
  return JSON.parse(found) as string[];
}
