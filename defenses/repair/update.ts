import type { Random } from "#core";
import type { Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";
import { isMatrix, readsInputFirst } from "#tuning";

/** Numbers of a matrix, row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * By how much two models of one graph differ in a weight: a row for each output of its
 * layer and a column for each input, as papers write it, however the file has it.
 */
export function difference(to: Model, from: Model, name: string): Matrix {
  const [end, start] = [to, from].map(
    ({ graph }) => graph.constants.get(name) as FloatTensor,
  ) as [FloatTensor, FloatTensor];
  const apart = Float64Array.from(end.data, (v, i) => v - start.data[i]!);
  const [first = 1] = end.dims;
  const own = { rows: first, columns: apart.length / first, data: apart };
  return readsInputFirst(to.graph, name) ? transposed(own) : own;
}

/** A model whose weights are those of another with something added to some. */
export function withAdded(
  model: Model,
  added: ReadonlyMap<string, Matrix>,
): Model {
  const { graph } = model;
  const constants = new Map<string, Tensor>(graph.constants);
  for (const [name, matrix] of added) {
    const weight = graph.constants.get(name) as FloatTensor;
    const own = readsInputFirst(graph, name) ? transposed(matrix) : matrix;
    const data = weight.data.map((v, i) => v + own.data[i]!);
    constants.set(name, { ...weight, data });
  }
  return { ...model, graph: { ...graph, constants } };
}

/** The matrices of layers in which two models of one graph differ. */
export const movedMatrices = (to: Model, from: Model): string[] =>
  movedWeights(to, from).filter((name) => isMatrix(to, name));

/** The weights in which two models of one graph differ. */
export const movedWeights = (to: Model, from: Model): string[] =>
  [...to.graph.constants].flatMap(([name, { type, data }]) => {
    const before = from.graph.constants.get(name);
    if (type !== "float32" || before?.type !== "float32") return [];
    const [now, then] = [data, before.data] as [Float32Array, Float32Array];
    return now.length === then.length && now.some((v, i) => v !== then[i])
      ? [name]
      : [];
  });

export function transposed({ rows, columns, data }: Matrix): Matrix {
  const turned = new Float64Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      turned[c * rows + r] = data[r * columns + c]!;
  return { rows: columns, columns: rows, data: turned };
}

export function product(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.rows * b.columns);
  for (let r = 0; r < a.rows; r++)
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[r * a.columns + k]!;
      if (factor === 0) continue;
      for (let c = 0; c < b.columns; c++)
        data[r * b.columns + c]! += factor * b.data[k * b.columns + c]!;
    }
  return { rows: a.rows, columns: b.columns, data };
}

export const scaled = (m: Matrix, by: number): Matrix => ({
  ...m,
  data: m.data.map((v) => by * v),
});

/** The sum of products of the numbers of two matrices of one shape. */
export function inner(a: Matrix, b: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}

/** Rounds of the iteration: what is left of other directions shrinks with each. */
const ROUNDS = 100;

/**
 * The part of a matrix in the span of its first left singular vectors: U U' M, with U
 * of V, by orthogonal iteration on V V' (Golub and Van Loan 2013, section 8.2.4).
 */
export function ofFirst(
  v: Matrix,
  count: number,
  random: Random,
): (m: Matrix) => Matrix {
  const thin = Math.min(count, v.rows, v.columns);
  const back = transposed(v);
  let basis = orthonormal({
    rows: v.rows,
    columns: thin,
    data: Float64Array.from({ length: v.rows * thin }, () => random.normal()),
  });
  for (let k = 0; k < ROUNDS; k++)
    basis = orthonormal(product(v, product(back, basis)));
  const turned = transposed(basis);
  return (m) => product(basis, product(turned, m));
}

/**
 * The same span by orthonormal columns (Gram and Schmidt, twice for rounding); a column
 * that has nothing left is zero.
 */
function orthonormal({ rows, columns, data }: Matrix): Matrix {
  const own = data.slice();
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let r = 0; r < rows; r++)
      sum += own[r * columns + a]! * own[r * columns + b]!;
    return sum;
  };
  for (let c = 0; c < columns; c++) {
    const before = Math.sqrt(dot(c, c));
    for (let twice = 0; twice < 2; twice++)
      for (let k = 0; k < c; k++) {
        const share = dot(k, c);
        for (let r = 0; r < rows; r++)
          own[r * columns + c]! -= share * own[r * columns + k]!;
      }
    const length = Math.sqrt(dot(c, c));
    const isSpent = !(length > 1e-10 * before);
    for (let r = 0; r < rows; r++)
      own[r * columns + c] = isSpent ? 0 : own[r * columns + c]! / length;
  }
  return { rows, columns, data: own };
}
