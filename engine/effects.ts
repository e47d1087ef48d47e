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

  write(record: OutputRecord): void {
    this.#outputs.push(record);
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
