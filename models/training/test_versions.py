"""Tests of what decides whether a version is published, and of training again: `python -m unittest` in this folder."""

import fcntl
import json
import subprocess
import sys
import tempfile
import unittest
from argparse import ArgumentTypeError
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper

import compare_versions
import retrain
import tell_hidden
import train_als
import train_ranker
import train_sequence
import train_text
from millrace_training.cells import Cells
from millrace_training.compare import HeldOut, paired_interval
from millrace_training.data import Impressions
from millrace_training.factors import Factors, cells_of
from millrace_training.features import RANKER_FEATURES
from millrace_training.fit import split_by_time
from millrace_training.judge_next import held_questions, ranks_by_sequence
from millrace_training.judge_ranker import held_lists
from millrace_training.program import configured, duration_ms, parent_of, program_parser, run_program
from millrace_training.publish import Candidate, Gate, publish
from millrace_training.ranker import Ranker
from millrace_training.ranker_run import known_columns
from millrace_training.refusals import NotGoodEnough
from millrace_training.registry import PublishedVersion, in_use, newest_version
from millrace_training.retrieval import INPUT, best_rows
from millrace_training.sequences import left_padded, load_item_lines
from millrace_training.synthetic import write_synthetic
from millrace_training.text_encoder import TextEncoder, encode, item_terms, term_rows
from millrace_training.two_tower import composite_loss
from millrace_training.velocity import high_velocity

HERE = Path(__file__).parent
LEAF = RANKER_FEATURES.index("affinity_leaf")
HOUR = 3_600_000
torch.set_num_threads(1)


def quietly(main: object, *arguments: str) -> object:
    """Runs a program's main without its output."""
    with redirect_stdout(StringIO()):
        return main(arguments)  # type: ignore[operator]


class IntervalTest(unittest.TestCase):
    def test_the_interval_is_that_of_the_mean_over_people(self) -> None:
        random = np.random.default_rng(3)
        gains = random.normal(0.1, 1, 2000)
        difference, low, high = paired_interval(gains + 5, np.full(2000, 5.0), np.ones(2000), np.arange(2000))
        spread = 1.96 * gains.std() / np.sqrt(2000)
        np.testing.assert_allclose([difference, low, high], [gains.mean(), gains.mean() - spread, gains.mean() + spread], atol=0.01)

    def test_questions_of_one_person_are_one_piece_of_news(self) -> None:
        gains = np.repeat(np.random.default_rng(3).normal(0, 1, 40), 50)
        _, low, high = paired_interval(gains, gains * 0, np.ones(2000), np.repeat(np.arange(40), 50))
        _, near, far = paired_interval(gains, gains * 0, np.ones(2000), np.arange(2000))
        self.assertGreater(high - low, 4 * (far - near))  # √50 times as wide in the long run.


class GateTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.repository = Path(self.folder.name)

    def shown(self, lists: int = 200) -> Impressions:
        """Lists of five in which the slot of the best leaf affinity is clicked."""
        random = np.random.default_rng(5)
        features = random.uniform(0, 1, (lists * 5, len(RANKER_FEATURES))).astype(np.float32)
        best = features[:, LEAF].reshape(lists, 5).argmax(axis=1)
        labels = np.zeros((lists * 5, 3), np.float32)
        labels[np.arange(lists) * 5 + best, 0] = 1
        decision = np.repeat(np.arange(lists), 5)
        return Impressions(
            features, np.tile(np.arange(5), lists), labels, np.zeros(lists * 5), np.full(lists * 5, "linear"),
            decision, decision % 60, decision / lists, 0, 1,
        )  # fmt: skip

    def candidate(self, weight: float, columns: tuple[str, ...] = RANKER_FEATURES) -> Candidate:
        """A ranker that goes by `weight` · leaf affinity."""
        model = Ranker((4, 4), architecture="wide-deep", columns=len(columns)).eval()
        for head in model.body.heads:
            torch.nn.init.zeros_(head.weight)
        with torch.no_grad():
            model.body.heads[0].weight[0, 4 + columns.index("affinity_leaf")] = weight
        golden = np.random.default_rng(1).normal(size=(20, len(columns))).astype(np.float32)
        run = {"parameters": {}, "data": {"to_ms": 9}, "metrics": {}, "columns": columns}
        return Candidate("ranker", model.to_onnx(), golden, lambda rows: train_ranker.answers(model, rows), run, "For a test.")

    def gate(self, **options: object) -> Gate:
        shown = self.shown()
        return Gate(held_lists("ranker", shown, split_by_time(shown.when), np.ones(64)), **options)

    def comparison(self, version: int) -> dict | None:
        return json.loads((self.repository / "ranker" / str(version) / "run.json").read_text())["comparison"]

    def test_a_worse_version_is_refused_and_leaves_nothing_behind(self) -> None:
        self.assertEqual(publish([self.candidate(1)], self.repository, gate=self.gate()), 1)
        self.assertIsNone(self.comparison(1))
        with redirect_stdout(StringIO()), self.assertRaisesRegex(NotGoodEnough, "may be worse than version 1 by more than 0.02"):
            publish([self.candidate(-1)], self.repository, gate=self.gate())
        self.assertEqual(sorted(entry.name for entry in (self.repository / "ranker").iterdir()), ["1", "config.pbtxt"])
        with redirect_stdout(StringIO()):
            self.assertEqual(publish([self.candidate(2)], self.repository, gate=self.gate()), 2)
        found = self.comparison(2)
        self.assertEqual((found["with"], found["accepted"], found["difference"], found["interval"]), (1, True, 0, [0, 0]))
        # What was clicked stands first in each of the 30 later lists.
        self.assertEqual((found["new"], found["in_use"], found["questions"], found["drawn"]), (1, 1, 30, {"people": 30}))
        self.assertEqual(found["in_use_learned_until_ms"], 9)
        self.assertIn("Against the version that was in use", (self.repository / "ranker" / "2" / "model_card.md").read_text())

    def test_whoever_insists_says_why(self) -> None:
        publish([self.candidate(1)], self.repository, gate=self.gate())
        with redirect_stdout(StringIO()):
            publish([self.candidate(-1)], self.repository, gate=self.gate(forced="the old one leaks"))
        run = json.loads((self.repository / "ranker" / "2" / "run.json").read_text())
        self.assertEqual((run["forced"], run["comparison"]["accepted"]), ("the old one leaks", False))

    def test_it_is_the_version_in_use_that_counts_not_the_newest(self) -> None:
        publish([self.candidate(1)], self.repository)
        publish([self.candidate(-1)], self.repository)
        config = self.repository / "ranker" / "config.pbtxt"
        chosen = "version_policy { specific { versions: [1] } }"
        config.write_text(config.read_text().replace("version_policy { latest { num_versions: 2 } }", chosen))
        self.assertEqual(in_use(self.repository, "ranker").name, "ranker 1")
        with redirect_stdout(StringIO()), self.assertRaisesRegex(NotGoodEnough, "version 1"):
            publish([self.candidate(-2)], self.repository, gate=self.gate())

    def test_versions_of_other_widths_are_compared_by_the_names_of_their_columns(self) -> None:
        swapped = (RANKER_FEATURES[LEAF], *RANKER_FEATURES[:LEAF])
        publish([self.candidate(1, swapped)], self.repository, gate=self.gate())
        with redirect_stdout(StringIO()):
            publish([self.candidate(1)], self.repository, gate=self.gate())
        self.assertEqual((self.comparison(2)["in_use"], self.comparison(2)["new"]), (1, 1))
        publish([self.candidate(1, ("affinity_leaf", "of_the_future"))], self.repository)
        with self.assertRaisesRegex(NotGoodEnough, "ranker 3 asks for columns that the rows lack: of_the_future"):
            publish([self.candidate(1)], self.repository, gate=self.gate())
        publish([self.candidate(1)], self.repository, gate=self.gate(forced="the export is older"))
        self.assertIn("of_the_future", self.comparison(4)["not_comparable"])

    def test_a_click_where_few_look_counts_for_those_who_did_not_look(self) -> None:
        shown = self.shown()
        test = split_by_time(shown.when)
        looked = np.array([1, 0.5, 0.25, 0.05, 0.05, *[0.01] * 59])
        held = held_lists("ranker", shown, test, looked)
        places = np.array([np.flatnonzero(row)[0] for row in shown.labels[test.test, 0].reshape(-1, 5)])
        np.testing.assert_allclose(held.weight, 0.5 * np.minimum(1 / looked[places], 10))
        publish([self.candidate(-1)], self.repository)
        measured = held.measure({"ranker": in_use(self.repository, "ranker")})
        np.testing.assert_allclose(measured, held.weight / np.log2(6), rtol=1e-5)  # What was clicked comes fifth of five.

    def test_sequence_versions_are_compared_item_by_item_whatever_their_rows(self) -> None:
        lines = Path(self.folder.name) / "people.txt"
        lines.write_text("".join(f"u{n} {n % 5} {5 + n % 5} {10 + n % 5} {15 + n % 5}\n" for n in range(40)))
        known = load_item_lines(lines)
        vectors = np.eye(5)[np.array([int(name) for name in known.items]) % 5]
        held = held_questions("als", known, ranks_by_sequence(known), 100)

        def version(items: list[str], rows: np.ndarray) -> None:
            model = Factors("als", rows, 0.1, 40.0)

            def reference(asked: np.ndarray) -> dict[str, np.ndarray]:
                return best_rows(model.scores(model.fold_in(cells_of(list(asked), len(items)))), len(items))

            golden = left_padded(known.test.history[:8], 6)
            golden[golden > len(items)] = 0
            run = {"parameters": {}, "data": {}, "metrics": {}}
            graph = model.to_onnx("als", 6, len(items), 12)
            publish([Candidate("als", graph, golden, reference, run, "", files={"items.json": json.dumps(items)})], self.repository)

        version(known.items, vectors)
        version([*reversed(known.items), "of another shop"], np.concatenate((vectors[::-1], np.zeros((1, 5)))))
        version(known.items[:10], vectors[:10])
        one, other, half = (
            held.measure({"als": PublishedVersion(self.repository / "als" / str(number))}).mean() for number in (1, 2, 3)
        )
        self.assertEqual(one, 1)  # Of a kind's four items three were had.
        self.assertEqual(other, one)
        self.assertEqual(half, 0)  # It never saw the items that were asked for.


