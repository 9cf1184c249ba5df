import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import type { Results } from "#results";
import { mlflow } from "../../reports/reporters/mlflow.ts";
import { temporaryFolder } from "../folder.ts";
import { names, resultsNamed } from "./names.ts";
import { nothing, textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";
import { type Seen, withServer } from "./server.ts";

/** A key as MLflow's own validation takes it (mlflow/utils/validation.py). */
const key = z
  .string()
  .max(250)
  .regex(/^[/\w.\- :]+$/)
  .refine(
    (text) =>
      !text.startsWith("/") &&
      text
        .split("/")
        .every((part) => part !== "" && part !== "." && part !== ".."),
  );
const pairs = z
  .array(z.strictObject({ key, value: z.string().min(1).max(5000) }))
  .max(100);

/** Requests as the REST API of MLflow 2.0 documents them. */
const requests = {
  "experiments/create": z.strictObject({ name: z.string().min(1) }),
  "runs/create": z.strictObject({
    experiment_id: z.string(),
    run_name: z.string().min(1),
    start_time: z.int(),
    tags: pairs,
  }),
  "runs/log-batch": z.strictObject({
    run_id: z.string(),
    metrics: z
      .array(
        z.strictObject({
          key,
          value: z.number(),
          timestamp: z.int(),
          step: z.int(),
        }),
      )
      .max(1000)
      .optional(),
    params: pairs.optional(),
    tags: pairs.optional(),
  }),
  "runs/update": z.strictObject({
    run_id: z.string(),
    status: z.enum(["FINISHED", "FAILED"]),
    end_time: z.int(),
  }),
};

/** A server of MLflow, as far as it is asked here; it holds what was logged. */
function server({ refuses = "" } = {}) {
  const runs: {
    name: string;
    tags: Map<string, string>;
    metrics: Map<string, number>;
    params: Map<string, string>;
    status: string;
  }[] = [];
  const answer = ({ method, path, body }: Seen): readonly [number, unknown] => {
    const [name, query] = path.replace("/api/2.0/mlflow/", "").split("?");
    if (name === refuses)
      return [400, { error_code: "INVALID_PARAMETER_VALUE", message: "no" }];
    if (name === "experiments/get-by-name") {
      expect([method, query]).toEqual(["GET", "experiment_name=assay"]);
      return [404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "none" }];
    }
    expect(method).toBe("POST");
    const asked = requests[name as keyof typeof requests].parse(
      body,
    ) as never as {
      run_id: string;
      run_name: string;
      status: string;
      tags?: { key: string; value: string }[];
      params?: { key: string; value: string }[];
      metrics?: { key: string; value: number }[];
    };
    if (name === "experiments/create") return [200, { experiment_id: "7" }];
    if (name === "runs/create")
      runs.push({
        name: asked.run_name,
        tags: new Map(),
        metrics: new Map(),
        params: new Map(),
        status: "RUNNING",
      });
    const run =
      runs[name === "runs/create" ? runs.length - 1 : Number(asked.run_id)]!;
    for (const { key, value } of asked.tags ?? []) run.tags.set(key, value);
    for (const { key, value } of asked.params ?? []) {
      // A parameter that is set again to something else is refused.
      expect(run.params.has(key)).toBe(false);
      run.params.set(key, value);
    }
    for (const { key, value } of asked.metrics ?? []) {
      expect(run.metrics.has(key)).toBe(false);
      run.metrics.set(key, value);
    }
    if (asked.status) run.status = asked.status;
    return [200, { run: { info: { run_id: String(runs.length - 1) } } }];
  };
  return { runs, answer };
}

async function sent(results: Results) {
  const { runs, answer } = server();
  await withServer(answer, async (address) => {
    await mlflow.send!(results, nothing, `${address}/`);
  });
  return runs;
}

test("logs the audit and its candidates below it, with intervals and trust", async () => {
  const results = exampleResults();
  const [audit, ...candidates] = await sent(results);
  expect(audit?.tags.get("assay.verdict")).toBe("failed");
  expect(audit?.metrics.get("missing results")).toBe(2);
  expect(candidates.map(({ name }) => name)).toEqual(
    results.candidates.map(({ id }) => id),
  );
  const full = candidates[1]!;
  expect(full.tags.get("mlflow.parentRunId")).toBe("0");
  expect(full.status).toBe("FINISHED");
  const { metrics } = full;
  expect(metrics.get("robust_accuracy/none/linf-0.1 not trusted")).toBe(0.2);
  expect(metrics.get("robust_accuracy/none/linf-0.1")).toBeUndefined();
  const median = "robust_accuracy/median/linf-0.2";
  expect(metrics.get(`${median}/low`)).toBeLessThan(0.2);
  expect(metrics.get(`${median}/high`)).toBeGreaterThan(0.2);
  const bound = "robust_accuracy/none/linf-0.2 without 2 attacks";
  expect(metrics.get(bound)).toBe(0.2);
  expect(metrics.get("trial/flips/none/accuracy not trusted")).toBe(0.3);
});

