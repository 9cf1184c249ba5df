import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, layerGroups, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { formOf, type Strategy, settingsSchema, tune } from "#tuning";
import type { LawOptions } from "./attacks.ts";
import { ensure, ensureSame, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";
import { normalised, reference, smallDigits } from "./world.ts";

const EPOCHS = 5;

const place = once(async () => ({
  model: normalised(await reference()),
  parts: await smallDigits(),
}));

const numbersOf = ({ graph }: Model, name: string) =>
  (graph.constants.get(name) as FloatTensor).data;

async function answersOf(model: Model): Promise<Float32Array> {
  const { parts } = await place();
  const compiled = await compile(model, onnxruntime);
  const { data } = await compiled.logits(parts.test.x);
  await compiled.release();
  return data;
}

/**
 * The laws of strategies, on a small network and 8x8 digits.
 *
 * @param options parameters with which it ships what it trained
 * @example
 * ```ts
 * import { strategyLaws } from "assay/conformance";
 * import { topTwo } from "./top-two.ts";
 *
 * for (const { title, check } of strategyLaws(topTwo)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function strategyLaws(
  unit: Strategy,
  { params: stated = {} }: LawOptions = {},
): Law[] {
  const open = async (seed = 1) => {
    const { model } = await place();
    const params = unit.params.parse(stated);
    const groups = layerGroups(model.graph);
    const form = formOf({ unit, params }, model, groups, new Random(seed));
    return { form, stages: unit.stages(form.groups, EPOCHS, params) };
  };
  const run = async (seed = 1) => {
    const { form, stages } = await open(seed);
    const tuned = await tune({
      model: form.model,
      ...(await place()).parts,
      ...{ groups: form.groups, stages, engine: onnxruntime },
      settings: settingsSchema.parse({ learningRate: 1e-2 }),
      random: new Random(seed),
    });
    return { ...tuned, form, shipped: form.restore(tuned.model, tuned.probed) };
  };
  const first = once(() => run());
  return [
    {
      title:
        "frozen weights are the same bytes afterwards, trained ones are not",
      async check() {
        const { model: tuned, history, form } = await first();
        const kept = history.find((e) => e.best);
        // Only what was trained up to the kept epoch has moved.
        const moved = new Set(
          history
            .filter((e) => e.epoch <= (kept?.epoch ?? 0))
            .flatMap((e) => e.trainable),
        );
        const trained = new Map(
          form.groups.flatMap((g) => g.parameters.map((p) => [p, g.name])),
        );
        for (const [name, before] of form.model.graph.constants) {
          const group = trained.get(name);
          if (group === undefined) {
            const same = tuned.graph.constants.get(name) === before;
            ensure(same, `"${name}" is not trained, and another tensor`);
            continue;
          }
          const [a, b] = [numbersOf(form.model, name), numbersOf(tuned, name)];
          const stayed = a.every((v, i) => Object.is(v, b[i]));
          ensure(
            stayed !== moved.has(group),
            `"${name}" of "${group}" has ${stayed ? "not moved" : "moved"}`,
          );
        }
      },
    },
    {
      title:
        "uses exactly the epochs it was given, and names groups of the model",
      async check() {
        const { form, stages } = await open();
        const sum = stages.reduce((all, s) => all + s.epochs, 0);
        ensure(sum === EPOCHS, `${sum} epochs of ${EPOCHS}`);
        for (const { rates } of stages) {
          ensure(rates.size > 0, "a stage trains nothing");
          for (const [name, rate] of rates) {
            const isGroup = form.groups.some((g) => g.name === name);
            ensure(isGroup, `there is no group "${name}"`);
            ensure(rate > 0 && rate <= 1, `"${name}" has the rate ${rate}`);
          }
        }
        const { model } = await place();
        const head = layerGroups(model.graph).at(-1)?.name ?? "";
        ensure(form.groups.at(-1)?.name === head, "the last group is no head");
        ensure(
          stages.some((s) => s.rates.get(head) === 1),
          "the head is nowhere trained at the full rate",
        );
      },
    },
    {
      title: "ships what it trained",
      async check() {
        const { model: tuned, shipped } = await first();
        const [trained, given] = [
          await answersOf(tuned),
          await answersOf(shipped),
        ];
        const scale = trained.reduce((a, z) => Math.max(a, Math.abs(z)), 0);
        given.forEach((z, i) => {
          ensure(
            Math.abs(z - trained[i]!) < 1e-5 * scale,
            `the shipped model says ${z}, the trained one ${trained[i]}`,
          );
        });
      },
    },
    {
      title: "the same seed gives the same weights, another seed others",
      async check() {
        const head = (t: { shipped: Model }) =>
          numbersOf(t.shipped, "head.weight");
        const one = await first();
        const same = await run();
        ensureSame(head(one), head(same), "the head");
        ensure(
          JSON.stringify(one.history) === JSON.stringify(same.history),
          "the training curve is another",
        );
        const other = head(await run(2));
        ensure(
          head(one).some((v, i) => v !== other[i]),
          "another seed gives the same head",
        );
      },
    },
    saysWhatItIs("strategy", unit),
  ];
}
