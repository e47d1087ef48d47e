/**
 * kafkajs keeps what follows an answer, be it nothing, and puts the next one behind it: so it copies every answer whole.
 * It is told to forget nothings. (kafkajs 2.2.4, src/network/connection.js.)
 */
import { createRequire } from 'node:module';

interface Connection {
  chunks: Buffer[];
  bytesBuffered: number;
  processData(data: Buffer): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection.js') as {
  prototype: Connection;
};

let is_patched = false;

export function forgetNothings(): void {
  if (is_patched) return;
  is_patched = true;
  const { processData } = prototype;
  prototype.processData = function (this: Connection, data: Buffer): void {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, data);
  };
}
