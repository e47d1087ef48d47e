/** What is used of it; TypeScript has it only beside the DOM. Source: https://www.w3.org/TR/wasm-js-api-2/ */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  type Imports = Record<string, Record<string, (...values: number[]) => number>>;
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: unknown;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    /** By pages of 64 KiB; the buffer is another afterwards. */
    grow(pages: number): number;
  }
  class Global {
    readonly value: number;
  }
}
