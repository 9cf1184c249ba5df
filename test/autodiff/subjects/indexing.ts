import fc from "fast-check";
import type { Random } from "#core";
import {
  type Attributes,
  floats,
  type GraphBuilder,
  int,
  int64s,
  string,
  tensor,
} from "#onnx";
import { distinct, kinked, linear, type Subject } from "../check.ts";

const seeds = fc.nat(1e6);
const size = fc.integer({ min: 1, max: 4 });
const shape = fc.array(size, { minLength: 1, maxLength: 4 });
const double = { type: "float64" as const };
const bit = fc.constantFrom(0, 1);

/** A scalar int64 constant. */
const index = (b: GraphBuilder, value: number) => b.scalar(value, "int64");
const integers = (
  b: GraphBuilder,
  values: readonly number[],
  dims?: readonly number[],
) => b.constant(int64s(values, dims));

/**
 * The same value, computed in a way that says nothing of its contents
 * before the model runs.
 */
export const computed = (b: GraphBuilder, value: string, x: string) =>
  b.add(value, b.cast(b.mul(b.reduceSum(b.mul(x, 0)), 0), b.type(value)));

/** A shape with an axis of it, counted from either end. */
const shapeAndAxis = shape.chain((dims) =>
  fc.record({
    dims: fc.constant(dims),
    axis: fc.integer({ min: -dims.length, max: dims.length - 1 }),
  }),
);

const cumulative = (op: string, opset: number, settings: Partial<Subject>) =>
  fc.record({ of: shapeAndAxis, exclusive: bit, reverse: bit }).map(
    ({ of: { dims, axis }, exclusive, reverse }): Subject => ({
      shapes: [dims],
      opset,
      ...settings,
      build: (b, [x = ""]) =>
        b.op(op, [x, index(b, axis)], {
          exclusive: int(exclusive),
          reverse: int(reverse),
        }),
    }),
  );

/** Numbers of which some are zero, also two in a row. */
const withZeros = (random: Random) =>
  random.uniform() < 0.3 ? 0 : random.normal();

const trilu = fc
  .record({
    dims: fc.array(size, { minLength: 2, maxLength: 4 }),
    k: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined }),
    upper: fc.constantFrom(undefined, 0, 1),
  })
  .map(
    ({ dims, k, upper }): Subject => ({
      shapes: [dims],
      ...double,
      ...linear,
      build: (b, [x = ""]) =>
        b.op(
          "Trilu",
          k === undefined ? [x] : [x, index(b, k)],
          upper === undefined ? {} : { upper: int(upper) },
        ),
    }),
  );

const reverseSequence = fc
  .record({
    batch: size,
    steps: size,
    more: fc.array(size, { maxLength: 2 }),
    timeFirst: fc.boolean(),
    s: seeds,
  })
  .map(({ batch, steps, more, timeFirst, s }): Subject => {
    const lengths = Array.from(
      { length: batch },
      (_, i) => 1 + ((s + i * 7) % steps),
    );
    return {
      shapes: [[...(timeFirst ? [steps, batch] : [batch, steps]), ...more]],
      ...double,
      ...linear,
      build: (b, [x = ""]) =>
        b.op("ReverseSequence", [x, integers(b, lengths)], {
          time_axis: int(timeFirst ? 0 : 1),
          batch_axis: int(timeFirst ? 1 : 0),
        }),
    };
  });

const compress = fc
  .record({
    of: shapeAndAxis,
    flat: fc.boolean(),
    kept: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
    run: fc.boolean(),
  })
  .map(({ of: { dims, axis }, flat, kept, run }): Subject => {
    const all = dims.reduce((p, d) => p * d, 1);
    const length = flat ? all : (dims.at(axis) as number);
    const chosen = kept.slice(0, length).map(Number);
    chosen[0] = 1;
    return {
      shapes: [dims],
      // What stays is only known as the model runs when the condition is computed.
      ...(run ? { declared: [dims] } : {}),
      ...double,
      ...linear,
      build: (b, [x = ""]) => {
        const condition = b.constant(
          tensor("bool", [chosen.length], Uint8Array.from(chosen)),
        );
        const zero = run
          ? b.cast(b.mul(b.reduceSum(b.mul(x, 0)), 0), "bool")
          : undefined;
        return b.op(
          "Compress",
          [x, zero ? b.op("Or", [condition, zero]) : condition],
          flat ? {} : { axis: int(axis) },
        );
      },
    };
  });

