import type { RuleContext, RuleTable } from "../rule.ts";

const x0 = ({ inputs }: RuleContext) => inputs[0]!;
const y0 = ({ outputs }: RuleContext) => outputs[0]!;

/** 1 + sign * x^2, and its root. */
const square = ({ b }: RuleContext, v: string, sign: 1 | -1) =>
  sign === 1 ? b.add(b.mul(v, v), 1) : b.sub(1, b.mul(v, v));

export const trigonometry: RuleTable = {
  Sin: (c) => [c.b.mul(c.g, c.b.op("Cos", [x0(c)]))],
  Cos: (c) => [c.b.neg(c.b.mul(c.g, c.b.op("Sin", [x0(c)])))],
  Tan: (c) => [c.b.mul(c.g, square(c, y0(c), 1))],
  Asin: (c) => [c.b.div(c.g, c.b.sqrt(square(c, x0(c), -1)))],
  Acos: (c) => [c.b.neg(c.b.div(c.g, c.b.sqrt(square(c, x0(c), -1))))],
  Atan: (c) => [c.b.div(c.g, square(c, x0(c), 1))],
  Sinh: (c) => [c.b.mul(c.g, c.b.op("Cosh", [x0(c)]))],
  Cosh: (c) => [c.b.mul(c.g, c.b.op("Sinh", [x0(c)]))],
  Asinh: (c) => [c.b.div(c.g, c.b.sqrt(square(c, x0(c), 1)))],
  Acosh: (c) => [c.b.div(c.g, c.b.sqrt(c.b.sub(c.b.mul(x0(c), x0(c)), 1)))],
  Atanh: (c) => [c.b.div(c.g, square(c, x0(c), -1))],
};
