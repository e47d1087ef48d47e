/** A secret belongs in the environment or in a file of its own, not in a topology that is committed and shown. */
import type { SourceDocument } from './document.ts';
import type { Problems } from './problem.ts';

const SECRET_NAME = /(password|passwd|passphrase|secret|token|credentials?|api_?key|private_?key)$/i;

/** `password_file` names where the secret is, and is none itself. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Reports texts under a secret's name that stand in the file, also as default of a variable. */
export function checkSecrets(document: SourceDocument, problems: Problems): void {
  for (const path of document.literals) {
    const name = path.findLast((step) => typeof step === 'string');
    if (name !== undefined && isSecretName(name))
      problems.report(
        'E_SECRET',
        document.valueAt(path),
        `"${name}" stands in the file; take it from the environment: \${${name.toUpperCase()}}`,
      );
  }
}
