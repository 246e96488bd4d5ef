"""Facts read from a file, held against each other: a network is built by them, and rows are laid out."""

from __future__ import annotations

from math import prod

from .records import Facts

# Numbers in one input: more than any image that Pillow reads.
LARGEST = 2**29
SPLITS = ("", "character", "marked", "word")


def fault(facts: Facts) -> str:
    """What does not fit in some facts, or nothing."""
    if facts.target == "label" and (not facts.labels or len(set(facts.labels)) != len(facts.labels)):
        return f"labels {_short(facts.labels)}"
    if facts.counts and (len(facts.counts) != len(facts.labels) or min(facts.counts) < 0):
        return f"counts {_short(facts.counts)} of {len(facts.labels)} labels"
    if min((*facts.std, facts.target_std)) <= 0:
        return "a deviation that is not above 0"
    return FORMS[facts.takes](facts) if facts.takes in FORMS else ""


def _image(facts: Facts) -> str:
    if len(facts.shape) != 3 or facts.shape[0] not in (1, 3) or not _sized(facts):
        return f"images of shape {_short(facts.shape)}"
    return _moments(facts, facts.shape[0])


def _vector(facts: Facts) -> str:
    if len(facts.shape) != 1 or not _sized(facts):
        return f"rows of shape {_short(facts.shape)}"
    if facts.categories and len(facts.categories) != len(facts.columns):
        return f"categories of {len(facts.categories)} columns, of {len(facts.columns)}"
    if len(set(facts.columns)) != len(facts.columns) or set(facts.gaps) - set(facts.columns):
        return f"columns {_short(facts.columns)} with gaps in {_short(facts.gaps)}"
    values = facts.categories or ((),) * len(facts.columns)
    width = sum(len(one) or 1 + (name in facts.gaps) for name, one in zip(facts.columns, values))
    if facts.columns and facts.shape != (width,):
        return f"rows of {facts.shape[0]} numbers from columns that give {width}"
    return _moments(facts, facts.shape[0])


def _text(facts: Facts) -> str:
    if facts.shape != (-1,):
        return f"texts of shape {_short(facts.shape)}"
    if len(facts.vocab) < 2 or facts.split not in SPLITS or facts.length < 0:
        return f"{len(facts.vocab)} tokens, split by {facts.split!r}, {facts.length} at most"
    return ""


# Input form -> what does not fit in facts of it; those of others' own are not known.
FORMS = {"image": _image, "vector": _vector, "text": _text}


def _sized(facts: Facts) -> bool:
    return min(facts.shape) >= 1 and prod(facts.shape) <= LARGEST


def _moments(facts: Facts, size: int) -> str:
    if (len(facts.mean), len(facts.std)) in ((size, size), (0, 0)):
        return ""
    return f"{len(facts.mean)} means and {len(facts.std)} deviations for {size}"


def _short(values: tuple[object, ...]) -> str:
    text = ", ".join(map(str, values))
    return text if len(text) <= 60 else text[:57] + "..."
