import {
  type FloatTensor,
  fresh,
  isStreamed,
  requireHoldable,
  type StreamedTensor,
  sizeOf,
  span,
  takeRows,
} from "./tensor.ts";

/** Up to so many values rows are held as floats, which is quickest: 64 MiB. */
export const FEW = 2 ** 24;

/** Where the rows of a tensor come from. */
export type RowSource = Pick<StreamedTensor, "read"> &
  Partial<Pick<StreamedTensor, "ahead" | "range" | "hashOf">>;

/**
 * A tensor [N, ...shape] whose rows are read from somewhere else: bytes in memory, a
 * file, images that are decoded. Whoever needs all of them asks for `data`, which is
 * let go when nobody uses it any more.
 */
export class Streamed implements StreamedTensor {
  readonly type = "float32";
  declare readonly data: Float32Array;
  readonly #source: RowSource;
  #whole: WeakRef<Float32Array> | undefined;

  constructor(
    readonly dims: readonly number[],
    source: RowSource,
  ) {
    this.#source = source;
    // Its own property, so that a copy by `{ ...x }` has it, and not how rows are read:
    // of a copy with other data these would be the wrong ones.
    Object.defineProperty(this, "data", {
      enumerable: true,
      get: () => this.#read(),
    });
  }

  read(rows: ArrayLike<number>, to: Float32Array): void {
    this.#source.read(rows, to);
    // Rows in a row: most likely the next ones follow.
    const [first = 0, last = first] = [rows[0], rows[rows.length - 1]];
    if (rows.length > 1 && last - first === rows.length - 1)
      this.ahead(
        span(last + 1, Math.min(this.dims[0] ?? 0, last + 1 + rows.length)),
      );
  }

  ahead(rows: ArrayLike<number>): void {
    this.#source.ahead?.(rows);
  }

  get range(): StreamedTensor["range"] {
    return this.#source.range;
  }

  hashOf(row: number): Uint8Array | undefined {
    return this.#source.hashOf?.(row);
  }

  #read(): Float32Array {
    const known = this.#whole?.deref();
    if (known) return known;
    requireHoldable(this.dims);
    const whole = fresh(sizeOf(this.dims));
    this.#source.read(span(0, this.dims[0] ?? 0), whole);
    this.#whole = new WeakRef(whole);
    return whole;
  }
}

/**
 * The chosen rows of a tensor along its first axis: copied, or of one that is streamed,
 * where they are many, streamed too.
 */
export function someRows(
  t: FloatTensor,
  indices: readonly number[],
): FloatTensor {
  const shape = t.dims.slice(1);
  if (!isStreamed(t) || indices.length * sizeOf(shape) <= FEW)
    return takeRows(t, indices);
  const places = Uint32Array.from(indices);
  const inside = (rows: ArrayLike<number>) =>
    Uint32Array.from(rows, (row) => places[row]!);
  return new Streamed([indices.length, ...shape], {
    read: (rows, to) => t.read(inside(rows), to),
    ahead: (rows) => t.ahead(inside(rows)),
    range: t.range,
    hashOf: (row) => t.hashOf?.(places[row]!),
  });
}

/** Where a row is from: one of several tensors, and its place there. */
export interface RowPlace {
  readonly of: number;
  readonly row: number;
}

/**
 * Rows of several tensors, in any order: copied, or where one of them is streamed and
 * they are many, read as they are asked for.
 */
export function rowsFrom(
  tensors: readonly FloatTensor[],
  places: readonly RowPlace[],
): FloatTensor {
  const shape = tensors[0]?.dims.slice(1) ?? [];
  const width = sizeOf(shape);
  const of = Uint32Array.from(places, (place) => place.of);
  const at = Uint32Array.from(places, (place) => place.row);
  const read = (rows: ArrayLike<number>, to: Float32Array) => {
    for (const [k, t] of tensors.entries()) {
      const here = Array.from(span(0, rows.length)).filter(
        (i) => of[rows[i]!] === k,
      );
      if (here.length === 0) continue;
      const own = Array.from(here, (i) => at[rows[i]!]!);
      const { data } = takeRows(t, own);
      for (const [j, i] of here.entries())
        to.set(data.subarray(j * width, (j + 1) * width), i * width);
    }
  };
  const dims = [places.length, ...shape];
  const size = sizeOf(dims);
  if (size > FEW && tensors.some(isStreamed))
    return new Streamed(dims, {
      read,
      ahead(rows) {
        for (const [k, t] of tensors.entries())
          if (isStreamed(t))
            t.ahead(
              Array.from(rows).flatMap((i) => (of[i] === k ? [at[i]!] : [])),
            );
      },
    });
  const data = fresh(size);
  // Not all at once: what is copied is there twice.
  const most = Math.max(1, Math.floor(FEW / 4 / Math.max(1, width)));
  for (let from = 0; from < places.length; from += most) {
    const some = span(from, Math.min(places.length, from + most));
    read(some, data.subarray(from * width));
  }
  return { type: "float32", dims, data };
}

/** A tensor with some of its rows replaced, and left as it was itself. */
export function withRows(
  t: FloatTensor,
  replaced: readonly { rows: readonly number[]; x: FloatTensor }[],
): FloatTensor {
  const places = Array.from(
    { length: t.dims[0] ?? 0 },
    (_, row): RowPlace => ({ of: 0, row }),
  );
  for (const [k, { rows }] of replaced.entries())
    for (const [i, row] of rows.entries()) places[row] = { of: k + 1, row: i };
  return rowsFrom([t, ...replaced.map(({ x }) => x)], places);
}

/** The rows of tensors one behind the other. */
export const joinedRows = (tensors: readonly FloatTensor[]): FloatTensor =>
  rowsFrom(
    tensors,
    tensors.flatMap(({ dims }, of) =>
      Array.from({ length: dims[0] ?? 0 }, (_, row) => ({ of, row })),
    ),
  );

/** The same numbers, held as floats. */
export const held = (t: FloatTensor): FloatTensor =>
  isStreamed(t) ? { type: "float32", dims: t.dims, data: t.data } : t;

/** All rows in order, some at a time. */
export function* byParts(
  t: FloatTensor,
): Generator<{ readonly from: number; readonly data: Float32Array }> {
  if (!isStreamed(t)) {
    yield { from: 0, data: t.data };
    return;
  }
  const [n = 0, ...shape] = t.dims;
  const width = sizeOf(shape);
  const most = Math.max(1, Math.floor(FEW / 4 / width));
  const part = new Float32Array(Math.min(n, most) * width);
  for (let from = 0; from < n; from += most) {
    const to = Math.min(n, from + most);
    const data = part.subarray(0, (to - from) * width);
    t.read(span(from, to), data);
    yield { from, data };
  }
}
