import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files of ten seconds and more, the longest first, below this folder. */
const long = [
  "cli/cli.test.ts",
  "bench/fuzz.test.ts",
  "audit/same-bytes.test.ts",
  "cli/queue.test.ts",
  "engine/tfjs-audit.test.ts",
  "node-tests/node-tests.test.ts",
  "audit/works/claims.test.ts",
  "cli/init-kinds.test.ts",
  "cli/first-run.test.ts",
  "cli/units.test.ts",
  "library/docstrings.test.ts",
  "audit/run.test.ts",
  "audit/trust/planted.test.ts",
  "ci/from-the-tarball.test.ts",
  "cli/inspect.test.ts",
  "data/tokenizer.test.ts",
  "autodiff/parity.test.ts",
  "conformance/attacks.test.ts",
  "audit/works/pool.test.ts",
  "conformance/detectors.test.ts",
  "autodiff/rules.test.ts",
  "bench/truths.test.ts",
  "attacks/minimum-norm.test.ts",
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
