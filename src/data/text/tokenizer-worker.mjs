// Opens tokenizers and uses each once, in a thread of its own; plain JavaScript, so
// that it runs from source and from the package alike. See tried.ts.
import { parentPort } from "node:worker_threads";
import { Tokenizer } from "@huggingface/tokenizers";

// What it does not know it would leave out, with no more than a warning.
console.warn = (...said) => {
  throw new Error(said.map((s) => JSON.stringify(s) ?? "nothing").join(" "));
};

parentPort.on("message", ({ parsed, texts, state, port }) => {
  tell(state, 1);
  try {
    // Models of whole words take their unknown token from the settings alone.
    const unknown = { unk_token: parsed.model.unk_token };
    const tokenizer = new Tokenizer(parsed, unknown);
    for (const text of texts)
      for (const id of tokenizer.encode(text).ids)
        if (!Number.isInteger(id)) throw new Error(`a token has the id ${id}`);
    port.postMessage(undefined);
  } catch (error) {
    port.postMessage(error instanceof Error ? error.message : String(error));
  }
  tell(state, 2);
});

/** That it has begun, or ended. */
function tell(state, what) {
  Atomics.store(state, 0, what);
  Atomics.notify(state, 0);
}
