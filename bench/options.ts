/** Options that the commands of the bench share. */
import { InvalidArgumentError } from 'commander';

export function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}
