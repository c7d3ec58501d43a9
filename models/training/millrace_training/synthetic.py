"""Exports made up here, in the shape of the real ones, with a taste that can be learned: for tests and for a first try."""

import base64
import gzip
import json
from pathlib import Path

import numpy as np

from .features import FIRST_WIDTH, RANKER_FEATURES, TOWER_WIDTH, tower_item

_CATEGORIES = ("shoes", "books", "games", "garden", "music", "kitchen")


def write_synthetic(folder: Path, showings: int, seed: int, columns: int = FIRST_WIDTH) -> tuple[Path, Path, Path]:
    """Writes rewards.jsonl.gz, items.jsonl and events.jsonl and returns their paths.

    Each person likes one category. Clicks follow taste and `affinity_leaf`, and fall with the place in the list.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    items = [
        {
            "itemId": f"item-{n}",
            "title": f"Item {n}",
            "description": "",
            "category": [_CATEGORIES[n % len(_CATEGORIES)], f"{_CATEGORIES[n % len(_CATEGORIES)]}/{n % 12}"],
            "tags": [f"tag-{n % 5}"],
            "brand": f"brand-{n % 7}",
            "price": round(float(random.uniform(5, 200)), 2),
            "margin": 1.0,
            "stock": None,
            "createdMs": 0,
            "imageUrl": None,
        }
        for n in range(120)
    ]
    items_path, rewards_path = folder / "items.jsonl", folder / "rewards.jsonl.gz"
    items_path.write_text("".join(f"{json.dumps(item)}\n" for item in items), encoding="utf-8")
    events_path = folder / "events.jsonl"
    with gzip.open(rewards_path, "wt", encoding="utf-8") as rewards, events_path.open("w", encoding="utf-8") as events:
        for number in range(showings):
            showing = _showing(random, number, items, columns)
            rewards.write(f"{json.dumps(showing)}\n")
            for entry in showing["slots"]:
                if entry["clicked"]:
                    touch = {"userId": showing["userId"], "itemId": entry["slot"]["itemId"], "type": "click"}
                    events.write(f"{json.dumps({**touch, 'timeMs': showing['timeMs'] + 500})}\n")
    return rewards_path, items_path, events_path


def _showing(random: np.random.Generator, number: int, items: list[dict], columns: int) -> dict:
    taste = int(random.integers(len(_CATEGORIES)))
    context = tower_item([_CATEGORIES[taste]], None, [], 0) * 0.8
    context = (context + random.normal(0, 0.02, TOWER_WIDTH)).astype(np.float32)
    leaf = RANKER_FEATURES.index("affinity_leaf")
    slots = []
    for position, at in enumerate(random.choice(len(items), 10, replace=False)):
        liked = 1.0 if at % len(_CATEGORIES) == taste else 0.0
        features = random.uniform(0, 1, columns).astype(np.float32)
        features[leaf] = 0.8 * liked + 0.2 * features[leaf]
        click = random.random() < (0.03 + 0.4 * liked) / (1 + 0.2 * position)
        like = click and random.random() < 0.3
        purchase = like and random.random() < 0.5
        slot = {
            "itemId": items[at]["itemId"],
            "position": position,
            "propensity": 1.0,
            "source": "category",
            "score": float(random.uniform(0, 1)),
            "explored": position == 4,
            "features": base64.b64encode(features.tobytes()).decode(),
        }
        reward = 1.0 if purchase else 0.6 if like else 0.3 if click else 0.0
        slots.append(
            {"slot": slot, "reward": reward, "clicked": bool(click), "liked": bool(like), "purchased": bool(purchase)}
        )
    return {
        "decisionId": f"decision-{number}",
        "userId": f"user-{number % 97}",
        "timeMs": 1_700_000_000_000 + number * 1_000,
        "policy": "learned",
        "rung": "linear",
        "context": base64.b64encode(context.tobytes()).decode(),
        "slots": slots,
    }
