// Fails when a test was skipped that should have run: in CI only tests on the
// data beside the checkout may be, and only where that data is absent.
import { existsSync, readFileSync } from "node:fs";

const { testResults, numPassedTests, numFailedTests } = JSON.parse(
  readFileSync(process.argv[2], "utf8"),
);
const skipped = testResults.flatMap((file) =>
  file.assertionResults
    .filter((t) => t.status !== "passed" && t.status !== "failed")
    .map((t) => t.fullName),
);
const withoutData = !existsSync(new URL("../../shared/data", import.meta.url));
const faults = skipped.filter(
  (name) => !(withoutData && name.includes("../shared")),
);
if (faults.length > 0) {
  console.error(`tests were skipped that should run:\n${faults.join("\n")}`);
  process.exit(1);
}
console.log(
  `${numPassedTests} passed, ${numFailedTests} failed, ${skipped.length} skipped`,
);
