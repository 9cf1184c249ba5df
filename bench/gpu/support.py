"""Writes support.tsv: the operators that ONNX Runtime's execution providers have kernels for.

    python bench/gpu/support.py ONNXRUNTIME COMMIT [OPERATOR...]

ONNXRUNTIME is a folder with a checkout of onnxruntime, COMMIT what to call it in the table.
Where operators are named, only their rows are written. Needs the package onnx, for the
versions in which each operator changed. Read are

- docs/OperatorKernels.md, which ONNX Runtime generates from the kernels of CUDA and DirectML;
- js/web/docs/webgpu-operators.md, the same for WebGPU, which names no types;
- tools/ci_build/github/apple/coreml_supported_{ops,mlprogram_ops}.md, for CoreML.

A row is a provider, an operator, the versions of a kernel, what its inputs and outputs
have to be, and what else the list says. A kernel without an end of its own (13+) serves
exactly the version of the operator that it begins at.
"""

import re
import sys
from pathlib import Path

from onnx import defs

TABLES = {"cuda": "CUDAExecutionProvider", "directml": "DmlExecutionProvider"}
COREML = {"coreml": "coreml_supported_ops.md", "coreml-mlprogram": "coreml_supported_mlprogram_ops.md"}


def versions(text):
    """[6, 12] as 6-12; 13 and 13+ as they are."""
    return re.sub(r"\[(\d+), (\d+)\]", r"\1-\2", text.strip())


def plain(types):
    return ",".join(re.findall(r"tensor\((\w+)\)", types)) or types


def formals(side, text):
    """The types of the inputs or outputs, by the name of a constraint or as one type."""
    found = re.findall(rf"\*{side}\* \S+:\*\*(.+?)\*\*", text)
    return [plain(f) if f.startswith("tensor") else f for f in found]


def signature(parameters, constraints):
    """Of several forms of an operator the one that speaks of these constraints alone, and of most of them."""
    forms = [(formals("in", f), formals("out", f)) for f in re.split(r"<br><br>or<br><br>", parameters)]

    def fits(form):
        named = {n for side in form for n in side if n[:1].isupper()}
        return named <= constraints.keys(), len(named)

    return max(forms, key=fits)


def kernels(document, heading):
    """Rows of one provider out of OperatorKernels.md."""
    section = document.split(f"## Operators implemented by {heading}")[1].split("## Operators implemented by")[0]
    domain = operator = parameters = ""
    for line in section.splitlines():
        if match := re.match(r"\|\*\*Operator Domain:\*\* \*(\S+)\*", line):
            domain = match[1]
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if domain != "ai.onnx" or len(cells) != 4 or "**" not in cells[3]:
            continue
        if cells[0]:
            operator, parameters = cells[:2]
        constraints = {n: plain(t) for n, t in re.findall(r"\*\*(\w+)\*\* = ([^<]+)", cells[3])}
        ins, outs = signature(parameters, constraints)
        said = "; ".join(f"{n}={t}" for n, t in constraints.items())
        yield operator, versions(cells[2]), f"{' '.join(ins)} > {' '.join(outs)}", said


def webgpu(document):
    for operator, opsets, note in re.findall(r"^\| (\w+) \| (.+?) \| (.*?) ?\|$", document, re.M):
        if match := re.search(r"ai\.onnx\(([^)]+)\)", opsets):
            for each in match[1].split(","):
                yield operator, each, "", note.strip()


def coreml(document):
    for operator, note in re.findall(r"^\|ai\.onnx:(\w+)\|(.*)\|$", document, re.M):
        yield {"Argmax": "ArgMax"}.get(operator, operator), "any", "", re.sub(r"<br/>", " ", note)


def changes():
    """In which versions of ONNX each operator changed."""
    found = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            found.setdefault(schema.name, set()).add(schema.since_version)
    for operator, at in found.items():
        yield operator, ",".join(map(str, sorted(at))), "", ""


def main(folder, commit, *wanted):
    read = lambda path: (Path(folder) / path).read_text()
    document = read("docs/OperatorKernels.md")
    rows = [("onnx", *row) for row in changes()]
    for provider, heading in TABLES.items():
        rows += [(provider, *row) for row in kernels(document, heading)]
    rows += [("webgpu", *row) for row in webgpu(read("js/web/docs/webgpu-operators.md"))]
    for provider, name in COREML.items():
        rows += [(provider, *row) for row in coreml(read(f"tools/ci_build/github/apple/{name}"))]
    kept = [row for row in rows if not wanted or row[1] in wanted]
    head = f"# onnxruntime {commit}, onnx opset {defs.onnx_opset_version()}; written by support.py"
    lines = [head, "provider\toperator\topsets\tsignature\tsays", *("\t".join(row) for row in sorted(kept))]
    (Path(__file__).parent / "support.tsv").write_text("\n".join(lines) + "\n")


main(*sys.argv[1:])
