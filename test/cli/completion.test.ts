import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { put, temporaryFolder } from "../folder.ts";
import { assay, main } from "./assay.ts";

const folder = temporaryFolder();

const suite = `
version: 1
title: Completed
data: { source: digits }
base: { pretrain: { architecture: small-cnn, epochs: 1 } }
candidates:
  full: { strategy: full, epochs: 2 }
  head-only: { strategy: head-only, epochs: 2 }
threatModels:
  linf-0.1: { norm: linf, eps: 0.1 }
attacks:
  pgd: pgd
`;

/** Where shells find the command, as it was built. */
const path = () => `${join(folder, "bin")}:${process.env.PATH}`;

beforeAll(() => {
  put(folder, "audit.yaml", suite);
  put(folder, "notes.txt", "");
  const command = put(
    folder,
    "bin/assay",
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`,
  );
  chmodSync(command, 0o755);
});

test("bash completes commands, options, values, suites and names", async () => {
  const { code, out } = await assay(folder, "completion", "bash");
  expect(code).toBe(0);
  const script = put(folder, "assay.bash", out);
  const completions = (...words: string[]): string[] =>
    execFileSync(
      "bash",
      [
        "-c",
        `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; printf "%s\\n" "\${COMPREPLY[@]}"`,
        ...[script, "assay", ...words],
      ],
      { encoding: "utf8", cwd: folder, env: { ...process.env, PATH: path() } },
    )
      .split("\n")
      .filter((word) => word !== "");
  expect(completions("va")).toEqual(["validate"]);
  expect(completions("run", "--time")).toEqual(["--time-limit"]);
  expect(completions("run", "--engine", "")).toEqual(["onnxruntime", "tfjs"]);
  expect(completions("explain", "hopskip")).toEqual(["hopskipjump"]);
  expect(completions("explain", "gradient-ag")).toEqual(["gradient-agrees"]);
  expect(completions("explain", "SUITE_INV")).toEqual(["SUITE_INVALID"]);
  expect(completions("list", "atta")).toEqual(["attacks"]);
  expect(completions("init", "--units", "")).toEqual(["raw", "unit"]);
  expect(completions("merge", "assay.b")).toEqual(["assay.bash"]);
  expect(completions("validate", "--print", "--no")).toEqual(["--no-use"]);
  // Suites and folders, of all that is there.
  expect(completions("run", "")).toEqual(["audit.yaml", "bin"]);
  // A number is nothing that a shell could know.
  expect(completions("run", "--samples", "")).toEqual([]);
  expect(completions("run", "audit.yaml", "--set", "candidates.f")).toEqual([
    "candidates.full.strategy=",
    "candidates.full.epochs=",
  ]);
  expect(completions("run", "audit.yaml", "--only", "head")).toEqual([
    "head-only/*",
    "head-only/none/pgd@linf-0.1",
  ]);
  expect(completions("run", "gone.yaml", "--set", "c")).toEqual([]);
});

test("what completion asks of a suite runs no code of it", async () => {
  put(
    folder,
    "bin/ran.mjs",
    "import { writeFileSync } from 'node:fs'; writeFileSync('ran', '');",
  );
  put(folder, "using.yaml", `use: [./bin/ran.mjs]\n${suite}`);
  const asked = ["completion", "bash", "--for=--set", "--", "using.yaml"];
  expect(await assay(folder, ...asked)).toEqual({ code: 0, out: "", err: "" });
});

/** Whether there is no such shell; in CI there has to be one. */
const isWithout = (shell: string): boolean => {
  if (process.env.CI) return false;
  try {
    execFileSync(shell, ["-c", "true"]);
    return false;
  } catch {
    console.warn(`no ${shell}: its completion is not tested (install it)`);
    return true;
  }
};

test.skipIf(isWithout("zsh"))(
  "zsh completes the same on a terminal, as somebody types",
  async () => {
    const { out } = await assay(folder, "completion", "zsh");
    put(folder, "functions/_assay", out);
    /** The line after a tab behind what was typed. */
    const lines = (...typed: string[]): string[] =>
      execFileSync("zsh", ["-f", "-c", terminal, "zsh", ...typed], {
        encoding: "utf8",
        cwd: folder,
        env: { ...process.env, PATH: path(), TERM: "dumb", FOLDER: folder },
      })
        .split("\n")
        .filter((line) => line !== "");
    const typed = [
      ["assay va", "assay validate "],
      ["assay run --time", "assay run --time-limit "],
      ["assay run --engine tf", "assay run --engine tfjs "],
      ["assay explain hopskip", "assay explain hopskipjump "],
      ["assay explain SUITE_INV", "assay explain SUITE_INVALID "],
      ["assay run au", "assay run audit.yaml "],
      [
        "assay run audit.yaml --set candidates.f",
        "assay run audit.yaml --set candidates.full.",
      ],
    ] as const;
    expect(lines(...typed.map(([before]) => before))).toEqual(
      typed.map(([, after]) => after),
    );
  },
);

test.skipIf(isWithout("fish"))(
  "fish completes the same, with what each word is for",
  async () => {
    const { code, out } = await assay(folder, "completion", "fish");
    expect(code).toBe(0);
    const script = put(folder, "assay.fish", out);
    /** What a tab offers behind what was typed, without what it is for. */
    const words = (typed: string): string[] =>
      execFileSync(
        "fish",
        ["-N", "-c", "source $argv[1]; complete -C $argv[2]", script, typed],
        {
          encoding: "utf8",
          cwd: folder,
          env: { ...process.env, PATH: path(), HOME: folder },
        },
      )
        .split("\n")
        .flatMap((line) => line.split("\t")[0] || []);
    for (const [typed, ...offered] of [
      ["assay va", "validate"],
      ["assay run --time", "--time-limit"],
      ["assay run --engine ", "onnxruntime", "tfjs"],
      ["assay explain hopskip", "hopskipjump"],
      ["assay explain SUITE_INV", "SUITE_INVALID"],
      ["assay list atta", "attacks"],
      ["assay init --units ", "raw", "unit"],
      ["assay run au", "audit.yaml"],
      ["assay run --samples "],
      [
        "assay run audit.yaml --set candidates.f",
        ...["candidates.full.epochs=", "candidates.full.strategy="],
      ],
      ["assay run gone.yaml --set c"],
    ] as const)
      expect([typed, ...words(typed).sort()]).toEqual([typed, ...offered]);
  },
);

/**
 * A zsh with completion on a terminal of its own, to which lines are typed one by one;
 * a key behind the tab has it write the line as it stands to a file.
 */
const terminal = `
zmodload zsh/zpty
zpty shell "PATH='$PATH' FOLDER='$FOLDER' zsh -f -i"
zpty -w shell 'PS1=; cd $FOLDER; fpath=($FOLDER/functions $fpath); autoload -Uz compinit; compinit -D -u'
zpty -w shell 'show() { print -r -- "$BUFFER" >> lines; BUFFER= }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word'
zpty -w shell ': > lines; unsetopt list_ambiguous auto_list; print ready > begun'
for i in {1..200}; do [[ -e begun ]] && break; sleep 0.1; done
n=0
for typed in "$@"; do
  zpty -w -n shell "$typed"$'\t'$'\x18'
  (( n++ ))
  for i in {1..300}; do [[ $(wc -l < lines) -ge $n ]] && break; sleep 0.1; done
done
zpty -d shell
cat lines
`;
