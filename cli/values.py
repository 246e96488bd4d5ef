"""What options and arguments of several commands have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# Options of every command that trains by a recipe which are short for one of its keys: flag -> key, option.
SHORTCUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "--epochs": ("train.epochs", {"type": int, "help": "Passes over the training part."}),
    "--batch-size": ("train.batch_size", {"type": int, "help": "Samples per update."}),
    "--lr": ("optimizer.learning_rate", {"type": float, "help": "Peak learning rate: optimizer.learning_rate."}),
    "--seed": (
        "train.seed",
        {"type": int, "help": "Seed of weights, order and dropout: the same seed gives the same weights."},
    ),
    "--device": ("train.device", {"metavar": "NAME", "help": "Where to compute: cpu, cpu:N or gpu:0,1."}),
    "--kvstore": (
        "train.kvstore",
        {"metavar": "NAME", "help": "How several devices add their gradients: local or device."},
    ),
    "--precision": (
        "train.precision",
        {"metavar": "NAME", "help": "Arithmetic: float32, bfloat16 on a CPU that has it, or float16 on GPUs."},
    ),
    "--hybridize/--no-hybridize": (
        "train.hybridize",
        {"default": None, "help": "Compile the network (the default), or run it line by line for debugging."},
    ),
}


def given(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text, which a script's unset variable leaves; nothing else is meant by it."""
    if value == "":
        raise click.BadParameter("nothing given; give a value or leave it out")
    return value


def folder(flag: str, told: str) -> Decorator:
    """An option that names a folder; `told` is its help."""
    return click.option(flag, type=click.Path(), callback=given, metavar="DIR", help=told)


def shortcuts(*without: str) -> Decorator:
    """The options --data and SHORTCUTS, but for the flags in `without`; the command gets the latter as keywords."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for flag, (_, how) in reversed(SHORTCUTS.items()):
            if flag not in without:
                command = click.option(flag, **how)(command)
        return click.option(
            "--data",
            callback=given,
            metavar="NAME[:PATH]",
            help="Data set or format to train on, with the path of your own files after a colon.",
        )(command)

    return decorate


def setting(told: str, values: str = "VALUE", key: str = "SECTION.KEY") -> Decorator:
    """The option --set, given as often as wanted; `told` is its help, `values` what may follow a `key`."""
    return click.option("--set", "settings", multiple=True, metavar=f"{key}={values}", help=told)


def asked(data: str | None, given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The changes of a recipe that --data and the shortcuts ask for, as ("section.key", value)."""
    from gluon_ref.recipe import data_changes

    changes: list[tuple[str, Any]] = list(data_changes(data)) if data is not None else []
    for flag, (key, _) in SHORTCUTS.items():
        value = given.get(_keyword(flag))
        if value is not None:
            changes.append((key, value))
    return changes


def pairs(settings: tuple[str, ...], changes: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """What --set was given, as ("section.key", text).

    Args:
        settings: each SECTION.KEY=VALUE.
        changes: what `asked` found; a key of a shortcut that is among them is refused.
    """
    found = []
    for one in settings:
        key, equals, value = one.partition("=")
        if not equals:
            raise click.UsageError(f"--set {one}: expected SECTION.KEY=VALUE, for example --set model.units=128")
        flag = next((flag for flag, (its, _) in SHORTCUTS.items() if its == key), None)
        if flag and key in dict(changes):
            raise click.UsageError(f"--set {one} and {flag.split('/')[0]} say the same; give one of them")
        found.append((key, value))
    return found


def _keyword(flag: str) -> str:
    return flag.split("/")[0].lstrip("-").replace("-", "_")
