import { readFileSync } from "node:fs";
import { packagePath } from "#core";

interface Memory {
  readonly buffer: ArrayBuffer;
}
type Module = object;

/** Of Node, whose types leave it out. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => Module;
  Instance: new (
    module: Module,
    imports: { assay: { memory: Memory } },
  ) => { exports: unknown };
  Memory: new (pages: { initial: number; maximum: number }) => Memory;
};

/** Loops over the arrays of one memory; they change them in place. */
interface Loops {
  sgd(
    weight: Float32Array,
    velocity: Float32Array,
    gradient: Float32Array,
    numbers: { momentum: number; decay: number; rate: number },
  ): void;
  adamw(
    weight: Float32Array,
    mean: Float32Array,
    square: Float32Array,
    gradient: Float32Array,
    numbers: {
      beta1: number;
      beta2: number;
      epsilon: number;
      pace: number;
      scale: number;
      keep: number;
    },
  ): void;
}

/** What moves.wat exports: places in the memory, a length in bytes, then numbers. */
interface Exports {
  sgd(...values: number[]): void;
  adamw(...values: number[]): void;
}

const PAGE = 2 ** 16;
const MOST_PAGES = 2 ** 16;
/** Numbers of a gradient that are copied and used at a time, while they are cached. */
const CHUNK = 4096;

const memories = new WeakMap<ArrayBufferLike, Loops>();
let compiled: Module | null | undefined;

/**
 * Zeros, one array for each length, side by side in a memory that compiled loops reach
 * (moves.wat), so that optimisers move weights there twice as fast, with the same
 * bits. Ordinary arrays where WebAssembly has no SIMD here, or not that much memory.
 */
export function arraysOf(lengths: readonly number[]): Float32Array[] {
  const places: number[] = [];
  let end = CHUNK * Float32Array.BYTES_PER_ELEMENT;
  for (const length of lengths) {
    places.push(end);
    // Loops take two numbers at once.
    end += Math.ceil(length / 4) * 16;
  }
  const memory = openMemory(Math.ceil(end / PAGE));
  return lengths.map((length, i) =>
    memory
      ? new Float32Array(memory.buffer, places[i], length)
      : new Float32Array(length),
  );
}

/** The loops that reach all of these arrays; undefined where none do. */
export function loopsFor(arrays: readonly Float32Array[]): Loops | undefined {
  const buffer = arrays[0]?.buffer;
  const together = arrays.every((array) => array.buffer === buffer);
  return buffer && together ? memories.get(buffer) : undefined;
}

function openMemory(pages: number): Memory | undefined {
  compiled ??= compile();
  if (!compiled || pages > MOST_PAGES) return undefined;
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const imports = { assay: { memory } };
    const { exports } = new WebAssembly.Instance(compiled, imports);
    memories.set(memory.buffer, loopsOf(memory, exports as Exports));
    return memory;
  } catch (error) {
    // The system has no such piece of memory; it may have many small ones.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function compile(): Module | null {
  const file = packagePath("src/tuning/optimizers/moves.wasm");
  const bytes = readFileSync(file);
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
}

function loopsOf(memory: Memory, { sgd, adamw }: Exports): Loops {
  const copied = new Float32Array(memory.buffer, 0, CHUNK);
  /** Copies a gradient into the memory, a piece at a time. */
  const inPieces = (
    gradient: Float32Array,
    arrays: readonly Float32Array[],
    move: (places: readonly number[], bytes: number) => void,
  ) => {
    for (let from = 0; from < gradient.length; from += CHUNK) {
      const piece = gradient.subarray(from, from + CHUNK);
      copied.set(piece);
      const places = arrays.map(
        (array) => array.byteOffset + from * array.BYTES_PER_ELEMENT,
      );
      move([...places, 0], Math.ceil(piece.length / 2) * 8);
    }
  };
  return {
    sgd(weight, velocity, gradient, { momentum, decay, rate }) {
      inPieces(gradient, [weight, velocity], (places, bytes) =>
        sgd(...places, bytes, momentum, decay, rate),
      );
    },
    adamw(weight, mean, square, gradient, numbers) {
      const { beta1, beta2, epsilon, pace, scale, keep } = numbers;
      inPieces(gradient, [weight, mean, square], (places, bytes) =>
        adamw(...places, bytes, beta1, beta2, epsilon, pace, scale, keep),
      );
    },
  };
}
