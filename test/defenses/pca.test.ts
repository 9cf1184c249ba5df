import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { floats, Streamed, takeRows } from "#onnx";
import { principal } from "../../defenses/principal.ts";

test("principal directions span the plane that samples lie in", async () => {
  const random = new Random(1);
  const width = 12;
  const plane = [0, 1].map(() =>
    Array.from({ length: width }, () => random.normal()),
  );
  const rows = Array.from({ length: 50 }, () => {
    const at = plane.map(() => random.normal());
    return Array.from(
      { length: width },
      (_, i) => 3 + plane.reduce((sum, p, k) => sum + p[i]! * at[k]!, 0),
    );
  });
  const { mean, directions } = await principal(
    floats([50, width], rows.flat()),
    2,
    onnxruntime,
    random,
  );
  expect(directions.dims).toEqual([2, width]);
  const [p, q] = [
    directions.data.slice(0, width),
    directions.data.slice(width),
  ];
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
  expect(dot(p, p)).toBeCloseTo(1, 5);
  expect(dot(p, q)).toBeCloseTo(0, 5);
  for (const row of rows) {
    const off = row.map((v, i) => v - mean.data[i]!);
    const [a, b] = [dot(off, p), dot(off, q)];
    off.forEach((v, i) => {
      expect(a * p[i]! + b * q[i]!).toBeCloseTo(v, 4);
    });
  }
});

test("with one direction it is the one of most variance", async () => {
  const random = new Random(2);
  const rows = Array.from({ length: 400 }, () => [
    random.normal(),
    5 * random.normal(),
    random.normal(),
  ]);
  const { directions } = await principal(
    floats([400, 3], rows.flat()),
    1,
    onnxruntime,
    random,
  );
  expect(Math.abs(directions.data[1]!)).toBeGreaterThan(0.99);
});

test("samples that are streamed have the same directions, a part at a time", async () => {
  const random = new Random(4);
  // More than one part of four million numbers.
  const [n, width] = [70_000, 64];
  const along = Float32Array.from({ length: width }, () => random.normal());
  const x = floats(
    [n, width],
    Float32Array.from(
      { length: n * width },
      (_, i) => ((i / width) % 7) * along[i % width]! + random.uniform(),
    ),
  );
  const streamed = new Streamed(x.dims, {
    read: (rows, to) => to.set(takeRows(x, Array.from(rows)).data),
  });
  const [whole, parts] = [
    await principal(x, 1, onnxruntime, new Random(2)),
    await principal(streamed, 1, onnxruntime, new Random(2)),
  ];
  expect(parts.mean.data).toEqual(whole.mean.data);
  parts.directions.data.forEach((v, i) => {
    expect(v).toBeCloseTo(whole.directions.data[i]!, 4);
  });
});
