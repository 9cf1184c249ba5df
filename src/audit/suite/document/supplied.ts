/**
 * A value that variables of the environment have a part in. It is text until a schema
 * says that a number or the like belongs there, and messages show what was written
 * instead of it.
 */
export class Supplied {
  readonly written: string;
  readonly text: string;

  constructor(written: string, text: string) {
    this.written = written;
    this.text = text;
  }

  toString(): string {
    return this.written;
  }
}
