// Renders a chat template in a thread of its own, since a template can loop for ever;
// plain JavaScript, so that it runs from source and from the package alike. See
// template.ts.
import { parentPort } from "node:worker_threads";
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";

parentPort.on("message", ({ template, values, state, port }) => {
  tell(state, 1);
  try {
    port.postMessage({ text: render(template, values) });
  } catch (error) {
    port.postMessage({
      why: error instanceof Error ? error.message : String(error),
    });
  }
  tell(state, 2);
});

/** That it has begun, or ended. */
function tell(state, what) {
  Atomics.store(state, 0, what);
  Atomics.notify(state, 0);
}

/**
 * What Template of the package does, but with our own globals, and none of the clock.
 */
function render(template, values) {
  const options = { lstrip_blocks: true, trim_blocks: true };
  const program = parse(tokenize(template, options));
  const environment = new Environment();
  const globals = { ...constants, range, raise_exception };
  for (const [name, value] of Object.entries({ ...globals, ...values }))
    environment.set(name, value);
  return new Interpreter(environment).run(program).value;
}

const constants = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

function raise_exception(message) {
  throw new Error(message);
}

/**
 * The numbers of a loop. One huge array would end the whole process, not this thread.
 */
function range(start, end, step = 1) {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= 10_000)) throw new Error(`it counts to ${count}`);
  return Array.from({ length: count }, (_, i) => from + i * step);
}
