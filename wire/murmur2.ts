/**
 * Kafka's default partitioner for records with a key: murmur2 with the seed that the Java client uses
 * (org.apache.kafka.common.utils.Utils.murmur2; algorithm by Austin Appleby, 32 bits, little endian).
 */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** The hash of the bytes from `start` to `end` as a signed 32-bit integer, as Java prints it. */
export function murmur2(key: Uint8Array, start = 0, end = key.length, seed = SEED): number {
  const length = end - start;
  const whole = start + (length & ~3);
  let hash = seed ^ length;
  for (let at = start; at < whole; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    word = Math.imul(word, M);
    word ^= word >>> R;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  const rest = end - whole;
  if (rest === 3) hash ^= key[whole + 2]! << 16;
  if (rest >= 2) hash ^= key[whole + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ key[whole]!, M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** The partition, 0 to `partitions` - 1, to which Java clients (and kafkajs) send a record with this key. */
export function partitionForKey(key: Uint8Array, partitions: number, start = 0, end = key.length): number {
  return (murmur2(key, start, end) & 0x7fffffff) % partitions;
}
