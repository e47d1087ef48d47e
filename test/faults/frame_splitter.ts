/** Kafka's frames out of a stream of bytes: each is a length of four bytes and so much after it. */

const LENGTH_BYTES = 4;

export class FrameSplitter {
  #chunks: Buffer[] = [];
  #size_bytes = 0;

  /** The frames that are complete now, with their lengths. */
  *add(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#size_bytes += chunk.length;
    for (;;) {
      if (this.#size_bytes < LENGTH_BYTES) return;
      if (this.#chunks[0]!.length < LENGTH_BYTES) this.#join();
      const frame_bytes = LENGTH_BYTES + this.#chunks[0]!.readInt32BE(0);
      if (this.#size_bytes < frame_bytes) return;
      this.#join();
      const all = this.#chunks[0]!;
      this.#chunks = all.length > frame_bytes ? [all.subarray(frame_bytes)] : [];
      this.#size_bytes -= frame_bytes;
      yield all.subarray(0, frame_bytes);
    }
  }

  #join(): void {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
  }
}
