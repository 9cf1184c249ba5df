/** Files that people take for ONNX models, by how they begin. */
const looks: readonly { begins: string; what: string; hint: string }[] = [
  {
    begins: "PK\x03\x04",
    what: "a PyTorch checkpoint or another zip archive",
    hint: "Export it with torch.onnx.export first.",
  },
  {
    begins: "\x80\x02",
    what: "an old PyTorch checkpoint (a pickle)",
    hint: "Export it with torch.onnx.export first.",
  },
  {
    begins: "\x89HDF",
    what: "a Keras model (HDF5)",
    hint: "Convert it with tf2onnx first.",
  },
  {
    begins: "version https://git-lfs",
    what: "a Git LFS pointer, not the file itself",
    hint: "Run `git lfs pull`.",
  },
  {
    begins: "<!",
    what: "a web page",
    hint: "Download the file itself, not the page that shows it.",
  },
  {
    begins: "<html",
    what: "a web page",
    hint: "Download the file itself, not the page that shows it.",
  },
  { begins: "{", what: "JSON text", hint: "Name the .onnx file." },
  { begins: "\x1f\x8b", what: "a gzip archive", hint: "Unpack it first." },
];

/** What a file looks like when it begins as no ONNX file does. */
export function lookOf(
  bytes: Uint8Array,
): { what: string; hint: string } | undefined {
  const start = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
  // TensorFlow Lite has its mark at byte 4.
  if (start.slice(4, 8) === "TFL3")
    return {
      what: "a TensorFlow Lite model",
      hint: "Convert it with tf2onnx first.",
    };
  return looks.find((look) =>
    start.toLowerCase().startsWith(look.begins.toLowerCase()),
  );
}
