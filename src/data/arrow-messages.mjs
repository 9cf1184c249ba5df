// Where the parts of an Arrow file or stream stand, so that it need not be read whole.
// Plain JavaScript, since it runs in the thread of arrow-worker.mjs. The format:
// https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc

const MAGIC = "ARROW1";
const [SCHEMA, DICTIONARY, RECORDS] = [1, 2, 3];

/**
 * The schema, the dictionaries and the batches of rows, each with where it begins and
 * its bytes, in the order of the file.
 *
 * @param read gives bytes of the file by their place and number
 */
export function messagesOf(read, length) {
  const isFile =
    length >= 10 && Buffer.from(read(0, 6)).toString("latin1") === MAGIC;
  const all = isFile ? listed(read, length) : inARow(read, length);
  const of = (type) => all.filter((message) => message.type === type);
  return {
    schema: of(SCHEMA)[0],
    dictionaries: of(DICTIONARY),
    batches: of(RECORDS),
  };
}

/** Of a stream: one behind the other, up to one that is empty. */
function inARow(read, length) {
  const all = [];
  for (let at = 0; at < length; ) {
    const message = messageAt(read, at, length);
    if (!message) break;
    all.push(message);
    at += message.length;
  }
  return all;
}

/** Of a file: the schema, then what its end lists. */
function listed(read, length) {
  const size = viewOf(read(length - 10, 4)).getInt32(0, true);
  if (!(size > 0 && size <= length - 10)) throw new Error("it ends too soon");
  const view = viewOf(read(length - 10 - size, size));
  const footer = tableAt(view, view.getInt32(0, true));
  const blocks = [8, 10].flatMap((slot) => {
    const field = footer(slot);
    if (!field) return [];
    const vector = field + view.getInt32(field, true);
    const count = view.getInt32(vector, true);
    // A block takes 24 bytes, of which the first 8 say where it is.
    if (!(count >= 0 && vector + 4 + 24 * count <= size))
      throw new Error(`it lists ${count} parts`);
    return Array.from({ length: count }, (_, i) =>
      Number(view.getBigInt64(vector + 4 + 24 * i, true)),
    );
  });
  return [8, ...blocks.sort((a, b) => a - b)].map((at) => {
    const message = messageAt(read, at, length);
    if (!message) throw new Error(`it has no part at ${at}`);
    return message;
  });
}

function messageAt(read, begin, length) {
  if (!(begin >= 0 && begin + 8 <= length)) throw new Error("it ends too soon");
  const start = viewOf(read(begin, 8));
  // Files of before 2019 have no mark in front of the size.
  const isMarked = start.getInt32(0, true) === -1;
  const at = begin + (isMarked ? 8 : 4);
  const size = start.getInt32(isMarked ? 4 : 0, true);
  if (size === 0) return undefined;
  if (!(size > 0 && at + size <= length)) throw new Error("it ends too soon");
  const view = viewOf(read(at, size));
  const message = tableAt(view, view.getInt32(0, true));
  const type = message(6) && view.getUint8(message(6));
  const body = message(10) ? Number(view.getBigInt64(message(10), true)) : 0;
  const end = at + size + body;
  if (!(body >= 0 && end <= length)) throw new Error("it ends too soon");
  return {
    type,
    at: begin,
    length: end - begin,
    rows: rowsIn(view, message, type),
  };
}

/** How many rows a batch has. */
function rowsIn(view, message, type) {
  const field = message(8);
  if (type !== RECORDS || !field) return 0;
  const batch = tableAt(view, field + view.getInt32(field, true));
  return batch(4) ? Number(view.getBigInt64(batch(4), true)) : 0;
}

/** Where the fields of a table of FlatBuffers stand, by their slots; 0 for none. */
function tableAt(view, at) {
  const slots = at - view.getInt32(at, true);
  const size = view.getUint16(slots, true);
  return (slot) => {
    const offset = slot < size ? view.getUint16(slots + slot, true) : 0;
    return offset === 0 ? 0 : at + offset;
  };
}

const viewOf = (bytes) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
