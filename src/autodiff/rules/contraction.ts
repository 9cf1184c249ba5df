import {
  attribute,
  type Contraction,
  type GraphBuilder,
  parseEinsum,
  printEinsum,
  string,
} from "#onnx";
import { shapeOf, sizeOfAxes } from "../picking.ts";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/**
 * A sum of products is linear in each operand: its gradient is the sum of
 * products of the gradient and the other operands over the labels that it does
 * not have.
 */
const einsum: Rule = (context) => {
  const { b, node, inputs, g, needs } = context;
  const { terms, output } = contractionOf(context);
  return inputs.map((x, k) => {
    if (!needs(k)) return undefined;
    const others = terms.flatMap((term, j) =>
      j === k ? [] : [{ term, value: inputs[j]! }],
    );
    const own = terms[k]!;
    const labels = own.filter((label, i) => own.indexOf(label) === i);
    const factors = [{ term: output, value: g }, ...others];
    const reached = labels.filter((label) =>
      factors.some(({ term }) => term.includes(label)),
    );
    const sum = contract(b, factors, reached);
    return spread(b, sum, reached, own, x);
  });

  function contractionOf({ b }: RuleContext): Contraction {
    const equation = attribute(node, "equation", "string", "");
    const ranks = inputs.map((x) => b.rankedDims(x).length);
    const found = parseEinsum(equation, ranks);
    const twice = found && new Set(found.output).size !== found.output.length;
    if (found && !twice) return found;
    throw unsupported(
      node,
      `its equation "${equation}" does not fit operands of ${ranks.join(", ")} axes`,
      "Export the model again.",
    );
  }
};

interface Factor {
  readonly term: readonly string[];
  readonly value: string;
}

/** The sum of products of factors over all labels that are not in `output`. */
function contract(
  b: GraphBuilder,
  factors: readonly Factor[],
  output: readonly string[],
): string {
  const [first, second, ...more] = factors as [Factor, ...Factor[]];
  if (second === undefined) {
    const only = permuted(b, first, output);
    if (only) return only;
  } else if (more.length === 0) {
    const product =
      asMatMul(b, first, second, output) ?? asMatMul(b, second, first, output);
    if (product) return product;
  }
  const terms = factors.map((f) => f.term);
  return b.op(
    "Einsum",
    factors.map((f) => f.value),
    { equation: string(printEinsum({ terms, output })) },
  );
}

/** The same axes in another order. */
function permuted(
  b: GraphBuilder,
  { term, value }: Factor,
  output: readonly string[],
): string | undefined {
  const same =
    term.length === output.length &&
    new Set(term).size === term.length &&
    term.every((label) => output.includes(label));
  return same
    ? b.transpose(
        value,
        output.map((label) => term.indexOf(label)),
      )
    : undefined;
}

/**
 * A contraction that is a product of (batches of) matrices, with one label
 * for rows, one for columns and one that is summed, as MatMul, which is faster.
 */
function asMatMul(
  b: GraphBuilder,
  x: Factor,
  y: Factor,
  output: readonly string[],
): string | undefined {
  const only = (labels: readonly string[]) =>
    labels.length === 1 ? labels[0] : undefined;
  const both = x.term.filter((label) => y.term.includes(label));
  const summed = only(both.filter((label) => !output.includes(label)));
  const row = only(x.term.filter((label) => !y.term.includes(label)));
  const column = only(y.term.filter((label) => !x.term.includes(label)));
  const batch = both.filter((label) => label !== summed);
  const plain = [x.term, y.term, output].every(
    (t) => new Set(t).size === t.length && t.length === batch.length + 2,
  );
  if (!summed || !row || !column || !plain) return undefined;
  // Only of known sizes is it sure that neither is broadcast along the sum.
  const length = (f: Factor) => b.dims(f.value)?.[f.term.indexOf(summed)];
  if (length(x) == null || length(x) !== length(y)) return undefined;
  // Rows before columns, or the operands are given the other way round.
  if (output.indexOf(row) > output.indexOf(column)) return undefined;
  const order = output.filter((label) => label !== row && label !== column);
  const left = permuted(b, x, [...order, row, summed]);
  const right = permuted(b, y, [...order, summed, column]);
  if (left === undefined || right === undefined) return undefined;
  const value = b.matmul(left, right);
  return permuted(b, { term: [...order, row, column], value }, output);
}

/**
 * From the labels that a gradient has to the axes of its operand: repeated along those
 * that were summed away, and on the diagonal of those that repeat.
 */
function spread(
  b: GraphBuilder,
  value: string,
  labels: readonly string[],
  own: readonly string[],
  x: string,
): string {
  const first = (label: string, i: number) => own.indexOf(label) === i;
  const absent = own.flatMap((label, i) =>
    labels.includes(label) && first(label, i) ? [] : [i],
  );
  let full = absent.length > 0 ? b.unsqueeze(value, absent) : value;
  own.forEach((label, i) => {
    if (!first(label, i)) {
      full = b.mul(full, diagonal(b, full, x, own.indexOf(label), i));
    }
  });
  const dims = b.dims(full);
  const wanted = b.rankedDims(x);
  const there = wanted.every((d, i) => d === dims?.[i] && d !== null);
  return there ? full : b.expand(full, b.shapeOf(x));
}

/**
 * 1 where two axes of `x` have the same index, 0 elsewhere. The other axes are 1 long.
 */
function diagonal(
  b: GraphBuilder,
  like: string,
  x: string,
  one: number,
  other: number,
): string {
  const rank = b.rankedDims(x).length;
  const index = (axis: number) => {
    const range = b.op("Range", [
      b.scalar(0, "int64"),
      b.reshape(shapeOf(b, [sizeOfAxes(b, x, axis, axis + 1)]), []),
      b.scalar(1, "int64"),
    ]);
    const shape = new Array<number>(rank).fill(1);
    shape[axis] = -1;
    return b.reshape(range, shape);
  };
  return b.mask(b.equal(index(one), index(other)), like);
}

export const contraction: RuleTable = { Einsum: einsum };