const unique = fc
  .record({
    s: seeds,
    sorted: bit,
    axis: fc.constantFrom(undefined, 0, 1, -1),
  })
  .map(
    ({ s, sorted, axis }): Subject => ({
      shapes: [[3, 4]],
      // All differ, so that how many there are stays the same within a step.
      declared: [[3, 4]],
      ...kinked(s),
      build: (b, [x = ""]) =>
        b.many(
          "Unique",
          // Rows that come twice are one.
          [b.concat([x, x], axis === undefined ? 0 : axis)],
          {
            sorted: int(sorted),
            ...(axis === undefined ? {} : { axis: int(axis) }),
          },
          1,
        )[0]!,
    }),
  );

/**
 * Data, and index tuples into its axes from `lead` on; negative ones and ones that come
 * twice among them.
 */
const tuples = (batched: boolean) =>
  fc
    .record({
      dims: fc.array(size, { minLength: 1, maxLength: 4 }),
      picks: fc.array(size, { maxLength: 2 }),
      lead: batched ? fc.nat(2) : fc.constant(0),
      k: size,
      values: fc.array(fc.nat(1000), { minLength: 200, maxLength: 200 }),
      negative: fc.boolean(),
      run: fc.boolean(),
      open: fc.boolean(),
    })
    .map(
      ({ dims, picks, lead: wanted, k: most, values, negative, ...rest }) => {
        const lead = Math.min(wanted, dims.length - 1);
        const k = Math.min(most, dims.length - lead);
        const outer = [...dims.slice(0, lead), ...picks];
        const count = outer.reduce((p, d) => p * d, 1);
        const indices = Array.from({ length: count * k }, (_, i) => {
          const length = dims[lead + (i % k)]!;
          const at = values[i % 200]! % length;
          return negative && i % 3 === 0 ? at - length : at;
        });
        return {
          dims,
          lead,
          indices,
          indexDims: [...outer, k],
          updateDims: [...outer, ...dims.slice(lead + k)],
          ...rest,
        };
      },
    );

const gatherND = tuples(true).map(
  ({ dims, lead, indices, indexDims, run, open }): Subject => ({
    shapes: [dims],
    ...(open ? { declared: [dims.map((_, i) => `d${i}`)] } : {}),
    ...double,
    ...linear,
    build: (b, [x = ""]) => {
      const at = integers(b, indices, indexDims);
      return b.op("GatherND", [x, run ? computed(b, at, x) : at], {
        batch_dims: int(lead),
      });
    },
  }),
);

/** Settings by what a scatter does where several updates meet. */
const reductions = {
  none: { ...linear },
  add: { ...linear },
  mul: { draw: withZeros },
  max: {},
  min: {},
} as const;
const reduction = fc.constantFrom(...(Object.keys(reductions) as "none"[]));

const meeting = (kind: keyof typeof reductions, s: number) => ({
  ...double,
  ...(kind === "max" || kind === "min"
    ? // Distinct within each of the two; their fractions differ, so none ties.
      { draw: far(s), step: 0.01, tolerance: 1e-3 }
    : reductions[kind]),
});

/** Numbers apart from each other, in data and updates alike. */
function far(seed: number) {
  let round = 0;
  const order = distinct({
    permutation: (n: number) =>
      Array.from({ length: n }, (_, i) => (i * 7 + seed) % (7 * n)),
  } as unknown as Random);
  return (random: Random, i: number, n: number) => {
    if (i === 0) round++;
    return order(random, i, n) + 0.1 * round;
  };
}

