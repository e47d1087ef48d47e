/** Copies and compares short pieces without asking the runtime. */

/** May write up to 15 bytes beyond the piece: for what is written from front to back. Returns where the piece ends. */
export function copyAhead(to: usize, from: usize, size_bytes: i32): usize {
  for (let done = 0; done < size_bytes; done += 16) v128.store(to + done, v128.load(from + done));
  return to + size_bytes;
}

export function isSame(one: usize, other: usize, size_bytes: i32): bool {
  let at = 0;
  for (; at + 8 <= size_bytes; at += 8) if (load<u64>(one + at) !== load<u64>(other + at)) return false;
  for (; at < size_bytes; at++) if (load<u8>(one + at) !== load<u8>(other + at)) return false;
  return true;
}
