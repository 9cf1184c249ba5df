"""Gradient-boosted trees of XGBoost and of LightGBM on the breast cancer data, as ONNX.

    python examples/real-models/trees.py

Needs xgboost, lightgbm, scikit-learn, which has the data, and onnxmltools. The trees learn
on 60 % of the rows; those that the suite looks at are the others.
"""

import csv

from lightgbm import LGBMClassifier
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from packages import folder


def main():
    into = folder("trees")
    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    seen, other, learned, asked = train_test_split(data.data, data.target, train_size=0.6, random_state=0, stratify=data.target)
    columns = {"initial_types": [("columns", FloatTensorType([None, len(names)]))]}
    for name, model, convert, options in [
        ("xgboost", XGBClassifier(n_estimators=100, max_depth=4), convert_xgboost, {}),
        ("lightgbm", LGBMClassifier(n_estimators=100, max_depth=4, verbose=-1), convert_lightgbm, {"zipmap": False}),
    ]:
        model.fit(seen, learned)
        print(f"{name}: right on {model.score(other, asked):.1%} of the other {len(other)} rows")
        (into / f"{name}.onnx").write_bytes(convert(model, **columns, **options).SerializeToString())
    with open(into / "rows.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, "diagnosis"])
        rows.writerows([*x, data.target_names[y]] for x, y in zip(other, asked))


main()
