import fc from "fast-check";
import { type Attributes, float, floats, int, ints, string } from "#onnx";
import { kinked, linear, type Subject } from "../check.ts";

const spatialRank = fc.constantFrom(1, 2, 2, 3);
const list = (rank: number, min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });

/** Transposed convolutions of every geometry, by x, weight and bias. */
const convTranspose = spatialRank.chain((rank) =>
  fc
    .record({
      batch: fc.integer({ min: 1, max: 2 }),
      groups: fc.constantFrom(1, 1, 2, 3),
      into: fc.integer({ min: 1, max: 2 }),
      out: fc.integer({ min: 1, max: 2 }),
      size: list(rank, 2, 4),
      kernel: list(rank, 1, 3),
      strides: list(rank, 1, 3),
      dilations: list(rank, 1, 2),
      pads: list(2 * rank, 0, 1),
      extra: list(rank, 0, 2),
      form: fc.constantFrom(
        "pads",
        "pads",
        "SAME_UPPER",
        "SAME_LOWER",
        "shape",
      ),
      bias: fc.boolean(),
    })
    .map(({ batch, groups, into, out, size, kernel, ...r }): Subject => {
      // onnxruntime wants less extra than the stride.
      const extra = r.extra.map((e, i) => Math.min(e, (r.strides[i] ?? 1) - 1));
      const same = r.form.startsWith("SAME");
      const full = size.map(
        (l, i) =>
          (l - 1) * (r.strides[i] ?? 1) +
          (extra[i] ?? 0) +
          ((kernel[i] ?? 1) - 1) * (r.dilations[i] ?? 1) +
          1,
      );
      // Pads may not eat the output up.
      const pads = r.pads.map((p, i) => ((full[i % rank] ?? 0) > 3 ? p : 0));
      const attributes: Attributes = {
        strides: ints(r.strides),
        dilations: ints(same ? kernel.map(() => 1) : r.dilations),
        group: int(groups),
        kernel_shape: ints(kernel),
        ...(r.form === "pads"
          ? { pads: ints(pads), output_padding: ints(extra) }
          : r.form === "shape"
            ? { output_shape: ints(full.map((f) => Math.max(1, f - 1))) }
            : { auto_pad: string(r.form) }),
      };
      return {
        shapes: [
          [batch, groups * into, ...size],
          [groups * into, out, ...kernel],
          ...(r.bias ? [[groups * out]] : []),
        ],
        about: attributes,
        step: 0.5,
        tolerance: 1e-3,
        build: (b, x) => b.op("ConvTranspose", x, attributes),
      };
    }),
);

const coordinates = fc.constantFrom(
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
);

const resize = fc
  .record({
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 5 }),
    to: fc.tuple(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
    ),
    scales: fc.option(
      fc.tuple(
        fc.constantFrom(1, 0.5, 0.6, 2, 1.7, 3),
        fc.constantFrom(1, 0.5, 0.6, 2, 1.7, 3),
      ),
      { nil: undefined },
    ),
    mode: fc.constantFrom("nearest", "linear", "cubic"),
    coordinates,
    nearest: fc.constantFrom(
      "round_prefer_floor",
      "round_prefer_ceil",
      "floor",
      "ceil",
    ),
    antialias: fc.boolean(),
    exclude: fc.boolean(),
    policy: fc.constantFrom("stretch", "stretch", "not_larger", "not_smaller"),
    opset: fc.constantFrom(18, 19),
  })
  .map((r): Subject => {
    const smooth = r.mode !== "nearest";
    const attributes: Attributes = {
      mode: string(r.mode),
      coordinate_transformation_mode: string(
        // Of two elements equally near, onnxruntime's choice hangs on how its
        // compiler orders the arithmetic of this mode.
        r.coordinates === "half_pixel_symmetric" && (r.opset < 19 || !smooth)
          ? "half_pixel"
          : r.coordinates,
      ),
      nearest_mode: string(r.nearest),
      ...(smooth && r.antialias ? { antialias: int(1) } : {}),
      ...(r.mode === "cubic"
        ? { exclude_outside: int(Number(r.exclude)) }
        : {}),
      ...(r.scales ? {} : { keep_aspect_ratio_policy: string(r.policy) }),
      axes: ints([2, 3]),
    };
    const scales = r.scales?.map((s, i) =>
      Math.floor(s * (i ? r.width : r.height)) === 0 ? 1 : s,
    );
    return {
      shapes: [[2, 1, r.height, r.width]],
      ...linear,
      opset: r.opset,
      about: r,
      build: (b, [x = ""]) =>
        b.op(
          "Resize",
          scales
            ? [x, "", b.constant(floats([2], scales))]
            : [x, "", "", b.ints(r.to)],
          attributes,
        ),
    };
  });

