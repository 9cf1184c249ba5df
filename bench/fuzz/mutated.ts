import type { Random } from "#core";

/** Bytes and pieces that readers stumble over. */
const odd = [
  ..."{}[]\"'*&:,\\\n\0".split(""),
  "__proto__",
  "constructor",
  "\u202e",
  "1e999",
  "-1",
  "99999999999",
].map((piece) => new TextEncoder().encode(piece));

/** A file with one to four changes: bytes, pieces that go, come twice or are odd. */
export function mutated(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(seed);
  for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left--) {
    const at = random.below(bytes.length);
    const end = at + random.below(Math.min(64, bytes.length - at)) + 1;
    const [before, piece, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, end),
      bytes.subarray(end),
    ];
    const joined = (...parts: Uint8Array[]) =>
      Uint8Array.from(Buffer.concat(parts));
    switch (random.below(6)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = bytes[at]! ^ (1 << random.below(8));
        break;
      case 2:
        bytes = joined(before, after);
        break;
      case 3: {
        const times = 1 + random.below(40);
        bytes = joined(before, ...Array(times).fill(piece), after);
        break;
      }
      case 4:
        bytes = joined(before, odd[random.below(odd.length)]!, after);
        break;
      default:
        bytes.fill(255, at, Math.min(end, at + 8));
    }
  }
  return bytes;
}
