import { describe, expect, test } from "vitest";
import { nodeTests } from "./archive.ts";
import { type Outcome, outcomeOf, table } from "./table.ts";

/** Tests that do not come out as stated, and why that is right. */
const exceptions: Readonly<Record<string, string>> = {
  test_acosh_example: "at 1, where the slope is infinite",
  test_clip_min_greater_than_max: "the range is empty",
  ...Object.fromEntries(
    ["3d", "4d"].flatMap((mask) =>
      ["", "_expanded"].map((end) => [
        `test_attention_4d_with_past_and_present_qk_matmul_bias_${mask}_mask_causal${end}`,
        "hidden scores are infinite, so differences of them are no numbers",
      ]),
    ),
  ),
  ...Object.fromEntries(
    "not_sorted_without_axis sorted_with_axis sorted_with_axis_3d sorted_with_negative_axis sorted_without_axis"
      .split(" ")
      .map((form) => [
        `test_unique_${form}`,
        "equal values part when they are moved, so there are more of them",
      ]),
  ),
  test_maxunpool_export_with_output_shape:
    "onnxruntime reads indices by the stated output shape, the test by the inferred one",
  test_resize_downsample_scales_cubic_align_corners:
    "onnxruntime places corners by the sizes, the test by the scales",
  test_resize_downsample_scales_linear_align_corners:
    "onnxruntime places corners by the sizes, the test by the scales",
};

const tests = nodeTests();

describe.skipIf(!tests)("the operator tests of ONNX in ../shared/data", () => {
  const outcomes: Outcome[] = [];

  test("../shared: each gives what ONNX says, and its gradient agrees with differences", async () => {
    for (const t of tests ?? []) outcomes.push(await outcomeOf(t));
    const failed = outcomes.flatMap((o) =>
      [o.forward, o.backward].flatMap((v) =>
        v?.kind === "failed" ? [[o.name, v.why]] : [],
      ),
    );
    expect(failed.filter(([name]) => !exceptions[name ?? ""])).toEqual([]);
    expect(failed.map(([name]) => name).sort()).toEqual(
      Object.keys(exceptions).sort(),
    );
  });

  test("../shared: the table of them is the one in table.txt", async () => {
    await expect(`${table(outcomes)}\n`).toMatchFileSnapshot("./table.txt");
  });
});
