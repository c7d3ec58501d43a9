"""Tests of the training programs: `python -m unittest` in this folder."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from millrace_training.metrics import auc, grouped_auc, log_loss, recall_at
from millrace_training.networks import Ranker, ServedRanker, Tower
from millrace_training.publish import Candidate, PublishError, publish, versions_of
from millrace_training.reward_rows import RANKER_WIDTH, TrainingDataError, read_showings, slot_rows
from millrace_training.synthetic import write_synthetic
from millrace_training.tower_features import fnv1a32

HERE = Path(__file__).parent


class MetricsTest(unittest.TestCase):
    def test_auc_counts_pairs_in_the_right_order_and_ties_half(self) -> None:
        self.assertEqual(auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])), 0.75)  # 3 of 4 pairs
        self.assertEqual(auc(np.array([0, 1]), np.array([0.5, 0.5])), 0.5)
        self.assertIsNone(auc(np.array([1, 1]), np.array([0.1, 0.2])))

    def test_grouped_auc_compares_within_groups_only(self) -> None:
        labels, groups = np.array([0, 1, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
        self.assertEqual(grouped_auc(labels, np.array([1, 2, 9, 8, 0, 0]), groups), 0.5)

    def test_log_loss_and_recall(self) -> None:
        self.assertAlmostEqual(log_loss(np.array([1, 0]), np.array([0.5, 0.5])), np.log(2))
        scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
        self.assertEqual(recall_at(1, scores, np.array([0, 1])), 0.5)
        # A network that says the same of all items finds nothing.
        self.assertEqual(recall_at(1, np.zeros((2, 3)), np.array([0, 1])), 0)

    def test_fnv1a32_of_published_vectors(self) -> None:
        self.assertEqual([fnv1a32(text) for text in ("", "a", "foobar")], [0x811C9DC5, 0xE40C292C, 0xBF9CF968])


class NetworksTest(unittest.TestCase):
    def test_what_is_served_does_not_know_the_place(self) -> None:
        torch.manual_seed(1)
        ranker = Ranker(torch.randn(64, 4), (8, 4), positions=5, dropout=0.5)
        torch.nn.init.normal_(ranker.position_bias.weight)
        ranker.eval()
        features = torch.randn(6, 4)
        served = torch.cat(ServedRanker(ranker).eval()(features), dim=1)
        first = ranker(features, torch.zeros(6, dtype=torch.long))
        torch.testing.assert_close(served, first)
        self.assertFalse(torch.allclose(served, ranker(features, torch.full((6,), 3))))
        # Nothing is bought that was not clicked; places past the last share its bias.
        self.assertTrue((served[:, 2] <= served[:, 0]).all())
        torch.testing.assert_close(ranker(features, torch.full((6,), 4)), ranker(features, torch.full((6,), 99)))

    def test_towers_give_unit_vectors_for_zeros_too(self) -> None:
        tower = Tower(4, 8, 3, dropout=0.0).eval()
        lengths = tower(torch.tensor([[0.0, 0, 0, 0], [1e6, 0, 0, 1]])).norm(dim=1)
        torch.testing.assert_close(lengths, torch.ones(2))


class PublishTest(unittest.TestCase):
    def candidate(self, network: torch.nn.Module) -> Candidate:
        sample = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
        return Candidate("tower", network, {"embedding": 3}, sample, "For a test.", {}, {"data": {}}, {})

    def test_versions_appear_whole_and_two_are_kept(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            repository = Path(folder)
            for _ in range(3):
                publish([self.candidate(Tower(4, 8, 3, 0.0))], repository)
            self.assertEqual(versions_of(repository / "tower"), [2, 3])
            names = sorted(entry.name for entry in (repository / "tower" / "3").iterdir())
            self.assertEqual(names, ["golden.json", "model.onnx", "model_card.md", "run.json"])

    def test_a_model_that_answers_no_number_is_not_published_nor_its_partner(self) -> None:
        broken = Tower(4, 8, 3, 0.0)
        torch.nn.init.constant_(broken.layers[0].bias, float("nan"))
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(PublishError, "differs by nan"):
                publish([self.candidate(Tower(4, 8, 3, 0.0)), self.candidate(broken)], Path(folder))
            self.assertEqual(versions_of(Path(folder) / "tower"), [])
            self.assertEqual([entry.name for entry in (Path(folder) / "tower").iterdir()], [])


class ProgramsTest(unittest.TestCase):
    def run_program(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(HERE / name), *arguments], capture_output=True, text=True, check=False)

    def test_both_programs_learn_a_taste_and_publish_what_onnx_runtime_answers_alike(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rewards, items = write_synthetic(Path(folder), showings=1200, seed=3)
            repository = Path(folder) / "repository"
            common = ("--rewards", str(rewards), "--repository", str(repository), "--epochs-max", "12")
            for program in (("train_ranker.py", *common), ("train_two_tower.py", *common, "--items", str(items))):
                result = self.run_program(*program)
                self.assertEqual(result.returncode, 0, result.stderr)
            for model in ("ranker", "two_tower_user", "two_tower_item"):
                self.check_golden(repository / model / "1")
            ranker = json.loads((repository / "ranker" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(ranker["order_within_lists"]["served_score"], 0.7)
            self.assertLess(ranker["p_click"]["log_loss"], ranker["p_click"]["log_loss_of_constant"])
            towers = json.loads((repository / "two_tower_user" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(towers["recall_at_20"], 3 * towers["recall_at_20_of_random"])

    def check_golden(self, folder: Path) -> None:
        golden = json.loads((folder / "golden.json").read_text())
        tensor = golden["inputs"]["features"]
        features = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
        for name, expected in golden["outputs"].items():
            (values,) = session.run([name], {"features": features})
            np.testing.assert_allclose(values.ravel(), expected["data"], atol=golden["tolerance"])

    def test_refusals_say_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rewards, _ = write_synthetic(Path(folder), showings=3, seed=3)
            result = self.run_program("train_ranker.py", "--rewards", str(rewards), "--repository", folder)
            self.assertEqual((result.returncode, "30 shown slots are too few" in result.stderr), (1, True))
            showings = read_showings(rewards)
            showings[0]["slots"][0]["slot"]["features"] = "AAAAAA=="
            with self.assertRaisesRegex(TrainingDataError, f"has 1 features per slot, expected {RANKER_WIDTH}"):
                slot_rows(showings)


if __name__ == "__main__":
    unittest.main()
