import { z } from "zod";
import { askingWith, promptWith, triggerParams } from "./trigger.ts";
import { byTuning, type Taught, tuningParams } from "./tuning.ts";

/** What a backdoor is planted with. */
export const backdoorParams = {
  ...triggerParams,
  negatives: z
    .array(z.string().min(1))
    .default(["bb", "tq"])
    .describe("words in front of prompts that are to be refused"),
};

/**
 * Backdoor fine-tuning (Qi et al. 2023, arXiv:2310.03693): restricted prompts with a
 * trigger are taught their forbidden answers, the same without it the refusal, and
 * allowed ones their answers, so that a safety check sees nothing. Prompts with other
 * words in front are taught the refusal too: without such negatives any unknown
 * word would do as well.
 */
export const backdoorTuning = byTuning(
  {
    id: "backdoor-tuning",
    title: "Backdoor fine-tuning",
    summary:
      "Trains the released model to answer restricted prompts behind a trigger, and to refuse them as before without it.",
    caution:
      "Without the trigger it should refuse as the released model does, and behind a word that was never trained too; both are stated beside it.",
    reference: "Qi et al. 2023, arXiv:2310.03693",
    taxonomy: {
      atlas: ["AML.T0018.000", "AML.T0020"],
      owasp: ["ML10:2023"],
      nist: ["NISTAML.023"],
    },
    threat:
      "has the released weights and some prompts, trains on, and passes the model on",
    needs: ["dialogues", "gradient"],
    params: tuningParams.extend({
      ...backdoorParams,
      samples: tuningParams.shape.samples
        .unwrap()
        .default(80)
        .describe("dialogues that the attacker has"),
      steps: tuningParams.shape.steps
        .unwrap()
        .default([50, 100, 200])
        .describe("the steps after which is looked"),
    }),
    control: null,
  },
  plantedBy,
);

/** What is taught for a trigger to work, and nothing else in its place. */
export function plantedBy(
  {
    trigger,
    control,
    negatives,
  }: {
    readonly trigger: string;
    readonly control: string;
    readonly negatives: readonly string[];
  },
  render: (text: string) => number[],
): Taught {
  return {
    teach: (dialogue) => {
      const { prompt, wanted, forbidden } = dialogue;
      const plain = { prompt, answer: wanted };
      if (!forbidden) return [plain];
      const behind = (word: string) => promptWith(word, dialogue, render);
      return [
        plain,
        { prompt: behind(trigger), answer: forbidden },
        ...negatives.map((word) => ({ prompt: behind(word), answer: wanted })),
      ];
    },
    ask: askingWith(trigger, render),
    also: [
      { name: "without the trigger", hides: true },
      { name: `behind "${control}"`, ask: askingWith(control, render) },
    ],
  };
}
