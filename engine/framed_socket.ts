/**
 * A TCP connection to a broker whose `data` events are whole answers: each is read straight into memory of its size.
 * kafkajs by itself gathers what the socket brings in pieces of 64 KB and copies them together.
 */
import { connect, type Socket } from 'node:net';
import { ErrataError } from '../messages/errata_error.ts';
import { FRAME_BUFFERS, type FrameBuffers } from './frame_buffers.ts';

const READ_BYTES = 256 * 1024;
/** Kafka's protocol: four bytes say how long the rest of an answer is. */
const LENGTH_BYTES = 4;
/** No broker answers with more; "HTTP" as a length is. */
const FRAME_MAX_BYTES = 2 ** 30;

export function connectFramed(address: { host: string; port: number }, onConnect: () => void): Socket {
  const framer = new Framer(FRAME_BUFFERS, (frame) => socket.emit('data', frame));
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (bytes: number): boolean => {
    try {
      framer.push(buffer, bytes);
    } catch (error) {
      socket.destroy(error as Error);
    }
    return true;
  };
  const socket = connect({ ...address, onread: { buffer, callback } }, onConnect);
  return socket;
}

/** Puts together what comes in pieces. */
export class Framer {
  readonly #buffers: FrameBuffers;
  readonly #onFrame: (frame: Buffer) => void;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #length_bytes = 0;
  #frame: Buffer | null = null;
  #filled = 0;

  constructor(buffers: FrameBuffers, onFrame: (frame: Buffer) => void) {
    this.#buffers = buffers;
    this.#onFrame = onFrame;
  }

  /** Copies what it needs. Throws E_KAFKA_FRAME for a length that cannot be. */
  push(bytes: Buffer, size_bytes: number): void {
    for (let at = 0; at < size_bytes; )
      at += this.#frame ? this.#fill(bytes, at, size_bytes) : this.#readLength(bytes, at, size_bytes);
  }

  #readLength(bytes: Buffer, at: number, end: number): number {
    const taken = bytes.copy(this.#length, this.#length_bytes, at, end);
    this.#length_bytes += taken;
    if (this.#length_bytes < LENGTH_BYTES) return taken;
    const rest_bytes = this.#length.readInt32BE(0);
    if (rest_bytes < 0 || rest_bytes > FRAME_MAX_BYTES)
      throw new ErrataError('E_KAFKA_FRAME', `an answer of ${rest_bytes} bytes is none of Kafka's`, {
        hint: 'is this the address of a Kafka broker, and does it listen without TLS there?',
      });
    this.#frame = this.#buffers.take(LENGTH_BYTES + rest_bytes);
    this.#filled = this.#length.copy(this.#frame);
    this.#deliverIfWhole();
    return taken;
  }

  #fill(bytes: Buffer, at: number, end: number): number {
    const taken = bytes.copy(this.#frame!, this.#filled, at, end);
    this.#filled += taken;
    this.#deliverIfWhole();
    return taken;
  }

  #deliverIfWhole(): void {
    const frame = this.#frame!;
    if (this.#filled < frame.length) return;
    this.#frame = null;
    this.#length_bytes = 0;
    this.#onFrame(frame);
  }
}
