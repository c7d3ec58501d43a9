"""Tests of the training programs: `python -m unittest` in this folder."""

import gzip
import json
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import torch
from torch import nn

import train_gbdt
import train_ncf
import train_ranker
import train_sequence
import train_two_tower
from millrace_training.boosted_ranker import Calibration
from millrace_training.data import floats, load_impressions
from millrace_training.features import fnv1a32
from millrace_training.gru4rec import Gru4Rec
from millrace_training.metrics import auc, calibration_error, grouped_auc, log_loss, next_item_figures, ranks_of, recall_at
from millrace_training.ncf import Ncf, Negatives
from millrace_training.publish import Candidate, publish
from millrace_training.ranker import Ranker, ranker_loss
from millrace_training.ranker_bodies import BODIES
from millrace_training.refusals import GoldenMismatch
from millrace_training.registry import newest_version
from millrace_training.self_attention import SelfAttention
from millrace_training.sequence_model import INPUT, ItemLoss, SequenceModel, answers
from millrace_training.sequences import left_padded, load_event_sequences, load_item_lines
from millrace_training.synthetic import write_synthetic
from millrace_training.trees import floor32
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

    def test_ranks_count_equal_scores_by_item_and_figures_follow_them(self) -> None:
        scores = np.array([[3.0, 1.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
        self.assertEqual(ranks_of(scores, np.array([2, 0])).tolist(), [2, 1])
        self.assertEqual(ranks_of(scores, np.array([3, 3])).tolist(), [3, 4])
        figures = next_item_figures(np.array([1, 3, 7, 30]))
        self.assertEqual((figures["hr_at_5"], figures["hr_at_10"], figures["hr_at_20"]), (0.5, 0.75, 0.75))
        self.assertAlmostEqual(figures["ndcg_at_10"], (1 + 1 / 2 + 1 / 3) / 4)  # log2(2), log2(4), log2(8)
        self.assertAlmostEqual(figures["mrr_at_5"], (1 + 1 / 3) / 4)

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

    def test_every_body_answers_in_onnx_as_in_pytorch_and_starts_at_the_rates(self) -> None:
        rows = torch.from_numpy(np.random.default_rng(2).normal(size=(9, 32)).astype(np.float32)) * 2
        for architecture in BODIES:
            with self.subTest(architecture):
                model = Ranker(architecture=architecture).eval()
                model.start_at(np.array([0.1, 0.05, 0.02]))
                for weight in model.body.parameters():
                    noise = torch.randn(weight.shape) * 0.3
                    weight.data += noise if weight.dim() > 1 else 0
                session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
                got = np.concatenate(session.run(["p_click", "p_like", "p_purchase"], {"features": rows.numpy()}), axis=1)
                np.testing.assert_allclose(got, model(rows).detach(), atol=1e-5)
                hidden = session.run(["hidden"], {"features": rows.numpy()})[0]
                np.testing.assert_allclose(hidden, model.hidden(rows).detach(), rtol=1e-4, atol=1e-3)
                # The click head is a line over it, and over the inputs where they go past the network.
                head = model.body.heads[0]
                self.assertEqual(hidden.shape, (9, 128 if architecture == "three-tower" else 32))
                if architecture != "wide-deep":
                    clicked = torch.sigmoid(torch.from_numpy(hidden) @ head.weight.T + head.bias).detach()
                    np.testing.assert_allclose(clicked, got[:, :1], atol=1e-3)
                for weight in model.body.parameters():
                    weight.data *= weight.dim() == 1 and weight.shape == (1,)
                np.testing.assert_allclose(model(rows).detach()[0], [0.1, 0.05, 0.02], atol=1e-5)

    def test_a_gate_gives_each_head_its_own_mixture(self) -> None:
        body = Ranker(architecture="mmoe").eval().body
        nn.init.constant_(body.gates[0].bias, -50)
        with torch.no_grad():
            body.gates[0].bias[2] = 50
            row = torch.randn(1, 32)
            torch.testing.assert_close(body.states(row)[0], body.experts[2](row))
            self.assertGreater((body.states(row)[1] - body.experts[2](row)).abs().max(), 1e-3)

    def test_the_wide_part_knows_the_product_of_two_columns(self) -> None:
        body = Ranker(architecture="wide-deep").body
        row = torch.zeros(1, 32)
        row[0, 3], row[0, 30] = 2, 5
        state = body.states(row)[0][0]
        self.assertEqual(sorted(state[32 + 32 :].unique().tolist()), [0, 2.5])  # A quarter of 2 · 5.

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


class SequencesTest(unittest.TestCase):
    def file(self, folder: str, text: str) -> Path:
        path = Path(folder) / "lines"
        path.write_text(text)
        return path

    def test_the_last_item_is_the_test_and_the_one_before_it_the_validation(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            known = load_item_lines(self.file(folder, "u 10 9 3 4\nv 3 10 9\nw 4 9\n"))
            self.assertEqual(known.items, ["3", "4", "9", "10"])
            self.assertEqual([person.tolist() for person in known.train], [[4, 3], [2, 3]])
            self.assertEqual([person.tolist() for person in known.validation.history], [[4, 3], [1]])
            self.assertEqual(known.validation.target.tolist(), [1, 4])
            self.assertEqual([person.tolist() for person in known.test.history], [[4, 3, 1], [1, 4]])
            self.assertEqual((known.test.target.tolist(), known.new_only), ([2, 3], True))
            self.assertEqual((known.people, known.test.person.tolist()), (["u", "w"], [1, 0]))
            with self.assertRaisesRegex(ValueError, "lines:2 holds no item"):
                load_item_lines(self.file(folder, "u 1 2 3\nv\n"))

    def test_events_are_split_by_time_and_a_repeat_counts_once(self) -> None:
        moves = [("u", "a", 0), ("u", "b", 10), ("u", "b", 11), ("v", "c", 20), ("u", "c", 72), ("v", "a", 90), ("u", "a", 100)]
        lines = [json.dumps({"userId": user, "itemId": item, "type": "click", "timeMs": time}) for user, item, time in moves]
        lines.append(json.dumps({"userId": "v", "itemId": "z", "type": "dismiss", "timeMs": 30}))
        with tempfile.TemporaryDirectory() as folder:
            known = load_event_sequences([self.file(folder, "\n".join(reversed(lines)))])
        self.assertEqual((known.items, [person.tolist() for person in known.train]), (["a", "b", "c"], [[1, 2]]))
        self.assertEqual(([h.tolist() for h in known.validation.history], known.validation.target.tolist()), ([[1, 2]], [3]))
        asked = sorted(zip([h.tolist() for h in known.test.history], known.test.target.tolist(), strict=True))
        self.assertEqual(asked, [([1, 2, 3], 1), ([3], 1)])

    def test_each_touch_is_named_once_whatever_the_length(self) -> None:
        person = np.arange(1, 24)
        named = [item for piece in train_sequence.windows([person], 6) for item in piece[1:].tolist()]
        self.assertEqual(sorted(named), list(range(2, 24)))
        sizes = torch.tensor([2, 9, 3, 9, 2, 5, 4])
        batches = train_sequence.batches_of_like_length(torch.randperm(7), sizes, 8, torch.Generator().manual_seed(1))
        self.assertEqual(sorted(torch.cat(batches).tolist()), list(range(7)))
        self.assertTrue(all((sizes[batch] - 1).sum() <= 8 + 8 for batch in batches))

    def networks(self) -> dict[str, SequenceModel]:
        torch.manual_seed(4)
        attention = {"width": 16, "length": 6, "blocks": 2, "heads": 2, "dropout": 0.2}
        networks = {
            "sasrec": SelfAttention(30, **attention, causal=True),
            "bert4rec": SelfAttention(30, **attention, causal=False),
            "gru4rec": Gru4Rec(30, 16, 6, 0.2),
        }
        for network in networks.values():
            network.eval()
            for weight in network.parameters():
                nn.init.normal_(weight, std=0.5)
            nn.init.zeros_(network.table.weight[0].detach())
        return networks

    def test_padding_changes_no_answer(self) -> None:
        for name, network in self.networks().items():
            with self.subTest(name), torch.no_grad():
                short = network.scores(torch.tensor([[7, 3, 9]]))
                torch.testing.assert_close(network.scores(torch.tensor([[0, 0, 0, 7, 3, 9]])), short)
                self.assertGreater((network.scores(torch.tensor([[0, 0, 0, 3, 7, 9]])) - short).abs().max(), 0.01)

    def test_no_place_knows_what_comes_after_it(self) -> None:
        rows, other = torch.tensor([[0, 7, 3, 9, 4, 1]]), torch.tensor([[0, 7, 3, 9, 5, 2]])
        for name in ("sasrec", "gru4rec"):
            with self.subTest(name), torch.no_grad():
                network = self.networks()[name]
                torch.testing.assert_close(network.encode(rows)[:, 1:4], network.encode(other)[:, 1:4])
                torch.testing.assert_close(network.encode(rows)[:, -1], network.last(rows))

    def test_graphs_retrieve_what_the_networks_do_also_of_nothing_and_of_unknown_items(self) -> None:
        rows = left_padded([np.array(h, np.int64) for h in ([], [5], [1, 2, 3, 4, 5, 6], [30, 1], [9, 9, 2])], 6)
        for name, network in self.networks().items():
            with self.subTest(name):
                session = onnxruntime.InferenceSession(network.to_onnx(name, 12).SerializeToString())
                wanted = answers(network, rows, 12)
                for size in (1, 5):
                    ids, scores = session.run(["item_ids", "scores"], {INPUT: rows[:size]})
                    np.testing.assert_array_equal(ids, wanted["item_ids"][:size])
                    np.testing.assert_allclose(scores, wanted["scores"][:size], atol=1e-4)
                odd = np.array([[0, 0, 0, -7, 31, 5], [0, 0, 0, 0, 2**40, 5]])
                plain = np.where((odd > 0) & (odd <= 30), odd, 0)
                np.testing.assert_array_equal(*(session.run(["scores"], {INPUT: some})[0] for some in (odd, plain)))

    def test_the_loss_over_drawn_items_nears_that_over_all(self) -> None:
        network = self.networks()["sasrec"]
        hidden, wanted = torch.randn(400, 16), torch.randint(1, 31, (400,))
        counts = torch.arange(30.0)
        losses = [ItemLoss(counts, drawn, torch.Generator().manual_seed(3))(network, hidden, wanted).item() for drawn in (0, 4000)]
        self.assertAlmostEqual(losses[0], losses[1], delta=0.1)


class NcfTest(unittest.TestCase):
    def test_the_graph_answers_as_the_network_also_of_the_unknown_and_all_items_at_once_as_one_by_one(self) -> None:
        torch.manual_seed(3)
        network = Ncf(4, 7, 0.2).eval()
        for weight in network.parameters():
            nn.init.normal_(weight, std=0.4)
        pairs = np.array([[person, item] for person in range(5) for item in range(8)])
        with torch.no_grad():
            logits = network(torch.from_numpy(pairs))
            every = network.scores(torch.tensor([0, 1, 2, 3, 4]))
        torch.testing.assert_close(every, logits.reshape(5, 8)[:, 1:])
        session = onnxruntime.InferenceSession(network.to_onnx().SerializeToString())
        (got,) = session.run(["p"], {"pairs": pairs})
        np.testing.assert_allclose(got[:, 0], torch.sigmoid(logits), atol=1e-5)
        (odd,) = session.run(["p"], {"pairs": np.array([[9, 3], [-1, 3], [2, 8]])})
        np.testing.assert_allclose(odd[:, 0], got[[3, 3, 16], 0], atol=1e-6)  # Person 0, item 3, twice; person 2, item 0.

    def test_what_a_person_touched_is_never_drawn_against_them(self) -> None:
        person, item = np.repeat([1, 2], 5), np.array([1, 2, 3, 4, 5, 2, 4, 6, 8, 9])
        drawn = Negatives(person, item, 9, 50, torch.Generator().manual_seed(1)).of(torch.tensor([1, 2, 3]))
        for one, wanted in ((1, {6, 7, 8, 9}), (2, {1, 3, 5, 7}), (3, set(range(1, 10)))):
            self.assertEqual(set(drawn[drawn[:, 0] == one, 1].tolist()), wanted)


class TreesTest(unittest.TestCase):
    def test_a_rounded_threshold_asks_the_same_of_every_float32(self) -> None:
        for threshold in (0.1, -0.1, 1 / 3, 5.0, 1e-35):
            near = np.float32(threshold)
            for value in (near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))):
                self.assertEqual(value <= floor32(threshold), float(value) <= threshold)

    def test_the_calibration_finds_chances_and_places(self) -> None:
        random = np.random.default_rng(5)
        scores, place = random.normal(size=30_000), random.integers(0, 3, 30_000)
        clicked = random.random(30_000) < 0.5**place / (1 + np.exp(1 - 2 * scores))
        bought = clicked & (random.random(30_000) < 0.25)
        labels = np.stack([clicked, bought, bought], axis=1).astype(np.float32)
        calibration = Calibration()
        calibration.fit(scores, place, labels)
        chances = calibration(torch.tensor([0.0, 1.0])).detach().numpy()
        np.testing.assert_allclose(chances[:, 0], [0.2689, 0.7311], atol=0.02)
        np.testing.assert_allclose(chances[:, 2] / chances[:, 0], [0.25, 0.25], atol=0.03)


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

    def run_here(self, program: ModuleType, *arguments: str) -> None:
        """Without the seconds that a process of its own needs to load PyTorch."""
        with redirect_stdout(StringIO()):
            program.main(arguments)

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
            self.run_here(train_ranker, *common, "--architecture", "mmoe", "--margin", "1")
            self.check_golden(repository / "ranker" / "2")
            for number, options in ((2, ("--no-logq",)), (3, ("--loss", "composite")), (4, ("--incremental",))):
                self.run_here(train_two_tower, *common[:-1], "6", *towers, *options, "--force", "what is tested is that it learns")
                run = json.loads((repository / "two_tower_item" / str(number) / "run.json").read_text())
                self.assertGreater(run["metrics"]["recall_at_20"], 1.5 * run["metrics"]["recall_at_20_of_chance"], options)
            self.assertEqual((run["parent"], run["parameters"]["loss"]), (3, "composite"))
            ranker = json.loads((repository / "ranker" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(ranker["order_within_lists_of_rung_linear"]["this_model"], 0.7)
            self.assertLess(ranker["p_click"]["log_loss"], ranker["p_click"]["log_loss_of_constant"])
            found = json.loads((repository / "two_tower_user" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(found["recall_at_20"], 3 * found["recall_at_20_of_chance"])

    def test_boosted_trees_are_a_version_of_the_ranker_and_say_why(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rewards, _, _ = write_synthetic(Path(folder), 1200, 3)
            repository = Path(folder) / "repository"
            self.run_here(train_gbdt, "--rewards", str(rewards), "--repository", str(repository), "--trees-max", "60")
            version = repository / "ranker" / "1"
            self.check_golden(version)
            metrics = json.loads((version / "run.json").read_text())["metrics"]
            self.assertGreater(metrics["order_within_lists_of_rung_linear"]["this_model"], 0.7)
            self.assertEqual(next(iter(metrics["mean_shap_size"])), "affinity_leaf")
            golden = json.loads((version / "golden.json").read_text())
            # A row's SHAP values add up to the score its chance is made of, and so do the trees of trees.json.
            score = np.array(golden["contributions"]).sum(axis=1)
            chance = np.array(golden["outputs"]["p_click"])[:, 0]
            slope = np.polyfit(score, np.log(chance / (1 - chance)), 1)
            np.testing.assert_allclose(np.polyval(slope, score), np.log(chance / (1 - chance)), atol=1e-4)
            forest = json.loads((version / "trees.json").read_text())["trees"]
            for row, wanted in zip(golden["inputs"]["features"], score, strict=True):
                self.assertAlmostEqual(sum(self.leaf(tree, row) for tree in forest), wanted, places=5)

    def leaf(self, tree: dict, row: list[float]) -> float:
        node = 0
        while tree["feature"][node] >= 0:
            left = np.float32(row[tree["feature"][node]]) <= np.float32(tree["threshold"][node])
            node = tree["left" if left else "right"][node]
        return tree["value"][node]

    def test_sequence_models_learn_an_order_and_publish_what_onnx_runtime_answers_alike(self) -> None:
        """Everyone walks around 40 items in steps of 3: what comes next is sure, and no popular item finds it."""
        random = np.random.default_rng(1)
        with tempfile.TemporaryDirectory() as folder:
            repository, path = Path(folder) / "repository", Path(folder) / "people.txt"
            walks = [(start + 3 * np.arange(random.integers(5, 12))) % 40 for start in random.integers(0, 40, 200)]
            path.write_text("".join(f"u {' '.join(map(str, walk))}\n" for walk in walks))
            common = ("--sequences", str(path), "--repository", str(repository), "--width", "16", "--length", "8", "--threads", "1")
            quick = ("--dropout", "0.1", "--batch-targets", "256", "--learning-rate", "0.02", "--epochs-max", "8", "--retrieve", "40")
            for name, more in (("sasrec", ("--drawn", "30")), ("gru4rec", ()), ("bert4rec", ("--epochs-max", "20", "--dropout", "0"))):
                self.run_here(train_sequence, *common, *quick, "--architecture", name, *more)
                version = repository / name / "1"
                metrics = json.loads((version / "run.json").read_text())["metrics"]
                self.assertGreater(metrics["test"]["ndcg_at_10"], 2 * metrics["test_of_popular"]["ndcg_at_10"], name)
                self.assertEqual(len(json.loads((version / "items.json").read_text())), 40)

    def test_ncf_learns_who_goes_for_what(self) -> None:
        """Four kinds of people, each with 15 items of their own."""
        random = np.random.default_rng(1)
        with tempfile.TemporaryDirectory() as folder:
            repository, path = Path(folder) / "repository", Path(folder) / "people.txt"
            path.write_text("".join(f"u{n} {' '.join(map(str, random.permutation(15)[:10] * 4 + n % 4))}\n" for n in range(200)))
            quick = ("--epochs-max", "12", "--batch-rows", "128", "--learning-rate", "0.005", "--patience", "12")
            self.run_here(train_ncf, "--sequences", str(path), "--repository", str(repository), *quick)
            metrics = json.loads((repository / "ncf" / "1" / "run.json").read_text())["metrics"]
            # Of a kind's items 6 were never touched: whoever knows the kind has the next one among the first 10.
            self.assertGreater(metrics["test"]["hr_at_10"], 0.9)
            self.assertLess(metrics["test_of_popular"]["hr_at_10"], 0.5)

    def check_golden(self, folder: Path) -> None:
        golden = json.loads((folder / "golden.json").read_text())
        features = np.array(golden["inputs"]["features"], dtype=np.float32)
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
        for name, expected in golden["outputs"].items():
            (values,) = session.run([name], {"features": features})
            np.testing.assert_allclose(values, expected, atol=golden["tolerance"])

    def test_of_a_decision_the_last_correction_counts(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rewards, _, _ = write_synthetic(Path(folder), 2, 3)
            with gzip.open(rewards, "rt", encoding="utf-8") as lines:
                first, second = (json.loads(line) for line in lines)
            bought = [{**slot, "clicked": True, "liked": True, "purchased": True} for slot in first["slots"]]
            corrected = {**first, "revision": 2, "slots": bought}
            sent = Path(folder) / "corrected.jsonl"
            sent.write_text("".join(json.dumps(row) + "\n" for row in (first, corrected, second, {**first, "revision": 1}, first)))
            whole, plain = load_impressions([sent]), load_impressions([rewards])
            of_first = whole.decision == 1
            self.assertEqual(len(whole.labels), len(plain.labels))
            self.assertTrue(whole.labels[of_first].all())
            np.testing.assert_array_equal(whole.labels[~of_first], plain.labels[~of_first])

    def test_refusals_say_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rewards, _, _ = write_synthetic(Path(folder), 3, 3)
            result = self.run_program("train_ranker.py", "--rewards", str(rewards), "--repository", folder)
            self.assertEqual((result.returncode, "30 shown slots are too few" in result.stderr), (1, True))
            with self.assertRaisesRegex(ValueError, "rewards.jsonl.gz:1 has no itemId; it must be what `millrace export events` wrote"):
                load_event_sequences([rewards])
            with self.assertRaisesRegex(ValueError, "holds 1 features"):
                floats("AAAAAA==", 32)
            empty = Path(folder) / "empty.jsonl"
            empty.write_text("")
            with self.assertRaisesRegex(ValueError, "no shown slot has features"):
                load_impressions([empty])


if __name__ == "__main__":
    unittest.main()
