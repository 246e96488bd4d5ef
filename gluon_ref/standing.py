"""What a file says of where a run stands, looked at before a training goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

LIMIT = 2**53  # counters below it are exact as floats too


def fault(state: Mapping[str, Any]) -> str | None:
    """The first entry of state.json that no run writes, or None; what is not there has no fault."""
    return next((name for name, sound in ENTRIES.items() if name in state and not sound(state[name])), None)


def _counter(value: Any) -> bool:
    return type(value) is int and 0 <= value < LIMIT


def _total(value: Any) -> bool:
    return _counter(value) and value > 0


def _cuts(value: Any) -> bool:
    """[batches, their total] of each."""
    return isinstance(value, list) and all(
        isinstance(cut, list) and len(cut) == 2 and all(map(_total, cut)) for cut in value
    )


def _sums(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, float) for one in value.values())


# Entry -> whether a value can be one.
ENTRIES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("epoch", "batch", "epoch_seen", "step", "seen", "best_epoch"), _counter),
    "total": _total,
    "cuts": _cuts,
    "sums": _sums,
}
