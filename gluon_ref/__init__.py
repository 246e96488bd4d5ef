"""Reference implementations on MXNet Gluon: train, evaluate, predict, export; nothing is imported until it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module it lives in.
_PLACES = {
    "Data": "records",
    "Facts": "records",
    "GluonRefError": "errors",
    "Recipe": "recipe",
    "Task": "records",
    "diagnose": "diagnosis",
    "evaluate": "evaluation",
    "export": "exporting",
    "inspect": "inspection",
    "launch": "launching",
    "predict": "prediction",
    "report": "reporting",
    "resume": "training",
    "sweep": "sweeping",
    "train": "training",
}
__all__ = sorted(_PLACES)

if TYPE_CHECKING:
    from .diagnosis import diagnose as diagnose
    from .errors import GluonRefError as GluonRefError
    from .evaluation import evaluate as evaluate
    from .exporting import export as export
    from .inspection import inspect as inspect
    from .launching import launch as launch
    from .prediction import predict as predict
    from .recipe import Recipe as Recipe
    from .records import Data as Data
    from .records import Facts as Facts
    from .records import Task as Task
    from .reporting import report as report
    from .sweeping import sweep as sweep
    from .training import resume as resume
    from .training import train as train


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
