"""Trains the ranker as boosted trees (LightGBM, LambdaMART) from joined rewards and publishes it.

    python models/training/train_gbdt.py --rewards rows.jsonl

Same input and outputs as train_ranker.py's network, so that it is a version of `ranker` like any other; `--name` publishes it
beside it. Trees run on the CPU only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import lightgbm
import numpy as np
from tqdm import tqdm

from millrace_training.boosted_ranker import GAINS, BoostedRanker, Calibration, column_shares, lists_of
from millrace_training.data import Impressions
from millrace_training.fit import Split, prepare_torch
from millrace_training.judge_ranker import held_lists, judge_ranker, print_metrics
from millrace_training.program import configured, gate_of, parent_of, program_parser, run_program
from millrace_training.publish import Candidate, publish
from millrace_training.ranker import looking
from millrace_training.ranker_run import add_rewards, describe_impressions, golden_features, load_enough, require_better_than_constant
from millrace_training.trees import trees_text

ABOUT = """Orders the candidates of one person's list by boosted trees, fitted to put slots of one list in order (LambdaMART) with the
place taken out; the chances are two numbers per output on top of the one score, learned from slots the trees did not see. Within a
list it orders as well as the trees do; between people its chances differ less than the network's, as a list-wise loss does not ask
for that. `trees.json` holds the trees for SHAP values, `contributions` of golden.json those of the golden batch."""


@dataclass(frozen=True)
class GbdtConfig:
    """Everything that shapes the fit."""

    trees_max: int = 400
    leaves: int = 15
    learning_rate: float = 0.05
    leaf_rows_min: int = 50
    feature_share: float = 0.8
    """Columns a tree may use."""
    l2: float = 1.0
    patience: int = 40
    """Trees without a better NDCG@10 of the validation lists after which it stops."""
    slots_min: int = 1000
    """Shown slots below which it refuses: the figures would say nothing."""
    seed: int = 7
    threads: int = 1


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    meanings = {"trees_max": "trees at most", "leaves": "of a tree", "learning_rate": "share of each tree"}
    parser = program_parser("Train the ranker as boosted trees and publish it.", GbdtConfig, meanings)
    add_rewards(parser)
    parser.add_argument("--name", default="ranker", help="model to publish a version of (default ranker)")
    arguments = parser.parse_args(argv)
    config = configured(GbdtConfig, arguments, parent_of(arguments, arguments.name))
    prepare_torch(config.seed, config.threads)
    shown, split = load_enough(arguments, config.slots_min)
    model, history = train(shown, split, config)
    metrics = evaluate(model, shown, split)
    print_metrics(metrics)
    if arguments.force is None:
        require_better_than_constant(metrics)
    data = describe_impressions(arguments.rewards, shown, split)
    run = {"program": "train_gbdt", "parameters": asdict(config), "data": data, "columns": shown.columns, "metrics": metrics}
    run |= {"history": history}
    golden = golden_features(shown, split)
    contributions = model.contributions(golden)
    candidate = Candidate(
        arguments.name, model.to_onnx(), golden, model.answers, run, ABOUT, {"contributions": contributions.tolist()},
        files={"trees.json": trees_text(model.trees, shown.columns, float(contributions[0, -1]))}, library="LightGBM",
    )  # fmt: skip
    held = held_lists(arguments.name, shown, split, looking(model.calibration.falls).detach().numpy())
    version = publish([candidate], arguments.repository, gate=gate_of(arguments, held))
    print(f"published {arguments.name} version {version}")


def train(shown: Impressions, split: Split, config: GbdtConfig) -> tuple[BoostedRanker, list[dict]]:
    """Fits trees on the first part of the slots; how many, and the calibration, come from the second."""

    def lists(rows: np.ndarray, like: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
        return lists_of(shown.features[rows], shown.position[rows], shown.labels[rows], shown.decision[rows], like)

    progress, history = tqdm(total=config.trees_max, desc="boosted trees", unit="tree", disable=None), []

    def report(state: lightgbm.callback.CallbackEnv) -> None:
        progress.update()
        history.append({"tree": state.iteration, "validation_ndcg_at_10": state.evaluation_result_list[0][2]})
        progress.set_postfix(validation=f"{history[-1]['validation_ndcg_at_10']:.4f}")

    parameters = {
        "objective": "lambdarank", "label_gain": GAINS, "metric": "ndcg", "eval_at": [10], "num_leaves": config.leaves,
        "learning_rate": config.learning_rate, "min_data_in_leaf": config.leaf_rows_min, "feature_fraction": config.feature_share,
        "lambda_l2": config.l2, "seed": config.seed, "num_threads": config.threads, "deterministic": True, "force_row_wise": True,
        "verbose": -1,
    }  # fmt: skip
    fitted_on = lists(split.train)
    booster = lightgbm.train(
        parameters, fitted_on, config.trees_max, valid_sets=[lists(split.validation, fitted_on)],
        callbacks=[report, lightgbm.early_stopping(config.patience, verbose=False)],
    )  # fmt: skip
    progress.close()
    best = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    calibration = Calibration()
    rows = split.validation
    calibration.fit(best.predict(shown.features[rows]), shown.position[rows], shown.labels[rows])
    return BoostedRanker(best, calibration), history


def evaluate(model: BoostedRanker, shown: Impressions, split: Split) -> dict:
    """Figures on the test slots, and what the trees go by there."""
    rows = shown.features[split.test]
    served = np.concatenate(list(model.answers(rows).values()), axis=1)
    metrics = judge_ranker(served, looking(model.calibration.falls).detach().numpy(), shown, split)
    return {**metrics, "mean_shap_size": column_shares(model.contributions(rows), shown.columns), "trees": {"count": len(model.trees)}}


if __name__ == "__main__":
    run_program("train_gbdt", main)
