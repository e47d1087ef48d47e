/** What a web page offers, as far as it is used here. errata is compiled without the DOM. */
interface Browser {
  document: { visibilityState: string; addEventListener(type: string, listener: () => void): void };
  addEventListener(type: string, listener: () => void): void;
  navigator: { sendBeacon(url: string, body: Blob): boolean };
  sessionStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  crypto: { randomUUID?(): string; getRandomValues(bytes: Uint8Array): Uint8Array };
}

const browser = globalThis as unknown as Browser;

/** Called whenever the page may have been seen for the last time. Phones end a page that is hidden without another word. */
export function onLeave(leave: () => void): void {
  browser.addEventListener('pagehide', leave);
  browser.document.addEventListener('visibilitychange', () => {
    if (browser.document.visibilityState === 'hidden') leave();
  });
}

/** Whether the browser has taken it to send it, also when the page is gone. Plain text needs no leave of the other side. */
export function sendBeacon(url: string, body: string): boolean {
  return browser.navigator.sendBeacon(url, new Blob([body], { type: 'text/plain;charset=UTF-8' }));
}

const SESSION_KEY = 'errata.session_id';

/** One per tab, as long as it is open; one per page where the browser keeps nothing. */
export function tabSession(): string {
  try {
    const session_id = browser.sessionStorage.getItem(SESSION_KEY) ?? uuid();
    browser.sessionStorage.setItem(SESSION_KEY, session_id);
    return session_id;
  } catch {
    return uuid();
  }
}

/** `crypto.randomUUID` is there on pages by https only. */
export function uuid(): string {
  if (browser.crypto.randomUUID) return browser.crypto.randomUUID();
  const bytes = [...browser.crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
