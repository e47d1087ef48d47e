/** Files on a loopback port, for a browser. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ending } from './embedded.ts';

/** Of anything that ends in `.js` it says that it is a script, of the rest that it is a page. Resolves to its origin. */
export async function webSite(t: Ending, contentOf: (path: string) => string | Buffer): Promise<string> {
  const server = createServer(({ url: path = '/' }, response) => {
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
    response.setHeader('content-type', type).end(contentOf(path));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // A host name of its own, so that not even the site is that of other servers.
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}
