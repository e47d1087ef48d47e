/** Whether who knows a URL may post to it: those of chats are such, and none may stand in a file that is committed and shown. */

const SECRET_HOSTS: readonly RegExp[] = [
  /^hooks\.slack(-gov)?\.com$/,
  /^(\w+\.)?discord(app)?\.com$/,
  /\.webhook\.office\.com$/,
];
/** In a path or a query. Words and numbers joined by dashes may be as long; `isToken` lets them be. */
const TOKEN = /[A-Za-z0-9_-]{20,}/g;

export function isSecretUrl({ username, password, hostname, pathname, search }: URL): boolean {
  if (username !== '' || password !== '' || SECRET_HOSTS.some((host) => host.test(hostname))) return true;
  return [...decoded(pathname + search).matchAll(TOKEN)].some(([text]) => isToken(text));
}

function isToken(text: string): boolean {
  const is_of_words = text.split(/[-_]/).every((word) => /^([A-Za-z]{1,15}\d{0,2}|\d{1,8})$/.test(word));
  return /\d/.test(text) && /[A-Za-z]/.test(text) && !is_of_words;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
