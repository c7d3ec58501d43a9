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
from torch import nn

from millrace_training.data import floats, load_impressions
from millrace_training.features import fnv1a32
from millrace_training.metrics import auc, calibration_error, grouped_auc, log_loss, recall_at
from millrace_training.publish import Candidate, GoldenMismatch, newest_version, publish
from millrace_training.ranker import Ranker, ranker_loss
from millrace_training.synthetic import write_synthetic
from millrace_training.two_tower import Tower, sampled_softmax_loss

HERE = Path(__file__).parent
torch.set_num_threads(1)  # Small networks: more threads only wait for each other.


class MetricsTest(unittest.TestCase):
    def test_auc_counts_pairs_in_the_right_order_and_ties_half(self) -> None:
        self.assertEqual(auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])), 0.75)  # 3 of 4 pairs
        self.assertEqual(auc(np.array([0.5, 0.5]), np.array([0, 1])), 0.5)
        self.assertTrue(np.isnan(auc(np.array([0.1, 0.2]), np.array([1, 1]))))

    def test_grouped_auc_compares_within_groups_only(self) -> None:
        labels, groups = np.array([0, 1, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
        self.assertEqual(grouped_auc(np.array([1, 2, 9, 8, 0, 0]), labels, groups), 0.5)

    def test_log_loss_calibration_and_recall(self) -> None:
        self.assertAlmostEqual(log_loss(np.array([0.5, 0.5]), np.array([1, 0])), np.log(2))
        self.assertAlmostEqual(calibration_error(np.full(10, 0.3), np.array([1] * 5 + [0] * 5), bins=1), 0.2)
        scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
        self.assertEqual(recall_at(scores, np.array([0, 1]), 1), 0.5)
        # A network that says the same of all items finds nothing.
        self.assertEqual(recall_at(np.zeros((2, 3)), np.array([0, 1]), 1), 0)

    def test_fnv1a32_of_published_vectors(self) -> None:
        self.assertEqual([fnv1a32(text) for text in ("", "a", "foobar")], [0x811C9DC5, 0xE40C292C, 0xBF9CF968])


class NetworksTest(unittest.TestCase):
    def test_heads_are_nested_and_looking_falls_from_one(self) -> None:
        torch.manual_seed(1)
        chances = Ranker().eval()(torch.randn(50, 32))
        self.assertTrue((chances[:, 1:] <= chances[:, :1]).all())
        looked = Ranker().looked_at()
        self.assertEqual(looked[0].item(), 1)
        self.assertTrue((looked.diff() < 0).all())

    def test_the_ranker_learns_the_place_apart_from_the_item(self) -> None:
        """One feature decides; places are looked at 1, .5, .25: the exported chance must be that of place 0."""
        random = np.random.default_rng(5)
        features = torch.zeros(8_000, 32)
        good = torch.from_numpy((random.random(8_000) < 0.5).astype(np.float32))
        features[:, 3] = good
        place = torch.from_numpy(random.integers(0, 3, 8_000))
        chance = (0.2 + 0.4 * good) * 0.5**place
        clicked = (torch.from_numpy(random.random(8_000).astype(np.float32)) < chance).float()
        labels = torch.stack([clicked, clicked * 0, clicked * 0], dim=1)
        torch.manual_seed(2)
        model = Ranker((8, 8), dropout=0.0)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
        for _ in range(200):
            optimiser.zero_grad()
            ranker_loss(model(features), model.looked_at()[place], labels).backward()
            optimiser.step()
        np.testing.assert_allclose(model.looked_at()[:3].detach(), [1, 0.5, 0.25], atol=0.07)
        rows = torch.zeros(2, 32)
        rows[1, 3] = 1
        np.testing.assert_allclose(model(rows)[:, 0].detach(), [0.2, 0.6], atol=0.07)

    def test_a_column_that_never_moved_in_training_says_nothing_later(self) -> None:
        model = Ranker().eval()
        features = np.random.default_rng(1).normal(size=(100, 32)).astype(np.float32)
        features[:, 7] = 0
        model.standardise_by(features)
        rows = torch.from_numpy(features[:2].copy())
        moved = rows.clone()
        moved[:, 7] = 5
        torch.testing.assert_close(model(rows), model(moved))

    def test_towers_give_unit_vectors(self) -> None:
        rows = torch.zeros(2, 64)
        rows[1, 0] = 1e6
        torch.testing.assert_close(Tower()(rows).norm(dim=1), torch.ones(2))

    def test_the_softmax_skips_repeats_and_other_shops(self) -> None:
        users, items = nn.functional.normalize(torch.ones(1, 32)), nn.functional.normalize(torch.ones(4, 32))
        rows, shops = torch.tensor([5, 5, 6, 9]), torch.tensor([0, 0, 0, 1])
        loss = sampled_softmax_loss(users, items, rows, shops, torch.zeros(4), 0.07)
        self.assertAlmostEqual(loss.item(), np.log(2), places=5)  # Its own against item 6 alone.


class PublishTest(unittest.TestCase):
    def candidate(self, tower: Tower, served: Tower | None = None) -> Candidate:
        def reference(rows: np.ndarray) -> dict[str, np.ndarray]:
            with torch.no_grad():
                return {"embedding": tower(torch.from_numpy(rows)).numpy()}

        golden = np.random.default_rng(1).normal(size=(20, 64)).astype(np.float32)
        run = {"parameters": {}, "data": {}, "metrics": {}}
        return Candidate("tower", (served or tower).to_onnx("tower"), golden, reference, run, "For a test.")

    def test_versions_appear_whole_and_never_change(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            repository = Path(folder)
            self.assertEqual([publish([self.candidate(Tower())], repository) for _ in range(2)], [1, 2])
            names = sorted(entry.name for entry in (repository / "tower" / "2").iterdir())
            self.assertEqual(names, ["golden.json", "model.onnx", "model_card.md", "run.json"])
            with self.assertRaises(FileExistsError):
                publish([self.candidate(Tower())], repository, version=2)

    def test_publishing_does_not_undo_a_promotion(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            publish([self.candidate(Tower())], Path(folder))
            config = Path(folder) / "tower" / "config.pbtxt"
            chosen = "version_policy { specific { versions: [1] } }"
            config.write_text(config.read_text().replace("version_policy { latest { num_versions: 2 } }", chosen))
            publish([self.candidate(Tower())], Path(folder))
            self.assertIn(chosen, config.read_text())
            self.assertNotIn("latest", config.read_text())

    def test_a_graph_that_answers_otherwise_is_not_published_nor_its_partner(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(GoldenMismatch, "differs from the network"):
                publish([self.candidate(Tower()), self.candidate(Tower(), served=Tower())], Path(folder))
            self.assertEqual(newest_version(Path(folder) / "tower"), 0)

    def test_a_graph_that_answers_no_number_is_not_published(self) -> None:
        broken = Tower()
        nn.init.constant_(broken.layers[0].bias, float("nan"))
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(GoldenMismatch):
            publish([self.candidate(broken)], Path(folder))


class ProgramsTest(unittest.TestCase):
    def run_program(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(HERE / name), *arguments], capture_output=True, text=True, check=False)

    def test_both_programs_learn_a_taste_and_publish_what_onnx_runtime_answers_alike(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            files = dict(zip(("rewards", "items", "events"), write_synthetic(Path(folder), 1200, 3), strict=True))
            repository = Path(folder) / "repository"
            common = ("--rewards", str(files["rewards"]), "--repository", str(repository), "--epochs-max", "12")
            towers = ("--items", str(files["items"]), "--events", str(files["events"]))
            for program in (("train_ranker.py", *common), ("train_two_tower.py", *common, *towers)):
                result = self.run_program(*program)
                self.assertEqual(result.returncode, 0, result.stderr)
            for model in ("ranker", "two_tower_user", "two_tower_item"):
                self.check_golden(repository / model / "1")
            ranker = json.loads((repository / "ranker" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(ranker["order_within_lists_of_rung_linear"]["this_model"], 0.7)
            self.assertLess(ranker["p_click"]["log_loss"], ranker["p_click"]["log_loss_of_constant"])
            found = json.loads((repository / "two_tower_user" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(found["recall_at_20"], 3 * found["recall_at_20_of_chance"])

    def check_golden(self, folder: Path) -> None:
        golden = json.loads((folder / "golden.json").read_text())
        features = np.array(golden["inputs"]["features"], dtype=np.float32)
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
        for name, expected in golden["outputs"].items():
            (values,) = session.run([name], {"features": features})
            np.testing.assert_allclose(values, expected, atol=golden["tolerance"])

    def test_refusals_say_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rewards, _, _ = write_synthetic(Path(folder), 3, 3)
            result = self.run_program("train_ranker.py", "--rewards", str(rewards), "--repository", folder)
            self.assertEqual((result.returncode, "30 shown slots are too few" in result.stderr), (1, True))
            with self.assertRaisesRegex(ValueError, "holds 1 features"):
                floats("AAAAAA==", 32)
            empty = Path(folder) / "empty.jsonl"
            empty.write_text("")
            with self.assertRaisesRegex(ValueError, "no shown slot has features"):
                load_impressions([empty])


if __name__ == "__main__":
    unittest.main()
