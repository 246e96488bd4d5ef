"""A confusion matrix as HTML: counts and row shares, readable from two labels to a hundred and more."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from .markup import cut, escape, isolated

# Labels up to which each cell is a cell of a table with count and share.
TABULAR = 20
# Labels up to which all are drawn; of more, those with the most mistakes.
DRAWN = 100
# Labels up to which a drawn cell is wide enough for its count.
COUNTED = 45
PAIRS = 15
# A share of 0.01 can still be seen.
FAINTEST = 0.14
# From this strength on, the text of a cell turns over.
STRONG = 0.62


def strength(shares: np.ndarray) -> np.ndarray:
    """How strongly cells are coloured, 0..1: by the root of their share, and 0 where it is 0."""
    shown: np.ndarray = np.where(shares > 0, FAINTEST + (1 - FAINTEST) * np.sqrt(shares), 0.0)
    return shown


def shares(confusion: np.ndarray) -> np.ndarray:
    """Each row divided by its sum; a label without samples has zeros."""
    divided: np.ndarray = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    return divided


def crowd(confusion: np.ndarray, most: int = DRAWN) -> np.ndarray:
    """Indices of the labels to draw, in order: all, or those that take part in the most mistakes."""
    if len(confusion) <= most:
        return np.arange(len(confusion))
    wrong = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * np.diag(confusion)
    return np.sort(np.argsort(-wrong, kind="stable")[:most])


def pairs(confusion: np.ndarray, most: int = PAIRS) -> list[tuple[int, int, int]]:
    """(true, predicted, count) of the most frequent mistakes, most frequent first."""
    wrong = confusion - np.diag(np.diag(confusion))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order, wrong.shape)
    return [
        (int(row), int(column), int(wrong[row, column])) for row, column in zip(rows, columns) if wrong[row, column]
    ]


def render(confusion: np.ndarray, labels: Sequence[str], caption: str) -> str:
    """The matrix, the most frequent mistakes, and the figures of each label."""
    chosen = crowd(confusion)
    part, names = confusion[np.ix_(chosen, chosen)], [labels[at] for at in chosen]
    share = shares(confusion)[np.ix_(chosen, chosen)]
    if len(chosen) < len(labels):
        caption += f"; the {len(chosen)} of {len(labels)} labels that take part in the most mistakes"
    matrix = _table(part, share, names, caption) if len(names) <= TABULAR else _drawing(part, share, names, caption)
    return f"{matrix}{_pairs(confusion, labels)}{_labels(confusion, labels)}"


def _table(confusion: np.ndarray, share: np.ndarray, names: Sequence[str], caption: str) -> str:
    strong = strength(share)
    heads = "".join(
        f'<th scope="col"><span title="{escape(name)}">{isolated(cut(name, 24))}</span></th>' for name in names
    )
    rows = []
    for at, name in enumerate(names):
        cells = "".join(
            _cell(int(confusion[at, to]), share[at, to], strong[at, to], at == to) for to in range(len(names))
        )
        rows.append(f'<tr><th scope="row" title="{escape(name)}">{isolated(cut(name, 24))}</th>{cells}</tr>')
    upright = " upright" if sum(map(_width, names)) > 40 or max(map(_width, names)) > 8 else ""
    return (
        f'<p class="caption">{escape(caption)}</p><div class="scroll" tabindex="0"><table class="confusion{upright}" '
        f'aria-label="{escape(caption)}">'
        f'<thead><tr><td class="corner"></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(count: int, share: float, strong: float, hit: bool) -> str:
    if not count:
        return '<td class="none">0</td>'
    kind = ("hit" if hit else "miss") + (" strong" if strong > STRONG else "")
    return f'<td class="{kind}" style="--a:{strong:.2f}">{count:,}<small>{share:.2f}</small></td>'


def _drawing(confusion: np.ndarray, share: np.ndarray, names: Sequence[str], caption: str) -> str:
    size = 24 if len(names) <= COUNTED else 14
    font = min(11, size - 3)
    left = 12 + int(font * 0.62 * max(_width(cut(name, 20)) for name in names))
    side = left + size * len(names) + 8
    parts = [
        f'<svg class="confusion" style="min-width:{0.75 * side:.0f}px" width="{side}" height="{side}" '
        f'viewBox="0 0 {side} {side}" role="img" '
        f'aria-label="{escape(caption)}, {len(names)} labels" font-size="{font}">'
    ]
    for at, name in enumerate(names):
        middle = left + size * at + size / 2
        told = f"<title>{escape(name)}</title>{escape(cut(name, 20))}"
        parts.append(f'<text x="{left - 6}" y="{middle + font * 0.35:.1f}" text-anchor="end">{told}</text>')
        parts.append(f'<text transform="translate({middle + font * 0.35:.1f} {left - 6}) rotate(-90)">{told}</text>')
    parts.append(f'<path class="grid" d="{_lines(len(names), left, size)}"/>')
    parts += _squares(confusion, share, names, left, size)
    return f'<p class="caption">{escape(caption)}</p><div class="scroll" tabindex="0">{"".join(parts)}</svg></div>'


def _lines(count: int, left: int, size: int) -> str:
    end = left + size * count
    every = range(0, count + 1, 5)
    return "".join(f"M{left} {left + size * at}H{end}M{left + size * at} {left}V{end}" for at in every)


def _squares(confusion: np.ndarray, share: np.ndarray, names: Sequence[str], left: int, size: int) -> Iterator[str]:
    strong = strength(share)
    for row, column in zip(*np.nonzero(confusion)):
        x, y, count = left + size * column, left + size * row, int(confusion[row, column])
        told = f"true {names[row]}, predicted {names[column]}: {count:,}, {share[row, column]:.2f} of the row"
        yield (
            f'<rect x="{x + 0.5}" y="{y + 0.5}" width="{size - 1}" height="{size - 1}" '
            f'class="{"hit" if row == column else "miss"}" style="--a:{strong[row, column]:.2f}">'
            f"<title>{escape(told)}</title></rect>"
        )
        if size > 20 and count < 10000:
            kind = ' class="strong"' if strong[row, column] > STRONG else ""
            small = 10 if count < 100 else 8
            yield (
                f'<text{kind} x="{x + size / 2}" y="{y + size / 2 + 3.5}" text-anchor="middle" '
                f'font-size="{small}">{count}</text>'
            )


def _pairs(confusion: np.ndarray, labels: Sequence[str]) -> str:
    found = pairs(confusion)
    if not found:
        return '<p class="quiet">No sample was given another label than its own.</p>'
    totals = confusion.sum(axis=1)
    rows = "".join(
        f"<tr><td>{isolated(labels[true])}</td><td>{isolated(labels[said])}</td>"
        f'<td class="number">{count:,}</td><td class="number">{count / max(1, totals[true]):.3f}</td></tr>'
        for true, said, count in found
    )
    return (
        f"<details{' open' if len(labels) > TABULAR else ''}><summary>Most frequent mistakes</summary>"
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">true</th><th scope="col">predicted</th>'
        '<th scope="col" class="number">samples</th><th scope="col" class="number">share of the true label</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div></details>"
    )


def _labels(confusion: np.ndarray, labels: Sequence[str]) -> str:
    hits, true, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    rows = []
    for at, name in enumerate(labels):
        figures = (
            hits[at] / true[at] if true[at] else None,
            hits[at] / predicted[at] if predicted[at] else None,
            2 * hits[at] / (true[at] + predicted[at]) if true[at] + predicted[at] else None,
        )
        cells = "".join(f'<td class="number">{"-" if one is None else f"{one:.3f}"}</td>' for one in figures)
        counts = f'<td class="number">{true[at]:,}</td><td class="number">{predicted[at]:,}</td>'
        rows.append(f'<tr><th scope="row">{isolated(name)}</th>{counts}{cells}</tr>')
    heads = "".join(
        f'<th scope="col" class="number">{name}</th>' for name in ("samples", "predicted", "recall", "precision", "F1")
    )
    return (
        '<details><summary>Each label</summary><div class="scroll" tabindex="0"><table><thead><tr>'
        f'<th scope="col">label</th>{heads}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _width(text: str) -> int:
    """Columns a text takes: characters of East Asia are twice as wide."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
