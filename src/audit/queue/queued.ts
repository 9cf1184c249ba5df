import { z } from "zod";
import {
  hashOf,
  packageVersion,
  revived,
  type SentError,
  sentError,
} from "#core";
import { HandDied, NoHands } from "../works/index.ts";

/** The name of the queue that all runs share. */
export const QUEUE = "assay";

/** The channel on which coordinators name jobs that are to stop. */
export const STOPS = "assay:stops";

/** What a job says of its run. Paths are taken from the folder that a worker is in. */
const runSchema = z.object({
  version: z.string(),
  suite: z.string(),
  /** Of all that says what it is. */
  hash: z.string(),
  /** The modules that it uses, by the hash of their files. */
  modules: z.array(z.object({ name: z.string(), hash: z.string() })),
  /** Folder of the run. */
  out: z.string(),
  only: z.array(z.string()).optional(),
  /** What is put over the suite. */
  set: z.array(z.string()).optional(),
  /** How the suite is cut down. */
  smoke: z
    .object({ samples: z.number().optional(), quick: z.boolean().optional() })
    .optional(),
  engine: z.enum(["onnxruntime", "tfjs"]).optional(),
  device: z.string().optional(),
  /** A bucket by which folders of the run are kept alike: s3://bucket/prefix. */
  bucket: z.string().optional(),
  /** Bytes that the process of a work may have. */
  memory: z.number().optional(),
});

const jobSchema = z.object({
  run: runSchema,
  /** Its id in the run, and its record in the store. */
  work: z.string(),
  record: z.string(),
});

/** A run, as a worker finds it again. */
export type QueuedRun = z.infer<typeof runSchema>;

/** One work of a run, as it waits in the queue. */
export type QueuedWork = z.infer<typeof jobSchema>;

/**
 * The id of a job. The same work of the same run has the same, so that it waits in the
 * queue once, whoever adds it how often.
 */
export const jobId = ({ run, record }: QueuedWork): string =>
  `work-${hashOf([run, record])}`;

/**
 * A job as it came from the queue.
 *
 * @throws QUEUE_VERSION for one of another version of Assay, QUEUE_JOB for what is none
 */
export function queuedWork(data: unknown): QueuedWork {
  const { data: job } = jobSchema.safeParse(data);
  if (!job)
    throw new NoHands(
      "QUEUE_JOB",
      "a job in the queue is not as this version of Assay writes it",
      "Use the same version of Assay everywhere, and a Redis database that nothing else uses.",
    );
  const version = packageVersion();
  if (job.run.version === version) return job;
  throw new NoHands(
    "QUEUE_VERSION",
    `a worker has version ${version} of Assay, and the run version ${job.run.version}`,
    "Use the same version of Assay everywhere.",
  );
}

/** What a worker threw, as the queue takes it: a text. */
export function failureText(error: unknown): string {
  const sent = sentError(error);
  if (error instanceof HandDied)
    return JSON.stringify({ ...sent, how: error.how });
  return JSON.stringify(sent);
}

/** The error that a worker threw, in its class; HandDied where the queue speaks. */
export function failureOf(text: string): Error {
  let said: SentError & { readonly how?: string };
  try {
    said = JSON.parse(text);
  } catch {
    return new HandDied(`is not heard of any more (${text})`);
  }
  if (said.how !== undefined) return new HandDied(said.how);
  if (said.name === "NoHands")
    return new NoHands(said.code, said.message.split("\n"), said.hint);
  return revived(said);
}
