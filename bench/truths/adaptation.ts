import { shifted } from "#audit";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import type { Model } from "#model";
import { adaptations, type OpenPart } from "#tuning";
import { accuracy, blank, digits, trained } from "./digits.ts";
import type { Truth } from "./truth.ts";

const [coral, adabn] = ["coral", "adabn"].map((id) =>
  adaptations.find((a) => a.id === id),
);
if (coral?.kind !== "joint" || adabn?.kind !== "source-free")
  throw new Error("CORAL has a source and AdaBN has none");

/**
 * Digits out of focus, whose labels nobody sees: CORAL (Sun and Saenko 2016,
 * arXiv:1607.01719) and AdaBN (Li et al. 2016, arXiv:1603.04779) are above no
 * adaptation.
 */
export const adaptation = (epochs: number): Truth => ({
  id: "adaptation",
  async measure(seed) {
    const source = await digits(seed);
    const blurred = (data: Dataset) =>
      shifted(
        data,
        [{ corruption: "gaussian-blur", severity: 4 }],
        new Random(seed),
      );
    const target = blurred(source.train);
    const settings = { epochs, batchNorm: "batch", learningRate: 3e-3 };
    const start = blank("small-cnn-bn", source.train, seed);
    const { model: plain } = await trained(start, source, seed, { settings });
    const part: OpenPart = (context) =>
      coral.open(coral.params.parse({ lambda: 10 }), context, target);
    const { model: aligned } = await trained(start, source, seed, {
      settings,
      parts: [part],
    });
    const { model: counted } = await adabn.adapt(
      { model: plain, target, engine: onnxruntime, random: new Random(seed) },
      adabn.params.parse({}),
    );
    const seen = blurred(source.test);
    const on = (model: Model) => accuracy(model, seen);
    const second = await on(plain);
    const what = (title: string) =>
      `accuracy out of focus: ${title}, against no adaptation`;
    return [
      { what: what("CORAL"), first: await on(aligned), second, least: 0 },
      { what: what("AdaBN"), first: await on(counted), second, least: 0 },
    ];
  },
});
