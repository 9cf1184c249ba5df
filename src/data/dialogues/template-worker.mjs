// Renders a chat template in a thread of its own, since a template can loop for ever;
// plain JavaScript, so that it runs from source and from the package alike. See
// template.ts.
import { parentPort } from "node:worker_threads";
import { Template } from "@huggingface/jinja";

parentPort.on("message", ({ template, values, state, port }) => {
  try {
    port.postMessage({ text: new Template(template).render(values) });
  } catch (error) {
    port.postMessage({
      why: error instanceof Error ? error.message : String(error),
    });
  }
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});
