// Opens a tokenizer and uses it once, in a thread of its own; plain JavaScript, so
// that it runs from source and from the package alike. See tried.ts.
import { workerData } from "node:worker_threads";
import { Tokenizer } from "@huggingface/tokenizers";

const { parsed, texts, state, port } = workerData;
try {
  const tokenizer = new Tokenizer(parsed, {});
  for (const text of texts)
    for (const id of tokenizer.encode(text).ids)
      if (!Number.isInteger(id)) throw new Error(`a token has the id ${id}`);
  port.postMessage(undefined);
} catch (error) {
  port.postMessage(error instanceof Error ? error.message : String(error));
}
Atomics.store(state, 0, 1);
Atomics.notify(state, 0);