const scatterElements = fc
  .record({
    dims: fc.array(fc.integer({ min: 1, max: 3 }), {
      minLength: 1,
      maxLength: 3,
    }),
    count: size,
    axis: fc.integer({ min: -3, max: 2 }),
    kind: reduction,
    values: fc.array(fc.nat(1000), { minLength: 64, maxLength: 64 }),
    negative: fc.boolean(),
    type: fc.constantFrom("int64" as const, "int32" as const),
    s: seeds,
  })
  .map(({ dims, count, axis, kind, values, negative, type, s }): Subject => {
    const at = Math.min(Math.max(axis, -dims.length), dims.length - 1);
    const along = at < 0 ? at + dims.length : at;
    const updates = dims.map((d, i) => (i === along ? count : d));
    const total = updates.reduce((p, d) => p * d, 1);
    const length = dims[along]!;
    const picks = Array.from({ length: total }, (_, i) => {
      const pick = values[i % 64]! % length;
      return negative && i % 2 ? pick - length : pick;
    });
    return {
      shapes: [dims, updates],
      seed: s,
      ...meeting(kind, s),
      build: (b, [data = "", more = ""]) =>
        b.op(
          "ScatterElements",
          [data, b.cast(integers(b, picks, updates), type), more],
          {
            axis: int(at),
            ...(kind === "none" && negative ? {} : { reduction: string(kind) }),
          },
        ),
    };
  });

const scatterND = fc
  .record({ of: tuples(false), kind: reduction, s: seeds })
  .map(
    ({
      of: { dims, indices, indexDims, updateDims, run, open },
      kind,
      s,
    }): Subject => ({
      shapes: [dims, updateDims],
      ...(open ? { declared: [dims.map((_, i) => `d${i}`), updateDims] } : {}),
      seed: s,
      ...meeting(kind, s),
      build: (b, [data = "", updates = ""]) => {
        const at = integers(b, indices, indexDims);
        return b.op(
          "ScatterND",
          [data, run ? computed(b, at, data) : at, updates],
          kind === "none" && run ? {} : { reduction: string(kind) },
        );
      },
    }),
  );

const tensorScatter = fc
  .record({
    batch: size,
    heads: fc.option(size, { nil: undefined }),
    written: size,
    more: size,
    width: size,
    circular: fc.boolean(),
    starts: fc.boolean(),
    axis: fc.constantFrom(undefined, -2),
    s: seeds,
  })
  .map(
    ({
      batch,
      heads,
      written,
      more,
      width,
      circular,
      starts,
      axis,
      s,
    }): Subject => {
      const outer = heads === undefined ? [batch] : [batch, heads];
      const length = written + more;
      return {
        shapes: [
          [...outer, length, width],
          [...outer, written, width],
        ],
        opset: 24,
        ...linear,
        build: (b, [cache = "", update = ""]) =>
          b.op(
            "TensorScatter",
            [
              cache,
              update,
              ...(starts
                ? [
                    integers(
                      b,
                      Array.from(
                        { length: batch },
                        (_, i) => (s + 3 * i) % (circular ? length : more + 1),
                      ),
                    ),
                  ]
                : []),
            ],
            {
              mode: string(circular ? "circular" : "linear"),
              ...(axis === undefined ? {} : { axis: int(axis) }),
            },
          ),
      };
    },
  );

const centerCropPad = fc
  .record({
    dims: fc.array(fc.integer({ min: 1, max: 6 }), {
      minLength: 2,
      maxLength: 3,
    }),
    sizes: fc.array(fc.integer({ min: 1, max: 6 }), {
      minLength: 3,
      maxLength: 3,
    }),
    some: fc.boolean(),
  })
  .map(
    ({ dims, sizes, some }): Subject => ({
      shapes: [dims],
      ...linear,
      build: (b, [x = ""]) => {
        const axes = some ? [-1] : dims.map((_, i) => i);
        return b.op(
          "CenterCropPad",
          [x, b.ints(sizes.slice(0, axes.length))],
          some ? { axes: { kind: "ints", value: axes } } : {},
        );
      },
    }),
  );

/**
 * Equations with the shapes of their operands. Letters stand for sizes, "."
 * for ellipsis axes.
 */