class FactorsTest(unittest.TestCase):
    def histories(self) -> list[np.ndarray]:
        random = np.random.default_rng(2)
        return [random.integers(1, 31, random.integers(1, 9)) for _ in range(40)]

    def test_a_fold_in_solves_the_equations_of_its_paper(self) -> None:
        items = np.random.default_rng(1).normal(size=(30, 5))
        for history in self.histories()[:5]:
            times = {row - 1: np.count_nonzero(history == row) for row in set(history.tolist())}
            for method in ("als", "svd"):
                vector = Factors(method, items, 0.3, 4.0).fold_in(cells_of([history], 30))[0]
                # The gradient of each method's sum over cells, term by term, is 0 there.
                gradient = 0.3 * vector * (1 if method == "als" else len(times))
                for row in range(30) if method == "als" else times:
                    weight = 1 + 4 * times.get(row, 0) if method == "als" else 1
                    wanted = (row in times) if method == "als" else times[row]
                    gradient += weight * (items[row] @ vector - wanted) * items[row]
                np.testing.assert_allclose(gradient, 0, atol=1e-9)

    def test_every_round_lowers_the_sum_that_als_minimises(self) -> None:
        cells = cells_of(self.histories(), 30)
        dense = np.zeros((40, 30))
        for row in range(40):
            dense[row, cells.columns[cells.starts[row] : cells.starts[row + 1]]] = cells.times[cells.starts[row] : cells.starts[row + 1]]
        model = Factors("als", np.random.default_rng(1).normal(size=(30, 4)), 0.1, 40.0)
        sums = []
        for _ in range(4):
            people = model.fold_in(cells)
            model.refit_items(people, cells.transposed(), np.arange(30))
            errors = (1 + 40 * dense) * ((dense > 0) - people @ model.items.T) ** 2
            sums.append(errors.sum() + 0.1 * ((people**2).sum() + (model.items**2).sum()))
        self.assertEqual(sums, sorted(sums, reverse=True))
        self.assertLess(sums[3], sums[0])

    def test_the_graph_folds_in_as_the_equations_do_also_repeats_nothing_and_the_unknown(self) -> None:
        items = np.random.default_rng(1).normal(size=(30, 5))
        rows = left_padded([np.array(h, np.int64) for h in ([], [5], [4, 4, 4, 9], [30, 1, 2, 3, 7, 8], [9, 9, 2])], 6)
        for method in ("als", "svd"):
            with self.subTest(method):
                model = Factors(method, items, 0.1, 40.0)
                steps = model.steps_needed(cells_of(list(rows), 30))
                session = onnxruntime.InferenceSession(model.to_onnx(method, 6, 12, steps).SerializeToString())
                wanted = best_rows(model.scores(model.fold_in(cells_of(list(rows), 30))), 12)
                for size in (1, 5):
                    ids, scores = session.run(["item_ids", "scores"], {INPUT: rows[:size]})
                    np.testing.assert_array_equal(ids, wanted["item_ids"][:size])
                    np.testing.assert_allclose(scores, wanted["scores"][:size], atol=1e-5)
                odd = np.array([[0, 0, 0, -7, 31, 5]])
                plain = np.array([[0, 0, 0, 0, 0, 5]])
                np.testing.assert_array_equal(*(session.run(["scores"], {INPUT: some})[0] for some in (odd, plain)))

    def test_cells_count_and_turn(self) -> None:
        cells = Cells.counted([np.array([2, 0, 2]), np.array([], np.int64), np.array([0])], 4)
        self.assertEqual([list(part) for part in (cells.starts, cells.columns, cells.times)], [[0, 2, 2, 3], [0, 2, 0], [1, 2, 1]])
        turned = cells.transposed()
        self.assertEqual([list(part) for part in (turned.starts, turned.columns, turned.times)], [[0, 2, 2, 3, 3], [0, 2, 0], [1, 1, 2]])
        parts = [(rows.tolist(), columns.tolist(), times.tolist()) for rows, columns, times in cells.padded(2)]
        self.assertEqual(parts, [([2], [[0]], [[1]]), ([0], [[0, 2]], [[1, 2]])])


