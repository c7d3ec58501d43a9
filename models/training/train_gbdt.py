"""Trains the ranker as boosted trees (LightGBM, LambdaMART) from joined rewards and publishes it.

    python models/training/train_gbdt.py --rewards rows.jsonl

Same input and outputs as train_ranker.py's network, so that it is a version of `ranker` like any other; `--name` publishes it
beside it. Trees run on the CPU only.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import lightgbm
import numpy as np
from tqdm import tqdm

from millrace_training.boosted_ranker import GAINS, BoostedRanker, Calibration, column_shares, lists_of
from millrace_training.data import Impressions, load_impressions
from millrace_training.fit import Split, prepare_torch, split_by_time
from millrace_training.judge_ranker import judge_ranker, print_metrics
from millrace_training.publish import Candidate, GoldenMismatch, NotGoodEnough, publish
from millrace_training.ranker import looking
from millrace_training.ranker_run import describe_impressions, golden_features, require_better_than_constant
from millrace_training.trees import trees_text

REPOSITORY = Path(__file__).resolve().parent.parent / "repository"

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


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    config = GbdtConfig(trees_max=arguments.trees_max, seed=arguments.seed, threads=arguments.threads)
    prepare_torch(config.seed, config.threads)
    shown = load_impressions(arguments.rewards, arguments.columns)
    if len(shown.labels) < config.slots_min:
        raise ValueError(f"{len(shown.labels)} shown slots are too few; {config.slots_min} are needed")
    split = split_by_time(shown.when)
    for part in (split.train, split.validation):
        if shown.labels[part, 0].sum() == 0:
            raise ValueError("nothing was clicked in a part that is learned from; collect more rewards first")
    model, history = train(shown, split, config)
    metrics = evaluate(model, shown, split)
    print_metrics(metrics)
    if not arguments.force:
        require_better_than_constant(metrics)
    data = describe_impressions(arguments.rewards, shown, split)
    run = {"parameters": asdict(config), "data": data, "columns": shown.columns, "metrics": metrics, "history": history}
    golden = golden_features(shown, split)
    contributions = model.contributions(golden)
    candidate = Candidate(
        arguments.name, model.to_onnx(), golden, model.answers, run, ABOUT, {"contributions": contributions.tolist()},
        files={"trees.json": trees_text(model.trees, shown.columns, float(contributions[0, -1]))}, library="LightGBM",
    )  # fmt: skip
    print(f"published {arguments.name} version {publish([candidate], arguments.repository)}")


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


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the ranker as boosted trees and publish it.")
    parser.add_argument(
        "--rewards", type=Path, nargs="+", required=True, help="what `millrace export rewards` wrote (.jsonl or .jsonl.gz)"
    )
    parser.add_argument("--columns", type=int, help="first columns to learn from; default: those of the newest feature schema")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--name", default="ranker", help="model to publish a version of")
    parser.add_argument("--trees-max", type=int, default=GbdtConfig.trees_max, help="trees at most")
    parser.add_argument("--seed", type=int, default=GbdtConfig.seed, help="seed of every draw")
    parser.add_argument("--threads", type=int, default=GbdtConfig.threads, help="threads of LightGBM")
    parser.add_argument("--force", action="store_true", help="publish even if it is no better than a constant")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, GoldenMismatch, NotGoodEnough) as error:
        raise SystemExit(f"train_gbdt: {error}") from error
