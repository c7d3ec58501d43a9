"""What an item's words say, as a vector (features.md F6.11): hashed words and pieces of words, one vector each, added up.

The input in a standard form, so that any language can build it:

1. Title, description, each category, brand and tag: Unicode NFKC, then lower case.
2. Words: the longest runs of letters and digits (Unicode categories L and N), in order, from `<` to `>`: `<shoe>`.
3. Terms of the title and description: each word, then its pieces of 3 and then 4 characters (code points) from the left, `<sh`, `sho`,
   `hoe`, `oe>`; none for a word of less than that. Terms of category, brand and tag: `c:`, `b:` and `t:` before the whole name.
4. Order: brand, categories, tags, title, description. The row of a term is 1 + FNV-1a (32 bits, over UTF-8) modulo the buckets. The
   first `TERMS` different rows count, in that order; 0 fills the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from .features import fnv1a32
from .graph import Graph
from .two_tower import LENGTH_MIN

INPUT, OUTPUT = "term_rows", "embedding"
TERMS = 128
PAD = 0


def item_terms(item: dict) -> list[str]:
    """Terms of an item's `brand`, `category`, `tags`, `title` and `description`, in the standard order."""
    named = [("b:", [item["brand"]] if item["brand"] else []), ("c:", item["category"]), ("t:", item["tags"])]
    names = [mark + _plain(name) for mark, group in named for name in group]
    return [*names, *text_terms(item["title"]), *text_terms(item["description"])]


def text_terms(text: str) -> Iterator[str]:
    """Words of a text, each with its pieces."""
    for word in re.findall(r"[^\W_]+", _plain(text)):
        whole = f"<{word}>"
        yield whole
        for size in (3, 4):
            for at in range(len(whole) - size + 1):
                yield whole[at : at + size]


def term_rows(terms: list[str], buckets: int) -> np.ndarray:
    """int64 [TERMS]: rows of the first different terms, `PAD` behind them."""
    rows = list(dict.fromkeys(1 + fnv1a32(term) % buckets for term in terms))[:TERMS]
    return np.array(rows + [PAD] * (TERMS - len(rows)), np.int64)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


class TextEncoder(nn.Module):
    """Rows of terms → their vectors' sum, of length 1: a frequent term that says nothing learns to be short."""

    def __init__(self, buckets: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(1 + buckets, width, padding_idx=PAD)

    def forward(self, rows: Tensor) -> Tensor:
        """Vectors [n, width] of length 1 for rows int64 [n, TERMS]; of no term the vector of zeros."""
        return functional.normalize(self.table(rows).sum(dim=1), dim=1, eps=LENGTH_MIN)

    def to_onnx(self, name: str) -> onnx.ModelProto:
        """Input `term_rows` int64 [B, TERMS] → `embedding` [B, width]; a row that is no term's counts as none."""
        graph = Graph(name)
        last = graph.integers(self.table.num_embeddings - 1)
        known = graph.node("And", graph.node("GreaterOrEqual", INPUT, graph.integers(0)), graph.node("LessOrEqual", INPUT, last))
        rows = graph.node("Where", known, INPUT, graph.integers(PAD))
        vectors = graph.node("Gather", graph.constant(self.table.weight.detach().numpy()), rows)
        total = graph.node("ReduceSum", vectors, graph.integers([1]), keepdims=0)
        length = graph.node("ReduceL2", total, axes=[1], keepdims=1)
        graph.node("Div", total, graph.node("Max", length, graph.constant(np.array(LENGTH_MIN))), output=OUTPUT)
        return graph.finish(TERMS, {OUTPUT: self.table.embedding_dim}, INPUT, integers=(INPUT,))


def contrast(one: Tensor, other: Tensor, items: Tensor, partners: Tensor, temperature: float) -> Tensor:
    """Each of `one` [n, width] should be nearest to its own of `other` [n, width], and the other way round (InfoNCE).

    items, partners: int64 [n], whose texts they are; the same item elsewhere in the batch is no negative.
    """
    logits = one @ other.T / temperature
    count = torch.arange(len(one))
    same = (partners[:, None] == partners[None, :]) | (items[:, None] == partners[None, :]) | (items[:, None] == items[None, :])
    same[count, count] = False
    logits = logits.masked_fill(same, float("-inf"))
    return (functional.cross_entropy(logits, count) + functional.cross_entropy(logits.T, count)) / 2


def encode(model: TextEncoder, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What the network says of rows int64 [n, TERMS], by output name."""
    with torch.no_grad():
        return {OUTPUT: model(torch.from_numpy(rows)).numpy()}
