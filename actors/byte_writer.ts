/** Puts bytes together in a buffer that is used again and again. */

/** Longer pieces are copied by the runtime, which has to be asked. */
const SHORT_BYTES = 64;

export class ByteWriter {
  buffer = Buffer.alloc(1024);
  end = 0;

  /** Begins anew. */
  clear(): void {
    this.end = 0;
  }

  put(bytes: Buffer, start = 0, end = bytes.length): void {
    const at = this.reserve(end - start);
    const { buffer } = this;
    if (end - start > SHORT_BYTES) bytes.copy(buffer, at, start, end);
    else for (let from = start, to = at; from < end; from++, to++) buffer[to] = bytes[from]!;
  }

  /** Makes room for so many bytes, which belong to what is written; returns where they begin. */
  reserve(size_bytes: number): number {
    const at = this.end;
    this.end = at + size_bytes;
    if (this.end > this.buffer.length) {
      const grown = Buffer.alloc(2 * this.end);
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
    }
    return at;
  }
}
