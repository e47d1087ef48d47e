/** Why a server does not listen, as an operator can use it. */
import { ErrataError, errorMessage } from './errata_error.ts';

/** E_PORT_IN_USE or E_LISTEN. `option`: by which another port is chosen. */
export function listenError(cause: unknown, host: string, port: number, option: string): ErrataError {
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    return new ErrataError('E_PORT_IN_USE', `port ${port} on ${host} is taken`, {
      hint: `choose another with ${option}, or end what listens there`,
      cause,
    });
  }
  return new ErrataError('E_LISTEN', `cannot listen on ${host}:${port}: ${errorMessage(cause)}`, { cause });
}
