/** As wire/murmur2.ts, of the bytes that begin at `start`. */
const M: u32 = 0x5bd1e995;
const R: u32 = 24;

export function murmur2(start: usize, size_bytes: i32, seed: u32): u32 {
  const whole = start + (size_bytes & ~3);
  let hash = seed ^ size_bytes;
  for (let at = start; at < whole; at += 4) {
    let word = load<u32>(at) * M;
    word ^= word >> R;
    hash = (hash * M) ^ (word * M);
  }
  const rest = size_bytes & 3;
  if (rest === 3) hash ^= (<u32>load<u8>(whole, 2)) << 16;
  if (rest >= 2) hash ^= (<u32>load<u8>(whole, 1)) << 8;
  if (rest >= 1) hash = (hash ^ load<u8>(whole)) * M;
  hash ^= hash >> 13;
  hash *= M;
  return hash ^ (hash >> 15);
}
