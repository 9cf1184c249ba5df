import type { RuleContext, RuleTable } from "../rule.ts";

type Builder = RuleContext["b"];

/** 1 + v^2. */
const above = (b: Builder, v: string) => b.add(b.mul(v, v), 1);

/** 1 - v^2. */
const below = (b: Builder, v: string) => b.sub(1, b.mul(v, v));

export const trigonometry: RuleTable = {
  Sin: ({ b, x, g }) => [b.mul(g, b.op("Cos", [x]))],
  Cos: ({ b, x, g }) => [b.neg(b.mul(g, b.op("Sin", [x])))],
  Tan: ({ b, out, g }) => [b.mul(g, above(b, out))],
  Asin: ({ b, x, g }) => [b.div(g, b.sqrt(below(b, x)))],
  Acos: ({ b, x, g }) => [b.neg(b.div(g, b.sqrt(below(b, x))))],
  Atan: ({ b, x, g }) => [b.div(g, above(b, x))],
  Sinh: ({ b, x, g }) => [b.mul(g, b.op("Cosh", [x]))],
  Cosh: ({ b, x, g }) => [b.mul(g, b.op("Sinh", [x]))],
  Asinh: ({ b, x, g }) => [b.div(g, b.sqrt(above(b, x)))],
  Acosh: ({ b, x, g }) => [b.div(g, b.sqrt(b.sub(b.mul(x, x), 1)))],
  Atanh: ({ b, x, g }) => [b.div(g, below(b, x))],
};
