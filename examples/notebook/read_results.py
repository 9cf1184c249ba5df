"""Results in Python, as in the cells of a notebook.

    python notebook/read_results.py runs/digits

Reads results.json with the standard library, and the tables of the Parquet reporter
(assay report runs/digits --reporter parquet) where pandas is there. What it reads is
named in paths.json: the tests of Assay, which need no Python, check that a run and its
tables have all of it.
"""

import json
import sys
from pathlib import Path

# A notebook has no file of its own and is run in its folder; what it was started with is
# its kernel's.
is_script = "__file__" in globals()
here = Path(__file__).parent if is_script else Path()
folder = here / "../runs/digits"
if is_script and len(sys.argv) > 1:
    folder = Path(sys.argv[1])
paths = json.loads((here / "paths.json").read_text())


def at(value, path):
    """What a path such as "robustAccuracy.value" leads to."""
    for key in path.split("."):
        value = value[key]
    return value


# %% The results document: everything that a run found.
results = json.loads((folder / "results.json").read_text())
title, verdict, cells = (at(results, path) for path in paths["results"])
print(f"{title}: {verdict}")
for cell in cells:
    name, value, low, high, trusted = (at(cell, path) for path in paths["cell"])
    print(f"{name}: {value:.3f} [{low:.3f}, {high:.3f}]{'' if trusted else ', not trusted'}")

# %% The same as a table, for plots and joins.
try:
    import pandas
except ImportError:
    pandas = None
table = folder / "parquet" / f"{paths['table']}.parquet"
if pandas is not None and table.exists():
    print(pandas.read_parquet(table)[paths["columns"]].to_string(index=False))
