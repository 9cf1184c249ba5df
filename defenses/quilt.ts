import { type GraphBuilder, int, tensor } from "#onnx";

/** Sides of the tiles, and how far neighbours overlap (Guo et al. 2018). */
export const TILE = 5;
const OVERLAP = 2;
const STEP = TILE - OVERLAP;

/**
 * An image laid out in overlapping tiles. The border is repeated where the last ones
 * reach beyond it.
 */
export interface Tiling {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Tiles along each axis. */
  readonly rows: number;
  readonly columns: number;
}

export function tilingOf([channels, height, width]: readonly [
  number,
  number,
  number,
]): Tiling {
  const along = (length: number) =>
    1 + Math.max(0, Math.ceil((length - TILE) / STEP));
  return {
    channels,
    height,
    width,
    rows: along(height),
    columns: along(width),
  };
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

/** Values of a row [N, width] at constant places, as [N, ...dims]. */
function at(
  b: GraphBuilder,
  flat: string,
  places: readonly number[],
  dims: readonly number[] = [places.length],
): string {
  const indices = tensor("int64", dims, BigInt64Array.from(places, BigInt));
  return b.op("Gather", [flat, b.constant(indices)], { axis: int(1) });
}

/** The tiles [N, tiles, channels * 25] of images [N, C, H, W]. */
export function tilesOf(b: GraphBuilder, x: string, tiling: Tiling): string {
  const { channels, height, width, rows, columns } = tiling;
  const size = channels * TILE * TILE;
  const places = range(rows * columns).flatMap((tile) => {
    const top = STEP * Math.floor(tile / columns);
    const left = STEP * (tile % columns);
    return range(size).map((k) => {
      const c = Math.floor(k / TILE ** 2);
      const y = Math.min(height - 1, top + (Math.floor(k / TILE) % TILE));
      const q = Math.min(width - 1, left + (k % TILE));
      return (c * height + y) * width + q;
    });
  });
  const flat = b.reshape(x, [-1, channels * height * width]);
  return at(b, flat, places, [rows * columns, size]);
}

/**
 * Images [N, C, H, W] of tiles [N, tiles, channels * 25] that are laid one
 * over the other in reading order. Each covers its left and upper neighbour
 * from the cut of least error on: with an overlap of 2 that is, line by
 * line, the place of the two where both differ less.
 */
export function quilted(
  b: GraphBuilder,
  tiles: string,
  tiling: Tiling,
): string {
  const { channels, height, width, rows, columns } = tiling;
  const size = channels * TILE * TILE;
  const flat = b.reshape(tiles, [-1, rows * columns * size]);
  const left = coverage(b, flat, tiling, "left");
  const up = coverage(b, flat, tiling, "up");
  const pixels = range(height * width).map((p) => [
    covering(Math.floor(p / width), rows),
    covering(p % width, columns),
  ]) as [Cover, Cover][];
  const every = (place: (pixel: [Cover, Cover], c: number) => number) =>
    range(channels).flatMap((c) => pixels.map((pixel) => place(pixel, c)));
  const shown = (row: "first" | "last", column: "first" | "last") =>
    at(
      b,
      flat,
      every(([y, x], c) => {
        const [r, q] = [y[row], x[column]];
        const tile = r.tile * columns + q.tile;
        return tile * size + (c * TILE + r.offset) * TILE + q.offset;
      }),
    );
  const where = (
    mask: Mask,
    place: (y: Cover, x: Cover) => number | undefined,
  ) =>
    at(
      b,
      mask.flat,
      every(([y, x]) => place(y, x) ?? mask.never),
    );
  const over = (below: string, above: string, mask: string) =>
    b.add(below, b.mul(mask, b.sub(above, below)));

  const right = where(left, (y, x) =>
    x.both ? left.place(y.first, x.last) : undefined,
  );
  const lower = where(up, (y, x) =>
    y.both ? up.place(y.last, x.first) : undefined,
  );
  const corner = (mask: Mask) =>
    where(mask, (y, x) =>
      y.both && x.both ? mask.place(y.last, x.last) : undefined,
    );
  let image = over(shown("first", "first"), shown("first", "last"), right);
  image = over(image, shown("last", "first"), lower);
  image = over(image, shown("last", "last"), b.mul(corner(left), corner(up)));
  return b.reshape(image, [-1, channels, height, width]);
}

interface Place {
  readonly tile: number;
  readonly offset: number;
}

/** The tiles that cover a place of a line: the same twice where there is one. */
interface Cover {
  readonly first: Place;
  readonly last: Place;
  readonly both: boolean;
}

function covering(at: number, tiles: number): Cover {
  const tile = Math.min(tiles - 1, Math.floor(at / STEP));
  const last = { tile, offset: at - STEP * tile };
  const both = tile > 0 && last.offset < OVERLAP;
  return {
    first: both ? { tile: tile - 1, offset: last.offset + STEP } : last,
    last,
    both,
  };
}

interface Mask {
  /** [N, places]: 1 where a tile covers its neighbour. */
  readonly flat: string;
  /** The place in it of a row and a column of a tile. */
  place(row: Place, column: Place): number;
  /** A place that is always 0. */
  readonly never: number;
}

/** Where each tile covers its neighbour on one side. */
function coverage(
  b: GraphBuilder,
  flat: string,
  { channels, rows, columns }: Tiling,
  side: "left" | "up",
): Mask {
  const size = channels * TILE * TILE;
  const across = side === "left";
  const count = rows * columns;
  // A tile at the edge is compared with itself; nobody asks for it.
  const before = (tile: number) =>
    across
      ? tile % columns === 0
        ? tile
        : tile - 1
      : tile < columns
        ? tile
        : tile - columns;
  const places = (own: boolean) =>
    range(count * TILE * OVERLAP * channels).map((k) => {
      const c = k % channels;
      const depth = Math.floor(k / channels) % OVERLAP;
      const line = Math.floor(k / channels / OVERLAP) % TILE;
      const tile = Math.floor(k / channels / OVERLAP / TILE);
      const offset = own ? depth : depth + STEP;
      const [r, q] = across ? [line, offset] : [offset, line];
      const shown = own ? tile : before(tile);
      return shown * size + (c * TILE + r) * TILE + q;
    });
  const dims = [count * TILE, OVERLAP, channels];
  const apart = b.sub(
    at(b, flat, places(true), dims),
    at(b, flat, places(false), dims),
  );
  const errors = b.reduceSum(b.mul(apart, apart), [3]);
  const [outer, inner] = [0, 1].map((k) =>
    b.squeeze(b.slice(errors, [k], [k + 1], [2]), [2]),
  ) as [string, string];
  const cut = b.mask(b.atMost(outer, inner), flat);
  const zero = b.mul(b.slice(cut, [0], [1], [1]), 0);
  const never = count * TILE;
  return {
    // Behind the cuts of all lines, what is never covered and what always is.
    flat: b.concat([cut, zero, b.add(zero, 1)], 1),
    never,
    place(row, column) {
      const tile = row.tile * columns + column.tile;
      const [line, depth] = across
        ? [row.offset, column.offset]
        : [column.offset, row.offset];
      return depth === 0 ? tile * TILE + line : never + 1;
    },
  };
}