const equations: readonly (readonly [string, ...(readonly number[])[]])[] = [
  ["ij->ji", [2, 3]],
  ["ij", [2, 3]],
  ["ba", [2, 3]],
  ["ij->", [2, 3]],
  ["ij->j", [2, 3]],
  ["ii->i", [3, 3]],
  ["ii", [3, 3]],
  ["...ii->...i", [2, 3, 3]],
  ["...ii->...", [2, 3, 3]],
  ["iij->ji", [2, 2, 3]],
  ["iijj->ij", [2, 2, 3, 3]],
  ["iii->i", [2, 2, 2]],
  ["i,i", [3], [3]],
  ["i,i->i", [3], [3]],
  ["i,j->ij", [2], [3]],
  ["i,j->ji", [2], [3]],
  ["ij,j->i", [2, 3], [3]],
  ["ij,jk->ik", [2, 3], [3, 4]],
  ["ij,jk", [2, 3], [3, 4]],
  ["ij,jk->ki", [2, 3], [3, 4]],
  ["ij,kj->ik", [2, 3], [4, 3]],
  ["ji,jk->ik", [3, 2], [3, 4]],
  ["ab,bc->", [2, 3], [3, 4]],
  ["ab,cd->ac", [2, 3], [2, 4]],
  ["bij,bjk->bik", [2, 2, 3], [2, 3, 4]],
  ["bij, bjk -> bik", [2, 2, 3], [2, 3, 4]],
  ["bij,bjk->ikb", [2, 2, 3], [2, 3, 4]],
  ["ibj,jkb->bik", [2, 2, 3], [3, 4, 2]],
  ["bhqd,bhkd->bhqk", [2, 2, 3, 2], [2, 2, 4, 2]],
  ["bqhd,bkhd->bhqk", [2, 3, 2, 2], [2, 4, 2, 2]],
  ["bhqk,bkhd->bqhd", [2, 2, 3, 4], [2, 4, 2, 2]],
  ["abc,cde->abde", [2, 3, 4], [4, 2, 2]],
  ["abcd,cde->abe", [2, 3, 2, 2], [2, 2, 3]],
  ["bhwc,hkc->bhwk", [2, 3, 2, 2], [3, 4, 2]],
  ["bij,jk->bik", [2, 2, 3], [3, 4]],
  ["bij,bij->b", [2, 2, 3], [2, 2, 3]],
  ["ij,ij->ij", [2, 3], [2, 3]],
  ["ij,ij->ij", [1, 3], [2, 3]],
  ["ij,jk->ik", [2, 1], [3, 4]],
  ["bij,bjk->bik", [1, 2, 3], [2, 3, 4]],
  ["ij,i->j", [2, 3], [1]],
  ["...ij,...jk->...ik", [2, 3, 4], [2, 4, 2]],
  ["...ij,...jk", [1, 3, 4], [2, 4, 2]],
  ["i...,i...->...", [3, 2, 2], [3, 2, 2]],
  ["i...j,j->i...", [2, 3, 2, 4], [4]],
  ["...,...->...", [2, 3], [2, 3]],
  ["...a,a...->...", [2, 3], [3, 2]],
  [",ij->ij", [], [2, 3]],
  ["ij,->i", [2, 3], []],
  ["ij,ik,il->jkl", [2, 2], [2, 3], [2, 2]],
  ["i,j,k->ijk", [2], [3], [2]],
  ["ij,jk,kl->il", [2, 3], [3, 2], [2, 2]],
  ["ii,ij->j", [2, 2], [2, 3]],
  ["ij,kk->ij", [2, 3], [2, 2]],
  ["Ab,bC->AC", [2, 3], [3, 2]],
];

const einsum = fc
  .record({
    of: fc.constantFrom(...equations),
    open: fc.boolean(),
    s: seeds,
  })
  .map(
    ({ of: [equation, ...shapes], open, s }): Subject => ({
      shapes,
      ...(open
        ? { declared: shapes.map((dims, i) => dims.map((_, j) => `d${i}${j}`)) }
        : {}),
      ...double,
      seed: s,
      step: 1e-4,
      build: (b, x) => b.op("Einsum", x, { equation: string(equation) }),
    }),
  );

/**
 * Log-probabilities or scores, labels, weights, and how the loss puts the
 * samples together.
 */
