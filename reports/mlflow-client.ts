import type { Run } from "./tracked.ts";

/** Most of a kind that one request may have. */
const MOST = { metrics: 1000, params: 100, tags: 100 } as const;

/** Milliseconds that a server may take for one answer. */
const PATIENCE = 30_000;

const EXPERIMENT = "assay";

/**
 * Logs a run and runs below it, by the REST API of MLflow. Who asks is known by
 * MLFLOW_TRACKING_TOKEN, or by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD,
 * as to MLflow's own client.
 *
 * @throws where the server refuses, with what it says
 */
export async function logRuns(
  { audit, candidates }: { audit: Run; candidates: readonly Run[] },
  address: string,
): Promise<void> {
  const call = caller(address);
  const experiment = await experimentOf(call);
  const parent = await log(call, experiment, audit, []);
  for (const one of candidates)
    await log(call, experiment, one, [["mlflow.parentRunId", parent]]);
}

type Call = <T>(path: string, body?: unknown) => Promise<T>;

class Refused extends Error {
  readonly code: string;

  constructor(path: string, status: number, code: string, message: string) {
    super(`${path} answered ${status} ${code}: ${message}`);
    this.code = code;
  }
}

function caller(address: string): Call {
  const root = address.replace(/\/+$/, "");
  return async <T>(path: string, body?: unknown) => {
    const response = await fetch(`${root}/api/2.0/mlflow/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", ...authorization() },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as T;
    const { error_code = "", message = text } = errorIn(text);
    throw new Refused(path, response.status, error_code, message);
  };
}

function errorIn(text: string): { error_code?: string; message?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function authorization(): Record<string, string> {
  const { MLFLOW_TRACKING_TOKEN: token } = process.env;
  const { MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password } =
    process.env;
  if (token) return { authorization: `Bearer ${token}` };
  if (!user || !password) return {};
  const both = Buffer.from(`${user}:${password}`).toString("base64");
  return { authorization: `Basic ${both}` };
}

/** The id of the experiment, which is made where it is not there. */
async function experimentOf(call: Call): Promise<string> {
  try {
    const { experiment } = await call<{
      experiment: { experiment_id: string };
    }>(`experiments/get-by-name?experiment_name=${EXPERIMENT}`);
    return experiment.experiment_id;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "RESOURCE_DOES_NOT_EXIST")
      throw error;
  }
  const made = await call<{ experiment_id: string }>("experiments/create", {
    name: EXPERIMENT,
  });
  return made.experiment_id;
}

/** Logs one run, and gives its id. */
async function log(
  call: Call,
  experiment: string,
  { name, start, end, metrics, params, tags }: Run,
  ownTags: Run["tags"],
): Promise<string> {
  const { run } = await call<{ run: { info: { run_id: string } } }>(
    "runs/create",
    {
      experiment_id: experiment,
      run_name: name,
      start_time: start,
      tags: ownTags.map(([key, value]) => ({ key, value })),
    },
  );
  const { run_id } = run.info;
  const parts: [keyof typeof MOST, object[]][] = [
    [
      "metrics",
      metrics.map(([key, value]) => ({ key, value, timestamp: end, step: 0 })),
    ],
    ["params", params.map(([key, value]) => ({ key, value }))],
    ["tags", tags.map(([key, value]) => ({ key, value }))],
  ];
  try {
    for (const [kind, all] of parts)
      for (let at = 0; at < all.length; at += MOST[kind])
        await call("runs/log-batch", {
          run_id,
          [kind]: all.slice(at, at + MOST[kind]),
        });
  } catch (error) {
    await call("runs/update", { run_id, status: "FAILED", end_time: end });
    throw error;
  }
  await call("runs/update", { run_id, status: "FINISHED", end_time: end });
  return run_id;
}
