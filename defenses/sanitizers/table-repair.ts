import { z } from "zod";
import {
  type FloatTensor,
  floats,
  type GraphBuilder,
  int,
  int64s,
  sizeOf,
} from "#onnx";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Repairs rows of a table by their types, as far as a graph can (the repair of
 * Simonetto et al. 2024, arXiv:2406.00775, without the clean row): values are cut
 * at their ranges, whole numbers rounded, and of each category the largest number
 * becomes the 1. Columns that constraints define are left as they are. Data that
 * are no table are cut at the bounds.
 */
export const tableRepair = defineSanitizer({
  id: "table-repair",
  title: "Repair of types",
  summary:
    "Cuts values of a row at their ranges, rounds whole numbers, and makes one category of each group the 1.",
  caution:
    "It only enforces what a row can be, which attacks for tables (capgd, moeva) respect anyway: against them it changes nothing. Columns that constraints define are left as they are.",
  reference: "Simonetto et al. 2024, arXiv:2406.00775",
  params: z.strictObject({}),
  gradient: "straight-through",
  async fit({ train }) {
    const { features, columns } = train.table ?? { features: [], columns: [] };
    const width = sizeOf(train.x.dims.slice(1));
    const steps = new Float32Array(width);
    for (const { kind, at } of columns)
      if (kind === "integer") steps[at] = features[at]?.span ?? 0;
    const groups = columns.filter(({ kind }) => kind === "category");
    return new Map<string, FloatTensor>([
      ["steps", floats([1, width], steps)],
      [
        "groups",
        floats(
          [groups.length, 2],
          groups.flatMap((g) => [g.at, g.width]),
        ),
      ],
    ]);
  },
  build(b, x, _params, { contract }, { fitted }) {
    const [low, high] = contract.bounds;
    const steps = fitted("steps");
    const groups = fitted("groups");
    const width = sizeOf(contract.shape);
    const isTable = steps.data.some((s) => s > 0) || groups.data.length > 0;
    const limits = isTable ? [0, 1] : [low, high];
    const rows = b.op("Clip", [
      b.reshape(x, [-1, width]),
      ...limits.map((limit) => b.scalar(limit)),
    ]);
    const whole = wholeNumbers(b, rows, steps);
    return b.reshape(oneOfEach(b, whole, groups, width), [
      -1,
      ...contract.shape,
    ]);
  },
});

/** Rounds the numbers that have steps to a multiple of one over them. */
function wholeNumbers(
  b: GraphBuilder,
  rows: string,
  { dims, data }: FloatTensor,
): string {
  if (data.every((s) => s === 0)) return rows;
  const steps = b.constant(
    floats(
      dims,
      data.map((s) => s || 1),
    ),
  );
  const rounded = b.div(b.op("Round", [b.mul(rows, steps)]), steps);
  const chosen = b.constant(
    floats(
      dims,
      data.map((s) => (s > 0 ? 1 : 0)),
    ),
  );
  const kept = b.constant(
    floats(
      dims,
      data.map((s) => (s > 0 ? 0 : 1)),
    ),
  );
  return b.add(b.mul(rounded, chosen), b.mul(rows, kept));
}

/** Puts a single 1 in each group, where its largest number is. */
function oneOfEach(
  b: GraphBuilder,
  rows: string,
  { data }: FloatTensor,
  width: number,
): string {
  const parts: string[] = [];
  let from = 0;
  const copy = (to: number) => {
    if (to > from) parts.push(b.slice(rows, [from], [to], [1]));
  };
  for (let g = 0; g < data.length; g += 2) {
    const [at, size] = [data[g]!, data[g + 1]!];
    copy(at);
    const group = b.slice(rows, [at], [at + size], [1]);
    const most = b.op("ArgMax", [group], { axis: int(1), keepdims: int(1) });
    const places = b.constant(
      int64s(Array.from({ length: size }, (_, i) => i)),
    );
    parts.push(b.cast(b.op("Equal", [most, places]), "float32"));
    from = at + size;
  }
  copy(width);
  return parts.length === 1 ? parts[0]! : b.concat(parts, 1);
}