const loss = (op: string, output: 0 | 1) =>
  fc
    .record({
      n: size,
      classes: fc.integer({ min: 2, max: 4 }),
      more: fc.array(size, { maxLength: 3 }),
      weights: fc.boolean(),
      reduction: fc.constantFrom(undefined, "none", "mean", "sum"),
      ignored: fc.constantFrom(undefined, -1, 0, 9),
      labels: fc.constantFrom("int64" as const, "int32" as const),
      s: seeds,
    })
    .map(
      ({
        n,
        classes,
        more,
        weights,
        reduction: by,
        ignored,
        labels,
        s,
      }): Subject => {
        const dims = [n, classes, ...more];
        const targetDims = [n, ...more];
        const count = targetDims.reduce((p, d) => p * d, 1);
        const target = Array.from({ length: count }, (_, i) =>
          // The first sample counts, whatever is ignored.
          i > 0 && ignored !== undefined && (s + i) % 3 === 0
            ? ignored
            : 1 + ((s * (i + 1)) % (classes - 1)),
        );
        const attributes: Attributes = {
          ...(by === undefined ? {} : { reduction: string(by) }),
          ...(ignored === undefined ? {} : { ignore_index: int(ignored) }),
        };
        return {
          shapes: [dims, ...(weights ? [[classes]] : [])],
          draw: (random) => 0.2 + random.uniform(),
          step: 0.01,
          seed: s,
          build: (b, [x = "", w]) => {
            const label = b.cast(integers(b, target, targetDims), labels);
            const outputs = b.many(
              op,
              [x, label, ...(w ? [w] : [])],
              attributes,
              output === 1 ? 2 : 1,
            );
            if (output === 0) return outputs[0]!;
            // Both outputs of one node, one of which may be all there is.
            const log = b.reduceSum(b.mul(outputs[1]!, x));
            const first = b.reduceSum(outputs[0]!);
            return s % 2 ? b.add(log, b.mul(first, 3)) : log;
          },
        };
      },
    );

const product = fc
  .record({
    dims: fc.array(size, { minLength: 1, maxLength: 4 }),
    axes: fc.constantFrom(undefined, [0], [-1], [0, -1]),
    keep: bit,
    run: fc.boolean(),
    s: seeds,
  })
  .map(({ dims, axes, keep, run, s }) => ({
    dims,
    // The first axis and the last are one where there is only one.
    axes: dims.length === 1 ? axes?.slice(0, 1) : axes,
    keep,
    run,
    s,
  }));

const reduce = (op: string, settings: Partial<Subject>) =>
  product.map(
    ({ dims, axes, keep, run, s }): Subject => ({
      shapes: [dims],
      ...double,
      // Axes that are computed tell nothing of the shape.
      ...(run && axes ? { declared: [dims] } : {}),
      ...settings,
      seed: s,
      build: (b, [x = ""]) => {
        const by = axes && b.ints(axes);
        return b.op(op, by ? [x, run ? computed(b, by, x) : by] : [x], {
          keepdims: int(keep),
        });
      },
    }),
  );

/**
 * Quantised with steps that are small beside the differences, so that these see the
 * slope and not the stairs.
 */
const stairs = { step: 0.5, tolerance: 2e-2, draw: (r: Random) => r.normal() };
const finely = (
  b: GraphBuilder,
  x: string,
  scales: string,
  attributes: Attributes = {},
) => {
  const zero = b.cast(b.mul(scales, 0), "int16");
  const q = b.op("QuantizeLinear", [x, scales, zero], attributes);
  return { q, zero };
};

/** A single block is no block for onnxruntime. */
const layoutFor = <L extends string>(
  layout: L,
  dims: readonly number[],
  axis: number,
  block: number,
) => {
  const blocks = dims.reduce(
    (p, d, i) => p * (i === axis ? Math.ceil(d / block) : d),
    1,
  );
  return layout === "blocks" && blocks === 1 ? "tensor" : layout;
};

const quantized = fc
  .record({
    of: shapeAndAxis,
    layout: fc.constantFrom("tensor", "one", "axis", "blocks"),
    block: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ of: { dims, axis }, layout: wanted, block }): Subject => {
    const at = axis < 0 ? axis + dims.length : axis;
    const layout = layoutFor(wanted, dims, at, block);
    const length = dims[at]!;
    const scaleDims = {
      tensor: [],
      one: [1],
      axis: [length],
      blocks: dims.map((d, i) => (i === at ? Math.ceil(d / block) : d)),
    }[layout] as number[];
    const count = scaleDims.reduce((p, d) => p * d, 1);
    return {
      shapes: [dims],
      opset: 21,
      ...stairs,
      build: (b, [x = ""]) => {
        const scales = b.constant(
          floats(
            scaleDims,
            Array.from({ length: count }, (_, i) => 1e-3 * (1 + 0.1 * (i % 5))),
          ),
        );
        const attributes: Attributes = {
          axis: int(axis),
          ...(layout === "blocks" ? { block_size: int(block) } : {}),
        };
        const { q, zero } = finely(b, x, scales, attributes);
        return b.op("DequantizeLinear", [q, scales, zero], attributes);
      },
    };
  });

