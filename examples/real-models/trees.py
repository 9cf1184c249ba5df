"""Gradient-boosted trees of XGBoost on the breast cancer data of scikit-learn, as ONNX.

    python examples/real-models/trees.py

Needs xgboost, scikit-learn and onnxmltools. The trees learn on 60 % of the rows; those that
the suite looks at are the others.
"""

import csv

from onnxmltools import convert_xgboost
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
    model = XGBClassifier(n_estimators=100, max_depth=4).fit(seen, learned)
    print("right on the other rows:", model.score(other, asked))
    columns = [("columns", FloatTensorType([None, len(names)]))]
    (into / "trees.onnx").write_bytes(convert_xgboost(model, initial_types=columns).SerializeToString())
    with open(into / "rows.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, "diagnosis"])
        rows.writerows([*x, data.target_names[y]] for x, y in zip(other, asked))


main()
