/** Tables by which a value's bin is found without a logarithm, and is the very one that `binOf` says. */
import { binOf, SMALLEST } from './distribution.ts';

export interface BinTables {
  /** By bin, from the first one on: the least double that is beyond it. */
  ends: Float64Array;
  /** By the leading bits of a double, from those of the smallest value on: the bin of the least such value, less the first. */
  cells: Uint16Array;
}

const double = new Float64Array(1);
const bits = new BigUint64Array(double.buffer);

function bitsOf(value: number): bigint {
  double[0] = value;
  return bits[0]!;
}

function fromBits(value: bigint): number {
  bits[0] = value;
  return double[0]!;
}

/** Of bins from `first_bin` up to that of `largest`; `shift`: of a double's bits, those that are left out. */
export function binTables(first_bin: number, largest: number, shift: number): BinTables {
  const last_bin = binOf(largest);
  const ends = Float64Array.from({ length: last_bin - first_bin + 1 }, (_, index) =>
    endOf(first_bin + index),
  );
  const first_cell = bitsOf(SMALLEST) >> BigInt(shift);
  const count = Number((bitsOf(largest) >> BigInt(shift)) - first_cell) + 1;
  const cells = Uint16Array.from({ length: count }, (_, index) => {
    const least = fromBits((first_cell + BigInt(index)) << BigInt(shift));
    return binOf(Math.max(least, SMALLEST)) - first_bin;
  });
  return { ends, cells };
}

/** The least double whose bin is greater: doubles that are not negative are in the order of their bits. */
function endOf(bin: number): number {
  let [low, high] = [bitsOf(SMALLEST / 2), bitsOf(1e300)];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (binOf(fromBits(middle)) > bin) high = middle;
    else low = middle;
  }
  return fromBits(high);
}
