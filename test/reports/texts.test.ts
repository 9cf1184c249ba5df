import { expect, test } from "vitest";
import type { Results } from "#results";
import { textsView } from "../../reports/html/sections/texts.ts";

test("edits are marked on both sides, with what cannot be seen or told apart", () => {
  const textGallery: Results["textGallery"] = [
    {
      cell: "full/none/search@two",
      sample: 3,
      label: "yes",
      cleanPrediction: "yes",
      cleanConfidence: 0.75,
      prediction: "no",
      confidence: null,
      edits: 4,
      segments: [
        { before: "a ", after: "a " },
        { before: "o", after: "о" },
        { before: "", after: "\u200b" },
        { before: " ", after: "" },
        { before: "<b>\u202e", after: "<b>\u202e" },
        { before: "x", after: " " },
      ],
    },
  ];
  const [group] = textsView({
    cells: [] as Results["cells"],
    candidates: [] as Results["candidates"],
    textGallery,
  } as Results);
  const [example] = group?.examples ?? [];
  expect(example).toMatchObject({
    edits: "4 edits",
    before: "yes (75.0\u00a0%)",
    after: "no",
  });
  const shown = (side: "original" | "perturbed") =>
    example?.[side].map(({ text, edited, points }) =>
      edited ? [text, points] : text,
    );
  expect(shown("original")).toEqual([
    "a ",
    ["o", "U+006F"],
    ["", "nothing"],
    ["␣", "U+0020"],
    "<b>[U+202E]",
    ["x", "U+0078"],
  ]);
  expect(shown("perturbed")).toEqual([
    "a ",
    ["о", "U+043E"],
    ["[U+200B]", "U+200B"],
    ["", "nothing"],
    "<b>[U+202E]",
    ["␣", "U+0020"],
  ]);
});
