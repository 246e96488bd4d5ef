"""An optimizer's state as plain arrays and numbers: Gluon's own files are pickles, which may run code when read."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from . import arrays as files
from .backend import mx
from .errors import AlteredError
from .options import LARGEST, SMALLEST

MOST = 2**31 - 1  # a count that MXNet takes


def arrays(trainer: Any) -> dict[str, Any]:
    """Name -> NDArray of everything the optimizer keeps per parameter, from the first device."""
    states = trainer._updaters[0].states
    return {f"{index}.{path}": array for index in sorted(states) for path, array in _walk(states[index])}


def write(trainer: Any, path: str) -> None:
    """Write those arrays as an MXNet list of named arrays; a stateless optimizer writes one empty entry."""
    mx.nd.save(path, arrays(trainer) or {"none": mx.nd.zeros((1,))})


def counts(trainer: Any) -> dict[str, Any]:
    """Numbers the optimizer keeps: updates per parameter, and its own counters (Nadam's schedule ...)."""
    optimizer = trainer._optimizer
    own = {
        key: value
        for key, value in vars(optimizer).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and key != "rescale_grad"
    }
    return {"updates": {str(index): count for index, count in optimizer._index_update_count.items()}, "own": own}


def restore(trainer: Any, path: str, numbers: Mapping[str, Any], ratio: float = 1.0) -> None:
    """Put arrays and numbers back into a new trainer of the same optimizer and parameters, on every device.

    Args:
        trainer: new.
        path: that `write` wrote to.
        numbers: from `counts`.
        ratio: what the updates count for here, where one takes more or fewer samples than it did.
    Raises:
        DataError: when the file is no file of arrays.
        AlteredError: when it does not fit the optimizer.
    """
    saved = files.load(path)
    optimizer = trainer._optimizer
    updates = {index: round(count * ratio) for index, count in _updates(trainer, path, numbers).items()}
    for key, value in _own(trainer, path, numbers).items():
        setattr(optimizer, key, round(value * ratio) if key == "num_update" else value)
    for device, updater in enumerate(trainer._updaters):
        optimizer._all_index_update_counts[trainer._contexts[device].device_id] = dict(updates)
        for index in updates:
            weight = trainer._params[index].list_data()[device]
            state = optimizer.create_state_multi_precision(index, weight)
            for name, array in _walk(state):
                key = f"{index}.{name}"
                if key not in saved or saved[key].shape != array.shape:
                    raise AlteredError(
                        path,
                        f"no array {key} of shape {array.shape}",
                        "the states of this run's optimizer",
                        "resume with the run's own optimizer and model",
                    )
                saved[key].astype(array.dtype).copyto(array)
            updater.states[index], updater.states_synced[index] = state, True
    optimizer._set_current_context(trainer._contexts[0].device_id)


def _updates(trainer: Any, path: str, numbers: Any) -> dict[int, int]:
    """Updates by parameter."""
    found = numbers.get("updates") if isinstance(numbers, dict) else None
    known = {str(index): index for index in range(len(trainer._params))}
    if not isinstance(found, dict) or not all(key in known and _count(value) for key, value in found.items()):
        raise _altered(path, f"updates {found!r}")
    return {known[key]: value for key, value in found.items()}


def _own(trainer: Any, path: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """What the optimizer has counted up, as far as this one has it too; what its options say, the recipe says."""
    found, optimizer = numbers.get("own"), trainer._optimizer
    if not isinstance(found, dict):
        raise _altered(path, f"own numbers {found!r}")
    # None as yet, where an optimizer is new.
    known = {key for key, value in vars(optimizer).items() if value is None or type(value) in (int, float)}
    counted = {key: value for key, value in found.items() if key in known - _configured(optimizer)}
    for key, value in counted.items():
        if not _count(value) and not (type(value) is float and (not value or SMALLEST <= abs(value) <= LARGEST)):
            raise _altered(path, f"{key} {value!r}")
    return counted


def _configured(optimizer: Any) -> set[str]:
    """Names of the numbers that an optimizer is made with."""
    makers = type(optimizer).__mro__[:-1]
    return {"lr", "wd", *(name for one in makers for name in inspect.signature(one).parameters)}


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


def _altered(path: str, given: str) -> AlteredError:
    given = given if len(given) <= 80 else given[:77] + "..."
    return AlteredError(
        path, f"kept beside {given}", "the numbers of this run's optimizer", "restore state.json from a copy"
    )


def _walk(state: Any, path: str = "s") -> Iterator[tuple[str, Any]]:
    if isinstance(state, mx.nd.NDArray):
        yield path, state
    elif isinstance(state, (list, tuple)):
        for position, part in enumerate(state):
            yield from _walk(part, f"{path}.{position}")