const dequantized = fc
  .record({
    of: shapeAndAxis,
    layout: fc.constantFrom("tensor", "axis", "blocks"),
    zero: fc.boolean(),
    block: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ of: { dims, axis }, layout: wanted, zero, block }): Subject => {
    const at = axis < 0 ? axis + dims.length : axis;
    const layout = layoutFor(wanted, dims, at, block);
    const scaleDims = {
      tensor: [],
      axis: [dims[at]!],
      blocks: dims.map((d, i) => (i === at ? Math.ceil(d / block) : d)),
    }[layout] as number[];
    const count = dims.reduce((p, d) => p * d, 1);
    return {
      // Of its scales it is linear, by which it may be learned. A slope is a sum of
      // many integers that may cancel, and single precision is lost with them.
      shapes: [scaleDims],
      opset: 21,
      ...linear,
      tolerance: 2e-4,
      build: (b, [scales = ""]) => {
        const q = b.constant(
          tensor(
            "int8",
            dims,
            Int8Array.from({ length: count }, (_, i) => ((i * 37) % 200) - 100),
          ),
        );
        const shift = b.constant(
          tensor(
            "int8",
            scaleDims,
            new Int8Array(scaleDims.reduce((p, d) => p * d, 1)).fill(3),
          ),
        );
        return b.op("DequantizeLinear", [q, scales, ...(zero ? [shift] : [])], {
          axis: int(axis),
          ...(layout === "blocks" ? { block_size: int(block) } : {}),
        });
      },
    };
  });

/** 8-bit integers of two float operands, and the scale of their product. */
function asIntegers(b: GraphBuilder, x: string): [string, string, string] {
  const [q = "", scale = "", zero = ""] = b.many(
    "DynamicQuantizeLinear",
    [x],
    {},
    3,
  );
  return [q, scale, zero];
}

const coarse = { step: 2, tolerance: 0.1, draw: (r: Random) => 3 * r.normal() };
const weights = (b: GraphBuilder, dims: readonly number[]) => {
  const count = dims.reduce((p, d) => p * d, 1);
  return b.constant(
    tensor(
      "uint8",
      dims,
      Uint8Array.from({ length: count }, (_, i) => (i * 53) % 256),
    ),
  );
};

/**
 * A value in units of its integers, with a fixed scale so that differences
 * see no other path.
 */
function fixedIntegers(b: GraphBuilder, x: string): [string, string] {
  const zero = b.constant(tensor("uint8", [], Uint8Array.of(128)));
  return [b.op("QuantizeLinear", [x, b.scalar(0.2), zero]), zero];
}

/** Only its two values have a gradient. */
const oneHot = fc
  .record({
    dims: fc.array(size, { minLength: 1, maxLength: 2 }),
    depth: size,
    axis: fc.constantFrom(undefined, 0, -1),
    s: seeds,
  })
  .map(({ dims, depth, axis, s }): Subject => {
    const count = dims.reduce((p, d) => p * d, 1);
    // Also negative ones, and some that are nowhere.
    const picks = Array.from(
      { length: count },
      (_, i) => ((s + 3 * i) % (2 * depth + 2)) - depth - 1,
    );
    return {
      shapes: [[2]],
      ...linear,
      build: (b, [values = ""]) =>
        b.op(
          "OneHot",
          [integers(b, picks, dims), index(b, depth), values],
          axis === undefined ? {} : { axis: int(axis) },
        ),
    };
  });

