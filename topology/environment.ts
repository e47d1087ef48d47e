/**
 * `${NAME}` and `${NAME:-default}` in a topology. A reference may stand anywhere in a scalar, also unquoted inside
 * `{ }`, where YAML itself would trip over the braces: so references are masked before the text is parsed, by runs
 * of as many private-use characters (which keeps every position), and resolved scalar by scalar afterwards.
 */

/** Unicode's private use area: one character per reference. */
const FIRST_MASK = 0xe000;
const MASKS = 0x1900;
const REFERENCE = /(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}/g;
const MASK_RUN = /([\ue000-\uf8ff])\1*/g;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvReference {
  name: string;
  fallback: string | undefined;
  /** `$${NAME}` stands for the text `${NAME}`. */
  escaped: boolean;
}

export interface MaskedText {
  text: string;
  references: EnvReference[];
}

export function maskReferences(text: string): MaskedText {
  const references: EnvReference[] = [];
  return {
    references,
    text: text.replace(REFERENCE, (whole, dollar: string, name: string, fallback: string | undefined) => {
      if (references.length === MASKS) return whole;
      references.push({ name, fallback, escaped: dollar === '$' });
      return String.fromCharCode(FIRST_MASK + references.length - 1).repeat(whole.length);
    }),
  };
}

/** Such a text cannot be masked. */
export function hasMaskCharacter(text: string): boolean {
  return /[\ue000-\uf8ff]/.test(text);
}

export interface Resolved {
  text: string;
  /** Whether anything was filled in. */
  changed: boolean;
  /** `mask`: the character that stands in the reference's place. */
  missing: { name: string; mask: string }[];
  /** True where some of the text stands in the file itself: beside the references or as a default. */
  literal: boolean;
}

export function resolveReferences(
  masked: string,
  references: readonly EnvReference[],
  env: Environment,
): Resolved {
  const missing: Resolved['missing'] = [];
  let changed = false;
  let literal = masked.replace(MASK_RUN, '') !== '';
  const text = masked.replace(MASK_RUN, (run, mask: string) => {
    const reference = references[run.charCodeAt(0) - FIRST_MASK];
    if (!reference) return run;
    changed = true;
    if (reference.escaped) {
      literal = true;
      return referenceText(reference);
    }
    const value = env[reference.name];
    if (value !== undefined && value !== '') return value;
    if (reference.fallback === undefined) missing.push({ name: reference.name, mask });
    else if (reference.fallback !== '') literal = true;
    return reference.fallback ?? '';
  });
  return { text, changed, missing, literal };
}

function referenceText({ name, fallback }: EnvReference): string {
  return fallback === undefined ? `\${${name}}` : `\${${name}:-${fallback}}`;
}