test("what the server refuses is said, and the run is marked as failed", async () => {
  const { runs, answer } = server({ refuses: "runs/log-batch" });
  await withServer(answer, async (address) => {
    await expect(
      mlflow.send!(exampleResults(), nothing, address),
    ).rejects.toThrow(
      /runs\/log-batch answered 400 INVALID_PARAMETER_VALUE: no/,
    );
  });
  expect(runs.map(({ status }) => status)).toEqual(["FAILED"]);
});

test("a token goes with every request", async () => {
  vi.stubEnv("MLFLOW_TRACKING_TOKEN", "secret");
  const { answer } = server();
  const tokens = new Set<unknown>();
  await withServer(
    (request) => {
      tokens.add(request.headers.authorization);
      return answer(request);
    },
    (address) => mlflow.send!(exampleResults(), nothing, address),
  );
  vi.unstubAllEnvs();
  expect([...tokens]).toEqual(["Bearer secret"]);
});

test("any names are keys that MLflow takes, and stay to be read", async () => {
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const named = resultsNamed(name);
      const threat = named.worstCases
        .filter((w) => w.threatModel === "linf-0.1")
        .map((w) => ({ ...w, threatModel: name }));
      const runs = await sent({ ...named, worstCases: threat });
      const sound = name.replace(/\p{Cs}/gu, "\ufffd");
      expect(runs.map((run) => run.name)).toContain(sound);
      expect(
        runs
          .flatMap(({ tags, metrics }) => [...tags.values(), ...metrics.keys()])
          .join("\n"),
      ).toContain(sound);
    }),
    { numRuns: 20 },
  );
});

test("without an address it is what would be logged", () => {
  const { audit, candidates } = JSON.parse(textOf(mlflow, exampleResults()));
  expect(audit.tags).toContainEqual(["assay.verdict", "failed"]);
  expect(candidates).toHaveLength(3);
});

/** The command mlflow of PyPI's package, where a person has one: MLFLOW=path of it. */
const { MLFLOW: command, ASSAY_LONG } = process.env;
if (ASSAY_LONG && !command)
  console.warn(
    "no MLFLOW, the path of the command mlflow: its server is not tried",
  );

const home = temporaryFolder();

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A server of MLflow, started as its users do, while something is done. */
async function withMlflow(work: (address: string) => Promise<void>) {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const child = spawn(
    command!,
    [
      "server",
      ...["--host", "127.0.0.1", "--port", String(port), "--workers", "1"],
      ...["--backend-store-uri", "sqlite:///runs.db"],
      ...["--default-artifact-root", "artifacts"],
    ],
    { cwd: home, stdio: "ignore", detached: true },
  );
  const isUp = () =>
    fetch(`${address}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  try {
    while (child.exitCode === null && !(await isUp())) await wait(200);
    await work(address);
  } finally {
    process.kill(-child.pid!, "SIGKILL");
  }
}

if (ASSAY_LONG && command)
  test("a server of MLflow from PyPI has every run, metric and tag that was sent", async () => {
    const results = exampleResults();
    const expected = await sent(results);
    await withMlflow(async (address) => {
      await mlflow.send!(results, nothing, address);
      const ask = async (path: string, body?: object) => {
        const url = `${address}/api/2.0/mlflow/${path}`;
        const answer = await fetch(url, {
          method: body ? "POST" : "GET",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        expect(answer.status).toBe(200);
        return JSON.parse(await answer.text());
      };
      const { experiment } = await ask(
        "experiments/get-by-name?experiment_name=assay",
      );
      const { runs } = await ask("runs/search", {
        experiment_ids: [experiment.experiment_id],
      });
      expect(runs).toHaveLength(expected.length);
      for (const run of expected) {
        const { info, data } = runs.find(
          (one: { info: { run_name: string } }) =>
            one.info.run_name === run.name,
        );
        expect(info.status).toBe(run.status);
        const pairsOf = (all: { key: string; value: unknown }[] = []) =>
          new Map(all.map(({ key, value }) => [key, value]));
        expect(pairsOf(data.metrics)).toEqual(run.metrics);
        expect(pairsOf(data.params)).toEqual(run.params);
        const tags = pairsOf(data.tags);
        // The server gives the parent another id than the one of this test does.
        for (const [key, value] of run.tags)
          if (key !== "mlflow.parentRunId") expect(tags.get(key)).toBe(value);
      }
    });
  });
