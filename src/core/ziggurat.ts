// Normal numbers from layers of equal area (Marsaglia and Tsang 2000, J. Stat. Soft.
// 5(8)): nearly all take one draw, one product and one comparison.

const LAYERS = 256;
/** Where the tail begins, and the area of a layer, for so many of them. */
const [TAIL, AREA] = [3.6541528853610088, 0.00492867323399];

const density = (x: number): number => Math.exp(-0.5 * x * x);

/**
 * The right edges of the layers, from the lowest, whose edge is that of a box as large
 * as it; 0 above them all.
 */
const edges = new Float64Array(LAYERS + 1);
edges[0] = AREA / density(TAIL);
edges[1] = TAIL;
for (let i = 2; i < LAYERS; i++) {
  const below = edges[i - 1]!;
  edges[i] = Math.sqrt(-2 * Math.log(AREA / below + density(below)));
}
const heights = edges.map(density);

/** Where draws come from. */
interface Source {
  uint32(): number;
  uniform(): number;
}

/** Fills with independent standard normal numbers, to 24 bits. */
export function fillNormal(source: Source, out: Float32Array): void {
  for (let k = 0; k < out.length; k++) {
    const bits = source.uint32();
    const layer = bits & 255;
    const x = ((bits >>> 8) / 2 ** 23 - 1) * edges[layer]!;
    out[k] = Math.abs(x) < edges[layer + 1]! ? x : beside(source, layer, x);
  }
}

/** A number from where the layer is not all under the curve. */
function beside(source: Source, layer: number, x: number): number {
  if (layer === 0) {
    for (;;) {
      const beyond = -Math.log(1 - source.uniform()) / TAIL;
      const height = -Math.log(1 - source.uniform());
      if (2 * height > beyond * beyond)
        return x < 0 ? -TAIL - beyond : TAIL + beyond;
    }
  }
  const [low, high] = [heights[layer]!, heights[layer + 1]!];
  if (low + source.uniform() * (high - low) < density(x)) return x;
  const again = new Float32Array(1);
  fillNormal(source, again);
  return again[0]!;
}
