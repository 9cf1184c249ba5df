import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dataSpecSchema, loadDataset } from "#data";
import {
  policyId,
  policyPrompts,
} from "../../src/data/dialogues/policy-world.ts";
import { put, temporaryFolder } from "../folder.ts";
import { worldSpec, worldTokenizer, writeWorld } from "./world.ts";

const folder = temporaryFolder();
writeWorld(folder);
const load = (spec: object, where = folder) =>
  loadDataset(dataSpecSchema.parse(spec), where);

test("a world in files reads as the one that is built in", async () => {
  const [given, built] = [
    await load(worldSpec),
    await load({ source: "policy" }),
  ];
  expect(given.x.data).toEqual(built.x.data);
  expect(given.targets?.data).toEqual(built.targets?.data);
  expect(given.parts).toEqual(built.parts);
  expect(given.classes).toEqual(built.classes);
  expect(given.texts?.dialogues?.each).toEqual(built.texts?.dialogues?.each);
});

test("refusals are told by how all of them begin", async () => {
  const { texts } = await load(worldSpec);
  const [only] = texts?.dialogues?.refusals ?? [];
  expect(only?.slice(0, 3)).toEqual([1, 1, 1].map(() => policyId("NO")));
  const stated = await load({ ...worldSpec, refusals: ["NO"] });
  expect(stated.texts?.dialogues?.refusals).toEqual([[policyId("NO")]]);
});

test("what an answer says is learned, and nothing of the prompt", async () => {
  const { x, targets } = await load({ source: "policy" });
  const row = (data: Float32Array, i: number) => [
    ...data.subarray(12 * i, 12 * i + 12),
  ];
  const ids = row(x.data, 0);
  const next = row(targets!.data, 0);
  next.forEach((target, p) => {
    const isAnswer = p >= 5 && p < 11;
    expect(target).toBe(isAnswer ? ids[p + 1] : -1);
  });
});

test("the attacker has no prompt of a category that is held out", () => {
  const category = ({ text }: { text: string }) => text.split(" ")[1];
  const of = (part: string) =>
    policyPrompts().filter((p) => p.restricted && p.part === part);
  const had = new Set(of("validation").map(category));
  expect(of("test")).toHaveLength(64);
  expect(of("test").filter((p) => had.has(category(p)))).toEqual([]);
});

test("a chat template is rendered once, around prompt and answer", async () => {
  const here = temporaryFolder();
  writeWorld(here);
  put(
    here,
    "tokenizer_config.json",
    JSON.stringify({
      bos_token: { content: "<bos>" },
      eos_token: "<eos>",
      chat_template:
        "{{ bos_token }}{% for m in messages %}{{ ' USER ' if m['role'] == 'user' else ' ASST ' }}{{ m['content'] | trim }}{% endfor %} {{ eos_token }}",
    }),
  );
  const { template: _, ...rest } = worldSpec;
  const chat = await load({ ...rest, chat: "tokenizer_config.json" }, here);
  expect(chat.x.data).toEqual((await load(worldSpec)).x.data);
});

test.each([
  ["{% for i in range(9999999999) %}x{% endfor %}", /it counts to 9999999999/],
  [
    "{% for i in range(9999) %}{% for j in range(9999) %}{% for k in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
    /takes more than 5 s/,
  ],
  ["{{ messages[0]['content'] }}", /does not have \{prompt\}/],
  ["{{ nothing.at.all() }}", /gives no template: (?!it takes)/],
])("refuses the template %s in one line", async (template, message) => {
  const here = temporaryFolder();
  writeWorld(here);
  put(here, "c.json", JSON.stringify({ chat_template: template }));
  const { template: _, ...rest } = worldSpec;
  await expect(load({ ...rest, chat: "c.json" }, here)).rejects.toThrow(
    message,
  );
});

const lines = (...all: object[]) =>
  all.map((one) => JSON.stringify(one)).join("\n");

test.each([
  [
    "a prompt that is too long",
    lines({ prompt: "verb1 ".repeat(20).trim(), answer: "OK" }),
    {},
    /line 1 has 23 tokens of a prompt/,
  ],
  [
    "a forbidden answer that is too long",
    lines({
      prompt: "verb1",
      answer: "NO",
      forbidden: "OK ".repeat(12).trim(),
    }),
    {},
    /line 1 has 4 tokens of a prompt and 13 of a forbidden answer, the model takes 12/,
  ],
  ["an empty answer", lines({ prompt: "verb1", answer: "" }), {}, /no text/],
  ["an answer that is no text", lines({ prompt: "verb1" }), {}, /answer/],
  [
    "refusals without a common beginning",
    lines(
      { prompt: "verb1", answer: "NO", forbidden: "OK" },
      { prompt: "verb2", answer: "OTHER", forbidden: "OK" },
    ),
    {},
    /begin in different ways/,
  ],
  [
    "a template without a prompt",
    lines({ prompt: "verb1", answer: "OK" }),
    { template: "{answer}" },
    /does not have \{prompt\}/,
  ],
  [
    "a vocabulary that is too small",
    lines({ prompt: "verb1", answer: "OK" }),
    { vocabulary: 5 },
    /has tokens up to 246/,
  ],
])("refuses %s in one line", async (_what, content, spec, message) => {
  const here = temporaryFolder();
  writeFileSync(join(here, "world.jsonl"), content);
  put(here, "tokenizer.json", JSON.stringify(worldTokenizer()));
  const { split: _, ...rest } = worldSpec;
  await expect(load({ ...rest, ...spec }, here)).rejects.toThrow(message);
});

test("template and chat exclude each other, and one is needed", () => {
  const { template: _, ...neither } = worldSpec;
  expect(() => dataSpecSchema.parse(neither)).toThrow("template or chat");
  expect(() => dataSpecSchema.parse({ ...worldSpec, chat: "c" })).toThrow(
    "template or chat",
  );
});
