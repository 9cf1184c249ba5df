import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files of eight seconds and more, the longest first, below this folder. */
const long = [
  "cli/init-kinds.test.ts",
  "cli/cli.test.ts",
  "bench/fuzz.test.ts",
  "cli/queue.test.ts",
  "node-tests/node-tests.test.ts",
  "audit/same-bytes.test.ts",
  "cli/first-run.test.ts",
  "cli/units.test.ts",
  "autodiff/parity.test.ts",
  "view/scrolling.test.ts",
  "audit/trust/planted.test.ts",
  "reports/html.test.ts",
  "ci/from-the-tarball.test.ts",
  "reports/evidence.test.ts",
  "attacks/minimum-norm.test.ts",
  "conformance/attacks.test.ts",
  "audit/works/pool.test.ts",
  "audit/comparing/apart.test.ts",
  "audit/gate/missing.test.ts",
  "bench/gpu.test.ts",
  "cli/compare.test.ts",
  "examples/examples.test.ts",
  "autodiff/exported.test.ts",
  "audit/rotten.test.ts",
  "engine/tfjs-audit.test.ts",
  "library/docstrings.test.ts",
  "cli/inspect.test.ts",
  "engine/tfjs.test.ts",
  "audit/tasks/positions.test.ts",
  "autodiff/rules.test.ts",
  "audit/run.test.ts",
  "cli/completion.test.ts",
  "cli/validate.test.ts",
  "conformance/defenses.test.ts",
  "library/attack.test.ts",
  "engine/tfjs-exported.test.ts",
  "audit/trials/tampering/any-task.test.ts",
  "bench/truths.test.ts",
];

/**
 * What takes long begins first, so that no core waits for it at the end. Vitest knows
 * by itself how long a file took where it ran before; a fresh checkout, as of CI, is
 * told here.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const place = ({ moduleId }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return at < 0 ? long.length : at;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
