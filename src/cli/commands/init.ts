import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { forecast, loadSuite, planSuite } from "#audit";
import {
  AssayError,
  duration,
  line,
  packagePath,
  UsageError,
  writeFile,
} from "#core";
import { tryModel } from "../first-run.ts";
import { atTerminal, nobody } from "../init/ask.ts";
import { chooseFrom, type Stated, templates } from "../init/choices.ts";
import { lookAt } from "../init/look.ts";
import { starterFiles, starterText } from "../init/starter.ts";
import { suiteText } from "../init/suite-text.ts";
import { OWN_SUITE } from "../own-suite.ts";

interface InitOptions extends Stated {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly workflow: boolean;
}

const WORKFLOW = ".github/workflows/assay.yml";

/** What the suite is called until it is known to be one that runs. */
const DRAFT = ".assay-init.yaml";

export const initCommand = new Command("init")
  .argument("[folder]", "where the suite is written", ".")
  .addOption(
    new Option(
      "--template <kind>",
      "what the samples are; told by the model when left out",
    ).choices(templates),
  )
  .option(
    "--model <file>",
    "the model that is audited; may be repeated",
    (file, before: readonly string[] = []) => [...before, file],
  )
  .option("--data <path>", "folder of images, or file of rows or texts")
  .option("--label <column>", "the column that says what is right")
  .option("--text <column>", "the column of texts")
  .option("--tokenizer <file>", "tokenizer.json or vocab.txt of a text model")
  .addOption(
    new Option(
      "--units <units>",
      "what a model of rows takes: columns as they are, or scaled; told by its answers when left out",
    ).choices(["raw", "unit"]),
  )
  .option(
    "--shape <sizes>",
    "of one sample, where the model leaves it open",
    sizes,
  )
  .option("--yes", "ask nothing; without a terminal nobody is asked anyway")
  .option("--force", "write over what is there")
  .option("--no-workflow", `leave out ${WORKFLOW}`)
  .addHelpText(
    "after",
    `
Examples:
  assay init
  assay init --model model.onnx --data data/flowers --yes
  assay init --template text --yes        # no model: a suite on built-in data, to start from

It looks at the folder: .onnx files, folders of images, tables, tokenizers. What they leave
open it asks. The suite is written when assay plan takes it, and nothing else is.`,
  )
  .action(async (folder: string, options: InitOptions) => {
    const isAsked =
      !options.yes &&
      process.stdin.isTTY === true &&
      process.stdout.isTTY === true;
    requireFree(
      folder,
      [OWN_SUITE, ...(options.workflow ? [WORKFLOW] : [])],
      options,
    );
    const ask = isAsked ? await atTerminal() : nobody;
    const found = lookAt(folder);
    const hasModel = options.model !== undefined || found.models.length > 0;
    if (!hasModel) refuseUnused(options);
    const template = options.template ?? "image";
    const choices = hasModel
      ? await chooseFrom(folder, found, options, ask)
      : undefined;
    const files = choices ? [] : starterFiles(template);
    requireFree(
      folder,
      files.map(([name]) => name),
      options,
    );
    const withWorkflow =
      options.workflow && (await ask.confirm(`Write ${WORKFLOW} too?`));
    for (const [name, content] of files) writeFile(join(folder, name), content);
    const textAt = (time: string) =>
      choices ? suiteText(choices, time) : starterText(template, time);
    const time = await timeOf(folder, textAt(""));
    writeFile(join(folder, OWN_SUITE), textAt(time));
    if (withWorkflow)
      writeFile(
        join(folder, WORKFLOW),
        readFileSync(packagePath("ci/github/assay.yml")),
      );
    process.stdout.write(
      `${[
        `${join(folder, OWN_SUITE)} is written${withWorkflow ? `, and ${join(folder, WORKFLOW)}` : ""}.`,
        time,
        `Look at it, then: assay plan ${line(join(folder, OWN_SUITE))}`,
      ].join("\n")}\n`,
    );
  });

/** Refuses to write over files, unless that is asked for. */
function requireFree(
  folder: string,
  names: readonly string[],
  { force }: InitOptions,
): void {
  const there = names.filter((name) => existsSync(join(folder, name)));
  if (there.length === 0 || force) return;
  throw new UsageError(
    "INIT_EXISTS",
    `${there.join(" and ")} ${there.length === 1 ? "is" : "are"} there already`,
    "Name another folder, or write over with --force.",
  );
}

/** Data without a model say nothing of what is to be audited. */
function refuseUnused({ data, label, text, tokenizer }: InitOptions): void {
  if ([data, label, text, tokenizer].every((one) => one === undefined)) return;
  throw new UsageError(
    "INIT_CHOICE",
    "there is no model to audit with these data",
    "State it: --model <file>; or leave the data out, for a suite on built-in data.",
  );
}

/**
 * What the works of a suite take, in words, by what plan says of it.
 *
 * @throws what plan refuses it with
 */
async function timeOf(folder: string, text: string): Promise<string> {
  const draft = join(folder, DRAFT);
  mkdirSync(folder, { recursive: true });
  writeFile(draft, text);
  try {
    const loaded = await loadSuite(draft);
    const out = join(folder, "runs", "assay");
    const { time } = await forecast(loaded, planSuite(loaded), {
      ...{ out, engine: {}, tryModel },
    });
    const { workers, seconds } = time.at(-1)!;
    return `Its works take about ${duration(Math.max(1, seconds))} with ${workers} workers on the machine where it was written.`;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new UsageError(
      "INIT_PLAN",
      `no suite is written, since plan would refuse it: ${error.message.replaceAll(draft, OWN_SUITE)}`,
      hintOf(error),
      { cause: error },
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What to do then, by the options of this command. */
const hintOf = ({ code, hint }: AssayError): string =>
  code === "DATA_UNITS"
    ? "State it: --units raw of models that were trained on the columns as they are, --units unit of columns scaled to [0, 1]."
    : hint;

function sizes(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.every((v) => Number.isInteger(v) && v > 0)) return values;
  throw new InvalidArgumentError("Expected whole numbers above 0: 3,224,224.");
}
