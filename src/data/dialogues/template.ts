import { z } from "zod";
import { messageOf, readFile, UsageError } from "#core";
import { secondsFor, threadsOf } from "../threads.ts";
import { waitedFor } from "../waited-for.ts";

/** What stands around what a user says and what is answered. */
export interface Template {
  readonly before: string;
  readonly between: string;
  readonly after: string;
}

const PROMPT = "{prompt}";
const ANSWER = "{answer}";

/**
 * A template as a person writes it, with {prompt} and {answer} in this order.
 *
 * @throws DATA_TEMPLATE
 */
export function templateOf(text: string, named: string): Template {
  const [before = "", rest, ...more] = text.split(PROMPT);
  const [between = "", after, ...others] = (rest ?? "").split(ANSWER);
  if ((rest === undefined || after === undefined || more[0]) ?? others[0])
    throw new UsageError(
      "DATA_TEMPLATE",
      `${named} does not have ${PROMPT} and then ${ANSWER}, each once`,
      `Write what the model was trained with, such as "User: ${PROMPT}\\nAssistant: ${ANSWER}".`,
    );
  return { before, between, after };
}

const configSchema = z.looseObject({
  chat_template: z.string(),
  bos_token: z.unknown().optional(),
  eos_token: z.unknown().optional(),
});

const threads = threadsOf("src/data/dialogues/template-worker.mjs", 512);

/**
 * The template that the `chat_template` of a tokenizer_config.json comes to for one
 * prompt and its answer.
 *
 * @throws DATA_TEMPLATE where it has none, or one that fails or does not end
 */
export function chatTemplate(file: string): Template {
  const refused = (why: string, cause?: unknown) =>
    new UsageError(
      "DATA_TEMPLATE",
      `${file} gives no template: ${why}`,
      `State template: "... ${PROMPT} ... ${ANSWER} ..." as the model was trained with.`,
      { cause },
    );
  let config: z.output<typeof configSchema>;
  try {
    const text = new TextDecoder().decode(readFile(file));
    config = configSchema.parse(JSON.parse(text));
  } catch (error) {
    const isMissing = error instanceof z.ZodError;
    throw refused(
      isMissing ? "it has no chat_template" : messageOf(error),
      error,
    );
  }
  const rendered = render(config.chat_template, {
    messages: [
      { role: "user", content: PROMPT },
      { role: "assistant", content: ANSWER },
    ],
    bos_token: tokenOf(config.bos_token),
    eos_token: tokenOf(config.eos_token),
    add_generation_prompt: false,
  });
  if ("why" in rendered) throw refused(rendered.why);
  return templateOf(rendered.text, `the chat_template of ${file}`);
}

/** Tokens are texts, or objects that have one. */
const tokenOf = (token: unknown): string =>
  typeof token === "string"
    ? token
    : token !== null && typeof token === "object" && "content" in token
      ? String(token.content)
      : "";

function render(
  template: string,
  values: unknown,
): { readonly text: string } | { readonly why: string } {
  const seconds = secondsFor(template.length);
  const said = waitedFor(threads, { template, values }, seconds);
  return said
    ? (said.message as { text: string } | { why: string })
    : { why: `it takes more than ${seconds} s or 512 MB of memory` };
}
