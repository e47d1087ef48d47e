/**
 * On an emulator nobody signs in. Google's clients would all the same look for a machine of Google's that tells who they are: for
 * seconds, and with a warning. To be called before a client is made. `address`: of the emulator, where there is one.
 */
export function signInNowhere(address: string | undefined): void {
  if (address) process.env.METADATA_SERVER_DETECTION ??= 'none';
}
