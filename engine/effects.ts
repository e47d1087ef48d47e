/** What a task wants to write, gathered until its next commit. */
export interface OutputRecord {
  topic: string;
  partition: number;
  key: Buffer | string | null;
  value: Buffer | string | null;
  headers: Record<string, string>;
  /** Absent: the time of writing. */
  timestamp_ms?: number;
}

export class Effects {
  #outputs: OutputRecord[] = [];
  #mark = 0;

  get count(): number {
    return this.#outputs.length;
  }

  /** Copies the bytes of key and value, which may lie in memory that is used again. */
  write(record: OutputRecord): void {
    const { key, value } = record;
    const has_bytes = Buffer.isBuffer(key) || Buffer.isBuffer(value);
    this.#outputs.push(has_bytes ? { ...record, key: copied(key), value: copied(value) } : record);
  }

  checkpoint(): void {
    this.#mark = this.#outputs.length;
  }

  /** Takes back what was written since the checkpoint. */
  undo(): void {
    this.#outputs.length = this.#mark;
  }

  take(): OutputRecord[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#mark = 0;
    return outputs;
  }
}

function copied(field: Buffer | string | null): Buffer | string | null {
  return Buffer.isBuffer(field) ? Buffer.from(field) : field;
}
