import type { Reporter } from "#results";
import { coverage } from "./coverage.ts";
import { csv } from "./csv.ts";
import { cyclonedx } from "./cyclonedx.ts";
import { examples } from "./examples.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import { metrics } from "./metrics.ts";
import { mlflow } from "./mlflow.ts";
import { modelCard } from "./model-card.ts";
import { otlp } from "./otlp.ts";
import { parquet } from "./parquet.ts";
import { pullRequest } from "./pull-request.ts";
import { sarif } from "./sarif.ts";
import { wandb } from "./wandb.ts";

/** What every run writes. */
export const usualReporters: readonly Reporter[] = [json, markdown, html];

/** Every form of the results. A new one is a file and a line here. */
export const reporters: readonly Reporter[] = [
  ...usualReporters,
  pullRequest,
  junit,
  github,
  gitlab,
  metrics,
  sarif,
  coverage,
  csv,
  parquet,
  cyclonedx,
  modelCard,
  examples,
  mlflow,
  wandb,
  otlp,
];