const lpPool = fc
  .record({
    size: list(2, 3, 5),
    kernel: list(2, 1, 3),
    strides: list(2, 1, 2),
    p: fc.constantFrom(1, 2, 3),
  })
  .map(
    ({ size, kernel, strides, p }): Subject => ({
      shapes: [[1, 2, ...size]],
      ...kinked(3),
      step: 1e-2,
      tolerance: 1e-2,
      build: (b, [x = ""]) =>
        b.op("LpPool", [x], {
          kernel_shape: ints(kernel),
          strides: ints(strides),
          p: int(p),
        }),
    }),
  );

const blocks = fc.record({
  size: fc.constantFrom(1, 2, 3),
  channels: fc.integer({ min: 1, max: 2 }),
  height: fc.integer({ min: 1, max: 2 }),
  width: fc.integer({ min: 1, max: 3 }),
  mode: fc.constantFrom("DCR", "CRD"),
});

/** Subjects of the operators that move or mix pixels. */
export const spatial: Record<string, fc.Arbitrary<Subject>> = {
  ConvTranspose: convTranspose,
  Resize: resize,
  LpPool: lpPool,
  GlobalLpPool: fc.constantFrom(1, 2, 3).map(
    (p): Subject => ({
      shapes: [[2, 2, 3, 2]],
      ...kinked(5),
      step: 1e-2,
      tolerance: 1e-2,
      build: (b, [x = ""]) => b.op("GlobalLpPool", [x], { p: int(p) }),
    }),
  ),
  DepthToSpace: blocks.map(
    ({ size, channels, height, width, mode }): Subject => ({
      shapes: [[2, channels * size ** 2, height, width]],
      ...linear,
      build: (b, [x = ""]) =>
        b.op("DepthToSpace", [x], { blocksize: int(size), mode: string(mode) }),
    }),
  ),
  SpaceToDepth: blocks.map(
    ({ size, channels, height, width }): Subject => ({
      shapes: [[2, channels, height * size, width * size]],
      ...linear,
      build: (b, [x = ""]) =>
        b.op("SpaceToDepth", [x], { blocksize: int(size) }),
    }),
  ),
};

const small = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 5 }),
  height: fc.integer({ min: 1, max: 3 }),
  width: fc.integer({ min: 1, max: 3 }),
});

/** Subjects of the spatial operators that are expanded. */
export const expandedSpatial: Record<string, fc.Arbitrary<Subject>> = {
  LRN: fc.tuple(small, fc.constantFrom(1, 3, 5)).map(
    ([s, size]): Subject => ({
      shapes: [[s.batch, s.channels, s.height, s.width]],
      step: 1e-2,
      build: (b, [x = ""]) =>
        b.op("LRN", [x], {
          size: int(size),
          alpha: float(0.5),
          beta: float(0.75),
          bias: float(1.5),
        }),
    }),
  ),
  LpNormalization: fc
    .tuple(small, fc.constantFrom(1, 2), fc.constantFrom(-1, 1, 2))
    .map(
      ([s, p, axis]): Subject => ({
        shapes: [[s.batch, s.channels, s.height + 1, s.width + 1]],
        ...kinked(7),
        step: 1e-2,
        tolerance: 1e-2,
        build: (b, [x = ""]) =>
          b.op("LpNormalization", [x], { p: int(p), axis: int(axis) }),
      }),
    ),
  MeanVarianceNormalization: small.map(
    (s): Subject => ({
      shapes: [[s.batch + 1, s.channels, s.height + 1, s.width + 1]],
      step: 1e-2,
      build: (b, [x = ""]) => b.op("MeanVarianceNormalization", [x]),
    }),
  ),
  GridSample: fc
    .record({
      s: small,
      mode: fc.constantFrom("linear", "cubic"),
      padding: fc.constantFrom("zeros", "border", "reflection"),
      aligned: fc.boolean(),
      rows: fc.integer({ min: 1, max: 2 }),
    })
    .map(
      ({ s, mode, padding, aligned, rows }): Subject => ({
        about: { mode, padding, aligned },
        shapes: [
          [s.batch, s.channels, s.height + 1, s.width + 1],
          [s.batch, rows, 2, 2],
        ],
        draw: (random) => 0.7 * random.normal(),
        step: 1e-3,
        tolerance: 3e-2,
        build: (b, x) =>
          b.op("GridSample", x, {
            mode: string(mode),
            padding_mode: string(padding),
            align_corners: int(Number(aligned)),
          }),
        opset: 20,
      }),
    ),
};
