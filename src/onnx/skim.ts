import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { unreadable } from "#core";

/** Where the bytes of an initializer lie in its file. */
export interface LeftPart {
  /** Its place among the initializers. */
  readonly index: number;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

/** An .onnx file without the bytes of its large weights, which are not read. */
export interface Skimmed {
  readonly bytes: Uint8Array;
  readonly left: readonly LeftPart[];
}

/** Weights of fewer bytes are simply read. */
const SMALL = 2 ** 14;

/** Numbers of fields on the way from a model to what its weights hold. */
const [GRAPH, INITIALIZER, RAW_DATA] = [7, 5, 9];

/**
 * Reads an .onnx file but for its large weights: what is left is a fraction of it.
 * Undefined for a file that is no protobuf message.
 *
 * @throws FILE_UNREADABLE
 */
export function skim(path: string): Skimmed | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const source = new Source(file);
    const left: LeftPart[] = [];
    let index = 0;
    const tensor = (field: Field): Part[] => {
      const own = index++;
      const fields = [...source.fields(field)];
      const [raw, ...more] = fields.filter((f) => f.number === RAW_DATA);
      if (!raw || more.length > 0 || lengthOf(raw) < SMALL) return [field];
      left.push({ index: own, offset: raw.from, length: lengthOf(raw) });
      return fields.filter((f) => f !== raw).map(entire);
    };
    const graph = (field: Field): Part[] =>
      [...source.fields(field)].flatMap((f) =>
        f.number === INITIALIZER ? inside(f, tensor(f)) : [entire(f)],
      );
    const parts = [...source.fields({ from: 0, to: source.size })].flatMap(
      (f) => (f.number === GRAPH ? inside(f, graph(f)) : [entire(f)]),
    );
    return { bytes: Buffer.concat(parts.map((p) => source.read(p))), left };
  } catch (error) {
    if (error instanceof NoMessage) return undefined;
    throw unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A part of the file, or bytes that take its place. */
type Part = Range | Uint8Array;

interface Range {
  readonly from: number;
  readonly to: number;
}

/** A field of a message. `from` and `to` hold its value, its tag begins at `start`. */
interface Field extends Range {
  readonly start: number;
  readonly number: number;
}

const entire = ({ start, to }: Field): Range => ({ from: start, to });

const lengthOf = (part: Part) =>
  part instanceof Uint8Array ? part.length : part.to - part.from;

/** A message with these parts instead of its own. */
const inside = ({ number }: Field, parts: readonly Part[]): Part[] => {
  const length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
  return [
    Uint8Array.from([...varint(8 * number + MESSAGE), ...varint(length)]),
    ...parts,
  ];
};

function varint(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...varint((value - low) / 128)];
}

/** What is read does not follow the rules of protobuf. */
class NoMessage extends Error {}

/** Kinds of fields, by what follows their tags. */
const [NUMBER, EIGHT, MESSAGE, FOUR] = [0, 1, 2, 5];

/** Bytes that are read at once to find fields. */
const WINDOW = 2 ** 16;

/** A file of protobuf, looked at a window at a time. */
class Source {
  readonly size: number;
  readonly #file: number;
  readonly #window = new Uint8Array(WINDOW);
  #from = 0;
  #to = 0;

  constructor(file: number) {
    this.#file = file;
    this.size = fstatSync(file).size;
  }

  /** The fields of a message. */
  *fields({ from, to }: Range): Generator<Field> {
    let at = from;
    const number = () => {
      let value = 0;
      for (let shift = 1; shift < 2 ** 64; shift *= 128) {
        if (at >= to) throw new NoMessage();
        const byte = this.#byte(at++);
        value += (byte % 128) * shift;
        if (byte < 128) return value;
      }
      throw new NoMessage();
    };
    while (at < to) {
      const start = at;
      const tag = number();
      const kind = tag % 8;
      if (kind === NUMBER) number();
      const length =
        kind === MESSAGE
          ? number()
          : kind === EIGHT
            ? 8
            : kind === FOUR
              ? 4
              : 0;
      const isKnown = [NUMBER, EIGHT, MESSAGE, FOUR].includes(kind);
      if (!isKnown || at + length > to) throw new NoMessage();
      const value = at;
      at += length;
      const isMessage = kind === MESSAGE;
      yield {
        ...{ start, from: value, to: at },
        // Nothing inside of another kind is looked for.
        number: isMessage ? Math.floor(tag / 8) : 0,
      };
    }
  }

  read(part: Part): Uint8Array {
    if (part instanceof Uint8Array) return part;
    const bytes = new Uint8Array(lengthOf(part));
    if (this.#fill(bytes, part.from) < bytes.length) throw new NoMessage();
    return bytes;
  }

  #byte(at: number): number {
    if (at < this.#from || at >= this.#to) {
      this.#from = at;
      this.#to = at + this.#fill(this.#window, at);
      if (at >= this.#to) throw new NoMessage();
    }
    return this.#window[at - this.#from]!;
  }

  /** Reads from a place on, to the end of the bytes or of the file. */
  #fill(bytes: Uint8Array, from: number): number {
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(
        this.#file,
        bytes,
        read,
        bytes.length - read,
        from + read,
      );
      if (count === 0) break;
      read += count;
    }
    return read;
  }
}
