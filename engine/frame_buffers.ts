/**
 * Memory for large requests to brokers and their answers, used again: taken anew for each, a gigabyte a second of it would
 * have V8 collect garbage all the time, which cost more than reading the records.
 *
 * Who is done with it, and knows that nobody keeps a part of it, gives its memory back. Nobody has to: what is
 * not given back is garbage like anything else.
 */

import type { Memory } from '../wire/batch_writer.ts';

const SMALLEST_BYTES = 64 * 1024;
/** Of what waits to be used again. */
const KEPT_MAX_BYTES = 32 * 1024 * 1024;

export class FrameBuffers implements Memory {
  readonly #free: ArrayBuffer[] = [];
  readonly #taken = new WeakSet<ArrayBufferLike>();
  #free_bytes = 0;

  take(size_bytes: number): Buffer {
    if (size_bytes < SMALLEST_BYTES) return Buffer.allocUnsafe(size_bytes);
    const memory = this.#takeFree(size_bytes) ?? Buffer.allocUnsafeSlow(roomFor(size_bytes)).buffer;
    this.#taken.add(memory);
    return Buffer.from(memory, 0, size_bytes);
  }

  /** Memory that was not taken here, or was given back before, is left alone. */
  giveBack(memory: ArrayBufferLike): void {
    if (!(memory instanceof ArrayBuffer) || !this.#taken.delete(memory)) return;
    if (this.#free_bytes + memory.byteLength > KEPT_MAX_BYTES) return;
    this.#free.push(memory);
    this.#free_bytes += memory.byteLength;
  }

  /** The smallest that is large enough: a large one that a small request took would be missing for the next answer. */
  #takeFree(size_bytes: number): ArrayBuffer | undefined {
    let best = -1;
    for (const [index, { byteLength }] of this.#free.entries())
      if (byteLength >= size_bytes && (best < 0 || byteLength < this.#free[best]!.byteLength)) best = index;
    if (best < 0) return undefined;
    const [memory] = this.#free.splice(best, 1);
    this.#free_bytes -= memory!.byteLength;
    return memory;
  }
}

/** Answers differ a little in size; a power of two fits the next one, too. */
function roomFor(size_bytes: number): number {
  return 2 ** Math.ceil(Math.log2(size_bytes));
}

/** Of this thread. */
export const FRAME_BUFFERS = new FrameBuffers();

/** The memory of one answer, of which several parts are in use. */
export class Lease {
  readonly #memory: ArrayBufferLike;
  readonly #buffers: FrameBuffers;
  #parts: number;

  constructor(memory: ArrayBufferLike, parts: number, buffers = FRAME_BUFFERS) {
    this.#memory = memory;
    this.#parts = parts;
    this.#buffers = buffers;
  }

  /** One of the parts is done with; after the last the memory is used again. */
  release(): void {
    this.#parts -= 1;
    if (this.#parts === 0) this.#buffers.giveBack(this.#memory);
  }
}
