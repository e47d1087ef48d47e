/**
 * A store's keys as LMDB holds them. It takes keys of up to 1,978 bytes, in the order of their bytes; a longer one is
 * stood for by its hash, marked by a byte that no UTF-8 begins with, and the value then brings the key along.
 */
import { createHash } from 'node:crypto';

const KEY_MAX_BYTES = 1_900;
const HASHED = 0xff;

export function encodeKey(key: string): Buffer {
  const bytes = Buffer.from(key);
  if (bytes.length <= KEY_MAX_BYTES && bytes.length > 0) return bytes;
  return Buffer.concat([Buffer.of(HASHED), createHash('sha256').update(bytes).digest()]);
}

function isHashed(bytes: Buffer): boolean {
  return bytes[0] === HASHED;
}

export function encodeValue(bytes: Buffer, key: string, json: string): string {
  return isHashed(bytes) ? JSON.stringify([key, json]) : json;
}

export function decodeEntry(bytes: Buffer, stored: string): { key: string; json: string } {
  if (!isHashed(bytes)) return { key: bytes.toString('utf8'), json: stored };
  const [key, json] = JSON.parse(stored) as [string, string];
  return { key, json };
}

/** Where an entry that expires lies: in the order of time. */
export function duePlace(expires_ms: number, bytes: Buffer): Buffer {
  const place = Buffer.allocUnsafe(TIME_BYTES + bytes.length);
  place.set(timeBytes(expires_ms));
  place.set(bytes, TIME_BYTES);
  return place;
}

export function splitPlace(place: Buffer): { expires_ms: number; bytes: Buffer } {
  return { expires_ms: readTime(place), bytes: place.subarray(TIME_BYTES) };
}

const TIME_BYTES = 8;
const SIGN = 0x80;

/** A double whose bytes are in the order of the numbers: its sign is turned, and below zero all other bits too. */
export function timeBytes(time_ms: number): Buffer {
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  bytes.writeDoubleBE(time_ms);
  if (time_ms < 0) invert(bytes);
  else bytes[0]! ^= SIGN;
  return bytes;
}

export function readTime(bytes: Buffer): number {
  const double = Buffer.from(bytes.subarray(0, TIME_BYTES));
  if ((double[0]! & SIGN) === 0) invert(double);
  else double[0]! ^= SIGN;
  return double.readDoubleBE();
}

function invert(bytes: Buffer): void {
  for (let index = 0; index < bytes.length; index++) bytes[index]! ^= 0xff;
}
