/** Bytes that are looked for as they stand, kept so that they are compared four at a time. */
export class Word {
  readonly length: number;
  /** Little-endian; the last one ends with the word, and may overlap the one before. */
  readonly fours: Int32Array;
  readonly last_at: number;

  /** Of at least four bytes. */
  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.length = bytes.length;
    this.last_at = bytes.length - 4;
    const whole = Math.floor(this.last_at / 4);
    this.fours = Int32Array.from({ length: whole + 2 }, (_, index) =>
      bytes.readInt32LE(Math.min(index * 4, this.last_at)),
    );
  }

  /** True where it stands in `view` at `at`, whose bytes reach that far. */
  isAt(view: DataView, at: number): boolean {
    const { fours, last_at } = this;
    const last = fours.length - 1;
    for (let index = 0; index < last; index++)
      if (view.getInt32(at + 4 * index, true) !== fours[index]) return false;
    return view.getInt32(at + last_at, true) === fours[last];
  }
}
