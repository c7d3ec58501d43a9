"""Prints tree-shap.json: a small LightGBM model with LightGBM's own SHAP values, against which algorithms/tree-shap.ts is tested.

python test/golden/tree-shap.py > test/golden/tree-shap.json
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))
from millrace_training.trees import read_trees, trees_text

COLUMNS = ("a", "b", "c", "d", "e")

random = np.random.default_rng(5)
x = random.normal(size=(600, len(COLUMNS))).round(2).astype(np.float32)
y = x[:, 0] * x[:, 1] + np.maximum(x[:, 2], 0) * x[:, 3] + np.sin(3 * x[:, 0]) + 0.1 * random.normal(size=len(x))
parameters = {"objective": "regression", "num_leaves": 12, "learning_rate": 0.3, "min_data_in_leaf": 8, "seed": 1, "num_threads": 1}
booster = lightgbm.train({**parameters, "deterministic": True, "verbose": -1}, lightgbm.Dataset(x, y, feature_name=list(COLUMNS)), 6)
rows = x[:24]
contributions = booster.predict(rows, pred_contrib=True)
golden = {
    "madeBy": f"LightGBM {lightgbm.__version__}, predict(pred_contrib=True)",
    **json.loads(trees_text(read_trees(booster), COLUMNS, float(contributions[0, -1]))),
    "rows": [[float(str(value)) for value in row] for row in rows],
    "contributions": [[round(float(value), 9) for value in row] for row in contributions],
    "scores": [round(float(score), 9) for score in booster.predict(rows)],
}
print(json.dumps(golden, separators=(",", ":")))
