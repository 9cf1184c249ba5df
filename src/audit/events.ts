import type { Finding, Rate } from "./results/index.ts";

/** What a work found, in short. */
export type Headline =
  | { readonly what: "clean" | "robust"; readonly rate: Rate }
  | { readonly what: "finding"; readonly finding: Finding | undefined };

/** What a run tells while it goes on. */
export type AuditEvent =
  /** A new part of the work begins. */
  | { readonly kind: "phase"; readonly title: string }
  /** Epochs of a training. */
  | {
      readonly kind: "epoch";
      readonly model: string;
      readonly epoch: number;
      readonly epochs: number;
      readonly validationAccuracy: number;
      /** The work that it is part of, where another process does it. */
      readonly work?: string;
    }
  /** How far what is being computed is. */
  | {
      readonly kind: "progress";
      readonly what: string;
      readonly share: number;
      /** The work that it is part of, where another process does it. */
      readonly work?: string;
    }
  /** Seconds until all is done, as far as is known, once more while works run. */
  | { readonly kind: "left"; readonly seconds: number | null }
  /**
   * A work begins or ends; `kept` where its record was there, or was made by another
   * command meanwhile. Numbers are those of all works of the run: `done` counts what is
   * kept, and `failed` what cannot be done for want of what failed.
   */
  | {
      readonly kind: "work";
      readonly work: string;
      /** Its kind. */
      readonly of: string;
      readonly state: "started" | "done" | "kept" | "failed";
      readonly done: number;
      readonly total: number;
      readonly running: number;
      readonly failed: number;
      readonly waiting: number;
      /** That it took. */
      readonly seconds: number;
      /** Seconds until all is done, as far as is known. */
      readonly left: number | null;
      /** What it found, in short; absent of most. */
      readonly headline?: Headline;
      /** Why it failed by itself, and how many others need it. */
      readonly failure?: { readonly message: string; readonly behind: number };
    }
  | { readonly kind: "warning"; readonly message: string };

export type OnEvent = (event: AuditEvent) => void;