class CompositeLossTest(unittest.TestCase):
    def test_its_three_parts_by_hand(self) -> None:
        # One person, three items: its own at cosine .6, others at 0 and at 1; the first is of the same row as its own.
        users = torch.tensor([[1.0, 0.0]])
        items = torch.tensor([[0.6, 0.8], [0.6, 0.8], [1.0, 0.0], [0.0, 1.0]])
        rows, shops = torch.tensor([4, 4, 5, 6]), torch.tensor([0, 0, 0, 1])
        loss = composite_loss(users, items, rows, shops, 0.5, torch.Generator().manual_seed(1))
        # All negatives drawn are item 5: item 6 is another shop's.
        pointwise = np.log1p(np.exp(-0.6 / 0.5)) + np.log1p(np.exp(1 / 0.5))
        self.assertAlmostEqual(loss.item(), pointwise + 0.5 * (0.2 - 0.6 + 1.0), places=5)

    def test_diversity_is_the_mean_cosine_between_listed_items(self) -> None:
        users = torch.tensor([[1.0, 0.0]])
        alike = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        apart = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        rows, shops = torch.arange(3), torch.zeros(3, dtype=torch.int64)
        losses = [composite_loss(users, items, rows, shops, 0.5, torch.Generator().manual_seed(1)).item() for items in (alike, apart)]
        self.assertAlmostEqual(losses[0] - losses[1], 0.05 * 2, places=5)