export const indexingSubjects: Record<string, fc.Arbitrary<Subject>> = {
  OneHot: oneHot,
  CumSum: cumulative("CumSum", 18, { ...double, ...linear }),
  CumProd: cumulative("CumProd", 26, { draw: withZeros, step: 0.01 }),
  Trilu: trilu,
  ReverseSequence: reverseSequence,
  Compress: compress,
  Unique: unique,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TensorScatter: tensorScatter,
  CenterCropPad: centerCropPad,
  Einsum: einsum,
  NegativeLogLikelihoodLoss: loss("NegativeLogLikelihoodLoss", 0),
  SoftmaxCrossEntropyLoss: fc.oneof(
    loss("SoftmaxCrossEntropyLoss", 0),
    loss("SoftmaxCrossEntropyLoss", 1),
  ),
  ReduceProd: reduce("ReduceProd", { draw: withZeros }),
  ReduceLogSum: reduce("ReduceLogSum", {
    draw: (random) => 0.3 + random.uniform(),
  }),
  Mod: fc.tuple(shape, seeds).map(
    ([dims, s]): Subject => ({
      shapes: [dims, [1]],
      // By nearly 2 or -2, and away from its multiples, where the remainder jumps.
      draw: (random) =>
        Math.sign(random.normal()) *
        (2 * Math.floor(4 * random.uniform()) + 0.5 + random.uniform()),
      step: 0.02,
      build: (b, [x = "", d = ""]) =>
        b.op("Mod", [x, b.add(b.mul(d, 0.005), s % 2 ? 2 : -2)], {
          fmod: int(1),
        }),
    }),
  ),
  Shrink: fc
    .tuple(shape, seeds, fc.constantFrom(0, 1, 2, -1), fc.constantFrom(0, 0.7))
    .map(
      ([dims, s, lambd, bias]): Subject => ({
        shapes: [dims],
        ...kinked(s),
        build: (b, [x = ""]) =>
          b.op("Shrink", [x], {
            lambd: { kind: "float", value: lambd },
            bias: { kind: "float", value: bias },
          }),
      }),
    ),
  CastLike: shape.map(
    (dims): Subject => ({
      shapes: [dims],
      ...linear,
      build: (b, [x = ""]) => {
        const wide = b.op("CastLike", [x, b.scalar(1, "float64")]);
        return b.op("CastLike", [wide, b.scalar(1)]);
      },
    }),
  ),
  QuantizeLinear: quantized,
  DequantizeLinear: dequantized,
  DynamicQuantizeLinear: shape.map(
    (dims): Subject => ({
      shapes: [dims],
      ...coarse,
      build: (b, [x = ""]) => b.op("DequantizeLinear", asIntegers(b, x)),
    }),
  ),
  MatMulInteger: fc
    .record({
      m: size,
      k: size,
      n: size,
      lead: fc.array(size, { maxLength: 1 }),
      zeros: fc.constantFrom("none", "one", "columns"),
      left: fc.boolean(),
    })
    .map(
      ({ m, k, n, lead, zeros, left }): Subject => ({
        shapes: [left ? [...lead, m, k] : [k, n]],
        ...coarse,
        build: (b, [x = ""]) => {
          const [q, zero] = fixedIntegers(b, x);
          const w = weights(b, left ? [k, n] : [...lead, m, k]);
          const shift = b.constant(
            tensor(
              "uint8",
              zeros === "columns" ? [n] : [],
              new Uint8Array(zeros === "columns" ? n : 1).fill(7),
            ),
          );
          const product = left
            ? b.op("MatMulInteger", [
                q,
                w,
                zero,
                ...(zeros === "none" ? [] : [shift]),
              ])
            : b.op("MatMulInteger", [w, q, "", zero]);
          return b.mul(b.cast(product, "float32"), 0.01);
        },
      }),
    ),
  ConvInteger: fc
    .record({
      groups: fc.constantFrom(1, 2),
      pad: bit,
      stride: fc.integer({ min: 1, max: 2 }),
      zero: fc.boolean(),
    })
    .map(
      ({ groups, pad, stride, zero: shifted }): Subject => ({
        shapes: [[2, 2, 5, 4]],
        ...coarse,
        build: (b, [x = ""]) => {
          const [q, zero] = fixedIntegers(b, x);
          const w = weights(b, [4, 2 / groups, 3, 2]);
          const shift = b.constant(tensor("uint8", [], Uint8Array.of(100)));
          const sums = b.op(
            "ConvInteger",
            [q, w, zero, ...(shifted ? [shift] : [])],
            {
              group: int(groups),
              strides: { kind: "ints", value: [stride, stride] },
              pads: { kind: "ints", value: [pad, pad, pad, 0] },
            },
          );
          return b.mul(b.cast(sums, "float32"), 0.01);
        },
      }),
    ),
};
