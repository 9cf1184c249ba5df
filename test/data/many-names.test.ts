import { expect, test } from "vitest";
import { encodeNpy } from "#core";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { floats } from "#onnx";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

/** Seconds of the processor that reading takes. */
async function cost(spec: object): Promise<number> {
  const before = process.cpuUsage();
  await loadDataset(dataSpecSchema.parse(spec) as DataSpec, folder);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test.each<[string, (n: number) => object]>([
  [
    "columns",
    (n) => {
      const row = (first: string, last: string) =>
        `${range(n).map((i) => `${first}${i}`)},${last}\n`;
      const rows = [row("c", "label"), row("0.", "x"), row("1.", "y")].join("");
      put(folder, `columns-${n}.csv`, rows);
      return { source: "csv", path: `columns-${n}.csv`, label: "label" };
    },
  ],
  [
    "names of classes",
    (n) => {
      const rows = range(n).map((i) => `${i},class ${i}\n`);
      put(folder, `names-${n}.csv`, `a,label\n${rows.join("")}`);
      return { source: "csv", path: `names-${n}.csv`, label: "label" };
    },
  ],
  [
    "numbers of classes",
    (n) => {
      const y = floats([n], range(n));
      put(folder, `x-${n}.npy`, encodeNpy(floats([n, 1], new Float32Array(n))));
      put(folder, `y-${n}.npy`, encodeNpy(y));
      return { source: "npy", x: `x-${n}.npy`, y: `y-${n}.npy` };
    },
  ],
])("many %s cost time in proportion to their number", async (_, specOf) => {
  await cost(specOf(100));
  const [some, more] = [await cost(specOf(4000)), await cost(specOf(64_000))];
  // With the square of their number it would be 256 times as much.
  expect(more).toBeLessThan(48 * some + 0.5);
});