class TextTest(unittest.TestCase):
    def test_terms_and_rows_follow_the_standard_form(self) -> None:
        item = {"brand": "Ａcme", "category": ["Shoes", "Shoes/Run"], "tags": [], "title": "Go-Karts_2", "description": "GO!"}
        wanted = ["b:acme", "c:shoes", "c:shoes/run", "<go>", "<go", "go>", "<go>", "<karts>", "<ka", "kar", "art", "rts", "ts>"]
        wanted += ["<kar", "kart", "arts", "rts>", "<2>", "<2>", "<go>", "<go", "go>", "<go>"]
        self.assertEqual(item_terms(item), wanted)
        # The engine is held to the same file.
        for golden in json.loads((Path(__file__).parents[2] / "test" / "algorithms" / "item-terms.json").read_text()):
            self.assertEqual(item_terms(golden["item"]), golden["terms"])
            for buckets, wanted in golden["rows"].items():
                self.assertEqual(term_rows(golden["terms"], int(buckets)).tolist(), wanted)
        # FNV-1a of "a" is 0xE40C292C, of "foobar" 0xBF9CF968; each row once.
        rows = term_rows(["a", "foobar", "a"], 1000)
        self.assertEqual(rows[:3].tolist(), [1 + 0xE40C292C % 1000, 1 + 0xBF9CF968 % 1000, 0])
        self.assertEqual((len(rows), len(term_rows([str(n) for n in range(500)], 10_000))), (128, 128))

    def test_the_graph_answers_as_the_network_also_of_nothing_and_of_the_unknown(self) -> None:
        model = TextEncoder(50, 8)
        rows = np.zeros((4, 128), np.int64)
        rows[0, :3], rows[1, 0], rows[3, :2] = [5, 50, 7], 1, [51, -3]
        session = onnxruntime.InferenceSession(model.to_onnx("text_item").SerializeToString())
        (got,) = session.run(["embedding"], {"term_rows": rows})
        np.testing.assert_allclose(got[:3], encode(model, rows[:3])["embedding"], atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(got, axis=1), [1, 1, 0, 0], atol=1e-6)

    def test_new_items_lead_to_items_of_their_kind_though_they_are_called_otherwise(self) -> None:
        """Four kinds of items, each with eight words of its own, of which a title has one; people stay with a kind."""
        random = np.random.default_rng(3)
        words = ["".join(random.choice(list("abcdefghijklmnopqrstuvwxyz"), 7)) for _ in range(32)]
        kinds = {"brand": None, "category": [], "tags": []}
        with tempfile.TemporaryDirectory() as folder:
            items, events, repository = (Path(folder) / name for name in ("items.jsonl", "events.jsonl", "repository"))
            with items.open("w") as lines:
                for n in range(160):
                    one, two = (f"fine {words[8 * (n % 4) + at]}" for at in random.integers(0, 8, 2))
                    lines.write(json.dumps({"itemId": f"i{n}", "title": one, "description": two, "createdMs": n, **kinds}) + "\n")
            with events.open("w") as lines:
                for person in range(150):
                    for at, item in zip(np.sort(random.integers(0, 10**7, 12)), random.integers(0, 40, 12) * 4 + person % 4, strict=True):
                        lines.write(json.dumps({"userId": str(person), "itemId": f"i{item}", "type": "view", "timeMs": int(at)}) + "\n")
            given = ("--items", str(items), "--events", str(events), "--repository", str(repository))
            quietly(train_text.main, *given, "--buckets", "4096", "--width", "32", "--epochs-max", "8")
            found = json.loads((repository / "text_item" / "1" / "run.json").read_text())["metrics"]
            self.assertGreater(found["recall_at_20"], found["recall_at_20_of_equal_words"] + 0.1)
            quietly(train_text.main, *given, "--buckets", "2048", "--width", "32", "--epochs-max", "8", "--margin", "1")
            comparison = json.loads((repository / "text_item" / "2" / "run.json").read_text())["comparison"]
            self.assertAlmostEqual(comparison["in_use"], found["recall_at_20"])  # Asked with its own buckets.
            self.assertEqual(comparison["drawn"], {"items": comparison["questions"]})


