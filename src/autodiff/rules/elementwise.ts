import { numbers } from "#onnx";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/** x^e. A constant exponent, the usual case, gets its short form. */
const pow: Rule = (context) => {
  const { b, x, y: e, out, g } = context;
  const constant = b.constantOf(e);
  const exponent =
    constant?.data.length === 1 ? numbers(constant)[0] : undefined;
  if (exponent !== undefined && !context.needs(1))
    return [powBy(context, exponent)];
  // b * x^(b-1) is 0 * inf at b = 0, where the slope is 0.
  const type = b.type(x);
  const power = b.type(e) === type ? e : b.cast(e, type);
  const slope = b.where(
    b.equal(power, 0),
    0,
    b.mul(power, b.pow(x, b.sub(power, 1))),
  );
  const positive = b.greater(x, 0);
  const log = b.log(b.where(positive, x, 1));
  return [
    b.mul(g, slope),
    b.type(e) === type ? b.mul(g, b.mul(out, log)) : undefined,
  ];
};

function powBy({ b, x, out, g }: RuleContext, exponent: number): string {
  if (exponent === 0) return b.mul(g, 0);
  if (exponent === 1) return g;
  if (exponent === 2) return b.mul(b.mul(g, 2), x);
  if (exponent === 0.5) return b.div(b.mul(g, 0.5), out);
  if (exponent === -1) return b.neg(b.mul(g, b.mul(out, out)));
  return b.mul(g, b.mul(b.pow(x, exponent - 1), exponent));
}

export const elementwise: RuleTable = {
  Add: ({ g }) => [g, g],
  Sub: ({ b, g }) => [g, b.neg(g)],
  Mul: ({ b, x, y, g }) => [b.mul(g, y), b.mul(g, x)],
  Div: ({ b, y, out, g }) => {
    const scaled = b.div(g, y);
    return [scaled, b.neg(b.mul(scaled, out))];
  },
  Sum: ({ inputs, g }) => inputs.map(() => g),
  Mean: ({ b, inputs, g }) => {
    const share = b.mul(g, 1 / inputs.length);
    return inputs.map(() => share);
  },
  Pow: pow,
  Neg: ({ b, g }) => [b.neg(g)],
  Abs: ({ b, x, g }) => [b.mul(g, b.sign(x))],
  Exp: ({ b, out, g }) => [b.mul(g, out)],
  Log: ({ b, x, g }) => [b.div(g, x)],
  Sqrt: ({ b, out, g }) => [b.div(b.mul(g, 0.5), out)],
  Reciprocal: ({ b, out, g }) => [b.neg(b.mul(g, b.mul(out, out)))],
  Erf: ({ b, x, g }) => [
    b.mul(g, b.mul(b.exp(b.neg(b.mul(x, x))), 2 / Math.sqrt(Math.PI))),
  ],
  Identity: ({ g }) => [g],
  // To integers there is none, and from integers only where they stand for floats.
  Cast: (c) => [passed(c)],
  CastLike: (c) => [passed(c), null],
  Dropout: dropout,
  Mod: mod,
  Where: ({ b, x: condition, g }) => [
    undefined,
    b.where(condition, g, 0),
    b.where(condition, 0, g),
  ],
  Min: extremum,
  Max: extremum,
};

/** The gradient in the type of the input, where that is a float type. */
function passed({ b, x, g }: RuleContext): string {
  const type = b.type(x);
  return /^b?float/.test(type) ? b.cast(g, type) : g;
}

/**
 * The remainder with the sign of x (fmod=1, the only one for floats): x - n d
 * with a whole number n, which stays the same between jumps.
 */
function mod({ b, x, y: d, out, g }: RuleContext): readonly string[] {
  const times = b.op("Round", [b.div(b.sub(x, out), d)]);
  return [g, b.neg(b.mul(g, times))];
}

/** At inference, the identity. */
function dropout({ b, node, inputs, g }: RuleContext): readonly string[] {
  const training = inputs[2] ? b.intsOf(inputs[2])?.[0] : 0;
  if (training === 0) return [g];
  throw unsupported(
    node,
    "it is, or may be, in training mode",
    "Export the model in evaluation mode.",
  );
}

/** Elementwise minimum or maximum. Ties share the gradient evenly, as in PyTorch. */
function extremum({ b, inputs, out, g }: RuleContext): readonly string[] {
  const masks = inputs.map((x) => b.mask(b.equal(x, out), out));
  const ties = masks.length === 1 ? masks[0] : b.op("Sum", masks);
  const share = b.div(g, ties as string);
  return masks.map((mask) => b.mul(share, mask));
}
