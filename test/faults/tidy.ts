/** What a drill has to end and remove, as a test has `after`. */
import { errorMessage } from '../../messages/errata_error.ts';

export class Tidy {
  readonly #work: (() => unknown)[] = [];

  after(work: () => unknown): void {
    this.#work.push(work);
  }

  /** In the opposite order; what fails is told and does not keep the rest. */
  async run(): Promise<void> {
    for (const work of this.#work.splice(0).reverse())
      await Promise.resolve()
        .then(work)
        .catch((error) => console.error(`not tidied up: ${errorMessage(error)}`));
  }
}