class ProgramTest(unittest.TestCase):
    def test_a_scheduler_can_tell_the_ends_apart(self) -> None:
        for error, code in ((NotGoodEnough("no better"), 3), (ValueError("bad input"), 1), (OSError("no file"), 1)):
            def main(error: Exception = error) -> None:
                raise error

            said = StringIO()
            with redirect_stderr(said), self.assertRaises(SystemExit) as ended:
                run_program("train_it", main)
            self.assertEqual((ended.exception.code, said.getvalue()), (code, f"train_it: {error}\n"))

    def test_parameters_come_from_the_command_line_then_the_version_in_use_then_the_defaults(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            version = Path(folder) / "ranker" / "1"
            version.mkdir(parents=True)
            (version / "run.json").write_text(json.dumps({"parameters": {"dropout": 0.3, "seed": 9, "of_before": 1}}))
            parser = program_parser("", train_ranker.RankerConfig, {"learning_rate": "of Adam"})
            for given, wanted in ((("--seed", "4", "--like-in-use"), (0.3, 4)), (("--seed", "4"), (0.1, 4)), (("--like-in-use",), (0.3, 9))):
                arguments = parser.parse_args(["--repository", folder, *given])
                config = configured(train_ranker.RankerConfig, arguments, parent_of(arguments, "ranker"))
                self.assertEqual((config.dropout, config.seed, config.batch_rows), (*wanted, 1024))
        self.assertEqual([duration_ms(text) for text in ("90m", "24h", "7d")], [5_400_000, 86_400_000, 604_800_000])
        with self.assertRaisesRegex(ArgumentTypeError, "90m, 24h or 7d"):
            duration_ms("24")


class VelocityTest(unittest.TestCase):
    def test_an_item_is_in_sudden_demand_by_count_and_against_its_own_past(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.jsonl"
            rows = [("first", "view", 0)]
            last = 30 * HOUR
            rows += [(item, "add_to_cart", last - at) for item, count in (("hot", 60), ("few", 40), ("usual", 60)) for at in range(count)]
            rows += [("usual", "purchase", hour * HOUR) for hour in range(1, 29) for _ in range(13)]  # 13 · 5 are more than 60.
            rows += [("seen", "view", last - at) for at in range(500)]
            lines = [json.dumps({"userId": "u", "itemId": item, "type": kind, "timeMs": time}) for item, kind, time in rows]
            path.write_text("\n".join(lines))
            self.assertEqual(high_velocity([path]), {"hot"})
            self.assertEqual(high_velocity([path], wanted_min=40), {"hot", "few"})
            self.assertEqual(high_velocity([path], times=4.0), {"hot", "usual"})


class RetrainTest(unittest.TestCase):
    """Four kinds of people with 12 items of their own; in the newest hour those of kind 0 want an item that was not there before."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.night, cls.exports = (Path(cls.folder.name) / name for name in ("night", "exports"))
        cls.repository = Path(cls.folder.name) / "repository"
        for exports in (cls.night, cls.exports):
            write_synthetic(exports, 1200, 3)
        random = np.random.default_rng(4)
        with (cls.night / "events.jsonl").open("w") as before, (cls.exports / "events.jsonl").open("w") as lines:
            for person in range(150):
                for at, item in zip(np.sort(random.integers(0, 26 * HOUR, 30)), random.integers(0, 12, 30) * 4 + person % 4, strict=True):
                    lines.write(cls.event(person, f"item-{item}", "click", int(at)))
                    if at < 25 * HOUR:
                        before.write(cls.event(person, f"item-{item}", "click", int(at)))
                if person % 4 == 0:
                    for at in (5, 15, 30, 50):
                        lines.write(cls.event(person, f"item-{4 * random.integers(0, 12)}", "click", 25 * HOUR + at * 60_000 + person))
                        lines.write(cls.event(person, "hot", "add_to_cart", 25 * HOUR + at * 60_000 + 30_000 + person))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    @staticmethod
    def event(person: int, item: str, kind: str, at: int) -> str:
        return json.dumps({"userId": f"user-{person}", "itemId": item, "type": kind, "timeMs": 1_700_000_000_000 + at}) + "\n"

    def retrain(self, mode: str, window: str, *more: str) -> tuple[int, dict]:
        exports = self.night if mode == "full" else self.exports
        output = StringIO()
        with redirect_stdout(output), redirect_stderr(StringIO()):
            code = retrain.main(
                ("--mode", mode, "--exports", str(exports), "--repository", str(self.repository), "--window", window, "--json", *more)
            )
        return code, json.loads(output.getvalue())["models"]

    def run_of(self, model: str, version: int) -> dict:
        return json.loads((self.repository / model / str(version) / "run.json").read_text())

    def test_full_then_incremental_then_nothing_new(self) -> None:
        code, found = self.retrain("full", "25h", "--models", "als", "ranker")
        self.assertEqual((code, [one["outcome"] for one in found.values()]), (0, ["published", "published"]), found)
        code, found = self.retrain("incremental", "2h", "--models", "als")
        self.assertEqual((code, found["als"]["outcome"]), (0, "published"), found)
        run = self.run_of("als", 2)
        self.assertEqual((run["parent"], run["refitted_items"], run["comparison"]["with"]), (1, ["hot"], 1))
        self.assertLessEqual(run["data"]["to_ms"] - run["data"]["from_ms"], 2 * HOUR)
        before, after = (PublishedVersion(self.repository / "als" / str(version)) for version in (1, 2))
        known = len(before.items)
        self.assertEqual((after.items[:known], after.items[known:]), (before.items, ["hot"]))
        np.testing.assert_array_equal(after.weights()["items"][:known], before.weights()["items"])
        # Kind 0 is led to the new item, kind 1 is not.
        rows = left_padded([np.array([before.items.index(f"item-{item}") + 1]) for item in (4, 5)], 50)
        hot = after.items.index("hot") + 1
        self.assertEqual([hot in ids[:12] for ids in after.answer(rows)["item_ids"]], [True, False])
        code, found = self.retrain("incremental", "2h", "--models", "als", "--velocity-min", "1000")
        self.assertEqual((code, found["als"]["why"].split(",")[0]), (3, "no item is in sudden demand"))
        # Two versions that were never compared with each other may be, later on.
        asked = ("als", "1", "--exports", str(self.exports), "--repository", str(self.repository), "--window", "2h")
        with self.assertRaisesRegex(NotGoodEnough, "als 1 may be worse than version 2"):
            quietly(compare_versions.main, *asked)
        written = json.loads((self.repository / "als" / "comparisons" / "1-2.json").read_text())
        self.assertEqual((written["with"], written["accepted"]), (2, False))
        self.assertAlmostEqual(written["in_use"], run["comparison"]["new"], places=6)
        # A ranker goes on from its weights, or tells that they could not be bettered.
        code, found = self.retrain("incremental", "10m", "--models", "ranker")
        self.assertIn((code, found["ranker"]["outcome"]), ((0, "published"), (3, "not better")))
        if code == 0:
            self.assertEqual(self.run_of("ranker", 2)["parent"], 1)

    def test_one_run_at_a_time_and_codes_for_a_scheduler(self) -> None:
        empty = Path(self.folder.name) / "empty"
        empty.mkdir()
        ask = [sys.executable, str(HERE / "retrain.py"), "--mode", "incremental", "--window", "1h", "--repository", str(empty)]
        with (empty / retrain.LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = subprocess.run([*ask, "--exports", str(self.exports)], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, "another training" in result.stderr), (1, True), result.stderr)
        with self.assertRaisesRegex(ValueError, "holds no model that is trained here"):
            quietly(retrain.main, *ask[2:], "--exports", str(self.exports))
        output = StringIO()
        with redirect_stdout(output):
            code = retrain.main([*ask[2:], "--exports", str(empty), "--models", "ranker", "als"])
        self.assertEqual(code, 1)
        self.assertIn("holds no rewards.jsonl; write it with `millrace export rewards`", output.getvalue())

    def test_a_sequence_model_refits_the_vectors_of_some_items_only(self) -> None:
        night, now = (("--events", str(exports / "events.jsonl")) for exports in (self.night, self.exports))
        common = ("--repository", str(self.repository), "--threads", "1")
        small = ("--width", "16", "--length", "8", "--epochs-max", "8", "--batch-targets", "256", "--learning-rate", "0.02")
        quietly(train_sequence.main, *night, *common, *small, "--window", "24h", "--force", "only the refit is tested")
        quietly(train_sequence.main, *now, *common, "--incremental", "--window", "2h", "--batch-targets", "32", "--force", "same")
        before, after = (PublishedVersion(self.repository / "sasrec" / str(version)).weights() for version in (1, 2))
        for name in before:
            if name != "table.weight":
                np.testing.assert_array_equal(after[name], before[name])
        # The new item has the row behind those that were known.
        np.testing.assert_array_equal(after["table.weight"][:-1], before["table.weight"])
        self.assertEqual(self.run_of("sasrec", 2)["parameters"]["width"], 16)

    def test_going_on_takes_the_columns_that_were_learned(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run.json"
            run.write_text(json.dumps({"columns": RANKER_FEATURES[:12]}))
            self.assertEqual(known_columns(PublishedVersion(Path(folder))), 12)
            run.write_text(json.dumps({"columns": ["of_the_future"]}))
            with self.assertRaisesRegex(ValueError, "was fitted on other columns"):
                known_columns(PublishedVersion(Path(folder)))


class HiddenTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.repository = Path(self.folder.name)

    def publish_old(self, seed: int) -> PublishedVersion:
        """A version as they were before rankers told their last hidden layer."""
        torch.manual_seed(seed)
        network = Ranker((8, 4), columns=6).eval()
        network.standardise_by(np.random.default_rng(seed).normal(2, 3, size=(50, 6)))
        model = network.to_onnx()
        graph = model.graph
        (cut,) = (node for node in graph.node if "hidden" in node.output)
        for weight in [weight for weight in graph.initializer if weight.name in cut.input]:
            graph.initializer.remove(weight)
        graph.node.remove(cut)
        graph.output.remove(next(output for output in graph.output if output.name == "hidden"))
        rows = np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32)

        def reference(some: np.ndarray) -> dict[str, np.ndarray]:
            return {name: told for name, told in train_ranker.answers(network, some).items() if name != "hidden"}

        run = {"parameters": {"hidden_first": 8, "hidden_second": 4}, "data": {}, "metrics": {}}
        version = publish([Candidate("ranker", model, rows, reference, run, "For a test.")], self.repository)
        return PublishedVersion(self.repository / "ranker" / str(version))

    def test_a_version_tells_its_hidden_layer_and_answers_as_before(self) -> None:
        old = [self.publish_old(seed) for seed in (1, 2)]
        rows = np.random.default_rng(2).normal(size=(300, 6)).astype(np.float32)
        config = self.repository / "ranker" / "config.pbtxt"
        for version, is_named in zip(old, (False, True), strict=True):
            before = version.answer(rows)
            weights = [numpy_helper.to_array(one) for one in onnx.load(version.folder / "model.onnx").graph.initializer]
            quietly(tell_hidden.main, version.folder.name, "--repository", str(self.repository))
            now = PublishedVersion(version.folder)
            after = now.answer(rows)
            for name, told in before.items():
                self.assertEqual(after[name].tobytes(), told.tobytes())
            # By its definition: standardised, cut, two layers with ReLU.
            mean, scale, low, high, first, first_bias, second, second_bias, *_ = weights
            layer = np.maximum(np.clip((rows - mean) * scale, low, high) @ first.T + first_bias, 0)
            np.testing.assert_allclose(after["hidden"], np.maximum(layer @ second.T + second_bias, 0), atol=1e-5)
            self.assertEqual(now.run["amended"]["output"], "hidden")
            self.assertIn("`hidden` float32 [rows, 4]", (now.folder / "model_card.md").read_text())
            # A stock Triton refuses a version without an output that the file names.
            self.assertEqual('"hidden"' in config.read_text(), is_named)
        with self.assertRaisesRegex(ValueError, "ranker 1 tells its last hidden layer already"):
            tell_hidden.main(["1", "--repository", str(self.repository)])
        self.publish_old(3)
        self.assertNotIn('"hidden"', config.read_text())


if __name__ == "__main__":
    unittest.main()
