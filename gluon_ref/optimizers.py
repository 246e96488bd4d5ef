"""Any optimizer MXNet knows, by name, with its options read off its class."""

from __future__ import annotations

import inspect
from typing import Any

from . import adamw  # noqa: F401 - MXNet's register has it from then on
from .backend import mx
from .errors import FitError, UnknownNameError, require
from .options import REQUIRED, Option, fill

# Filled in by the run itself, or under another name here.
OURS = {
    "self",
    "kwargs",
    "args",
    "rescale_grad",
    "param_idx2name",
    "wd",
    "lr_scheduler",
    "sym",
    "begin_num_update",
    "param_dict",
    "learning_rate",
    "multi_precision",
    "lazy_update",
}
# No optimizers for a network: MXNet's own test, an alias, and one that refuses biases.
UNFIT = ("test", "ccsgd", "groupadagrad")
# Options that MXNet 1.9.1 fails on: DCASGD asks an array whether it is true, and what LBSGD adds up
# over several batches is not in its state, so that a resumed run would differ.
BROKEN = {"dcasgd": {"momentum"}, "lbsgd": {"batch_scale"}}
# These count once for all devices, or draw noise on each: the devices' weights would drift apart.
SINGLE = ("lars", "lbsgd", "nadam", "sgld")
# These draw random numbers in their updates: MXNet's generator is seeded before each of them.
DRAWING = ("sgld",)

# Shares of a running average that stay at each step; from 1 up, MXNet divides by 0 or takes the root of a negative.
KEPT = ("beta1", "beta2", "gamma1", "gamma2", "momentum", "rho")


def names() -> list[str]:
    """Names of the optimizers in this MXNet, sorted."""
    return sorted(name for name in mx.optimizer.Optimizer.opt_registry if name not in UNFIT)


def schema(name: str) -> dict[str, Option]:
    """Options of an optimizer: learning_rate, weight_decay, and its own.

    Raises:
        UnknownNameError: when MXNet has no optimizer of that name.
    """
    if name.lower() not in names():
        raise UnknownNameError("optimizer", name, names())
    maker = mx.optimizer.Optimizer.opt_registry[name.lower()]
    found = {
        "learning_rate": Option("learning_rate", float, 0.01, "peak learning rate, above 0"),
        "weight_decay": Option(
            "weight_decay", float, 0.0, "L2 penalty on weights, 0 or more; none on biases and norms"
        ),
    }
    for ancestor in reversed(maker.__mro__[:-1]):
        for parameter in inspect.signature(ancestor.__init__).parameters.values():
            if parameter.name == "learning_rate" and parameter.default not in (None, REQUIRED):
                found["learning_rate"] = Option("learning_rate", float, parameter.default, found["learning_rate"].help)
            if parameter.name not in OURS | BROKEN.get(name.lower(), set()):
                found[parameter.name] = Option(parameter.name, _kind(parameter.default), parameter.default)
    return found


def complete(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Every option of an optimizer with its typed value.

    Raises:
        UnknownNameError: for an optimizer or an option that does not exist.
        OptionError: for a value of the wrong type or out of range.
    """
    values = fill("optimizer", schema(name), given)
    require(values["learning_rate"] > 0, f"optimizer {name}", "learning_rate", values["learning_rate"], "above 0", 0.01)
    require(
        values["weight_decay"] >= 0, f"optimizer {name}", "weight_decay", values["weight_decay"], "0 or more", 0.0001
    )
    for key in KEPT:
        value = values.get(key, 0)
        require(0 <= value < 1, f"optimizer {name}", key, value, "a share from 0 to below 1", 0.9)
    return values


def make(
    name: str, scheduler: Any, settings: dict[str, Any], devices: int = 1, workers: int = 1, served: bool = False
) -> Any:
    """An mx.optimizer.Optimizer that takes its rate from `scheduler` (its base rate is the peak rate).

    Args:
        name: of the optimizer.
        scheduler: MXNet's.
        settings: its options.
        devices: of this process.
        workers: processes.
        served: it runs on servers, where the weights are.
    Raises:
        FitError: when it cannot keep the weights of several devices or workers alike.
    """
    if workers > 1 and not served and name.lower() in DRAWING:
        raise FitError(
            f"optimizer {name}",
            f"{workers} workers",
            "one process: the noise it draws would give each of them other weights",
            "pass --set optimizer.name=adam, or --kvstore dist_async, or train without `gluonref launch`",
        )
    if devices > 1 and name.lower() in SINGLE:
        raise FitError(
            f"optimizer {name}",
            f"{devices} devices",
            "one device: it would give each of them other weights",
            "pass --device cpu or --device gpu:0, or --set optimizer.name=adam",
        )
    own = {
        key: value
        for key, value in settings.items()
        if key not in ("learning_rate", "weight_decay") and value is not None
    }
    return mx.optimizer.create(
        name, learning_rate=scheduler.base_lr, lr_scheduler=scheduler, wd=settings["weight_decay"], **own
    )


def check_end(name: str, rate: float) -> None:
    """Refuse a schedule that ends at a rate with which an optimizer cannot work.

    Raises:
        FitError: when it does.
    """
    if name.lower() in DRAWING and rate <= 0:
        raise FitError(
            f"optimizer {name}",
            "a schedule that ends at 0",
            "rates above 0: its noise is scaled by them",
            "pass --set schedule.final=0.01, or another schedule",
        )


def seeding(name: str) -> dict[str, int]:
    """How often `fit` is to seed MXNet's generator for this optimizer."""
    return {"segment": 1} if name.lower() in DRAWING else {}


def _kind(default: Any) -> Any:
    if isinstance(default, bool):
        return bool
    if isinstance(default, (int, float)):
        # MXNet writes whole numbers as defaults of real-valued options (eps=0).
        return float if isinstance(default, float) or default in (0, 1) else int
    return float | None if default is None else Any
