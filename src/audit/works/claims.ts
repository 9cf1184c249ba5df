/** Who does what, among commands that work on the same folder. */
export interface Claims {
  /** @returns whether the record is ours to make now */
  take(record: string): boolean;
  /** Whether somebody who lives is making it. */
  isTaken(record: string): boolean;
  release(record: string): void;
  /** Releases all. */
  close(): Promise<void>;
}
