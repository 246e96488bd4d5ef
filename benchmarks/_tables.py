"""What benchmarks/training.py measured, as Markdown."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

BATCH = 128
HEADS = ("net", "batch", "threads", "kind", "samples/s", "slowest to quickest round", "processor ms a step", "peak MB")
# (what is measured, net, what, kind, against, at least): ratios of medians, all cores, batch 128
BARS = (
    *(("train", net, "package", "torch", least) for net, least in (("cnn", 1.8), ("lstm", 1.15), ("mlp", 1.0))),
    ("train", "cnn", "package", "torch-channels-last", None),
    *(("train", net, "package", "torch-compiled", None) for net in ("cnn", "lstm", "mlp")),
    ("train", "cnn", "bfloat16", "package", 1.4),
    *(("epoch", net, "package", "torch", least) for net, least in (("cnn", 1.7), ("mlp", 1.0))),
    *(("epoch", net, "package", "gluon", 0.95) for net in ("cnn", "mlp")),
    *(("epoch", net, "package", "gluon-set", None) for net in ("cnn", "mlp")),
)
PEAK_SHARE = 0.5
NAMES = {
    "package": "gluon_ref",
    "bfloat16": "gluon_ref, bfloat16",
    "gluon": "Gluon by hand",
    "gluon-set": "Gluon by hand, with this package's settings",
    "torch": "PyTorch eager, fused Adam",
    "torch-channels-last": "the same, channels last",
    "torch-compiled": "torch.compile",
}
# Layers of the cnn: products for one output value, and how many values (dense layers: one place).
CONVOLUTIONS = ((28 * 28, 9 * 1, 32), (14 * 14, 9 * 32, 64), (7 * 7, 9 * 64, 128))
DENSE = ((128 * 3 * 3, 128), (128, 10))


def forward_flops() -> int:
    """Floating point operations of the cnn's convolutions and dense layers for one image, forward.

    A product and its addition are two: 2 * places * (3 * 3 * channels in) * channels out, and 2 * in * out.
    """
    convolutions = sum(2 * places * window * filters for places, window, filters in CONVOLUTIONS)
    return convolutions + sum(2 * before * after for before, after in DENSE)


def training_flops() -> int:
    """Of a training step, for one image: forward once and backward twice as much, for inputs and for weights."""
    return 3 * forward_flops()


def machine() -> str:
    """Processor, cores and versions, in a line."""
    from gluon_ref.backend import versions
    from gluon_ref.machine import processors

    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions_here = f"MXNet {versions()['mxnet']}, Python {platform.python_version()}"
    return f"{model or platform.machine()}, {processors()} cores, {versions_here}"


def keep(place: Path, text: str, document: dict[str, Any]) -> None:
    """Write what was measured, as Markdown and as JSON beside it."""
    place.parent.mkdir(exist_ok=True)
    place.with_suffix(".md").write_text(text, encoding="utf-8")
    place.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def ratio(quick: Any, slow: Any) -> tuple[float, float, float]:
    """How many times as fast one row is: by the medians, and the least and most of any round."""
    rounds = [theirs / mine for mine, theirs in zip(quick.seconds, slow.seconds)]
    return slow.median_s / quick.median_s, min(rounds), max(rounds)


def bars(rows: Sequence[Any], cores: int) -> list[dict[str, Any]]:
    """The bars, and what is reached; those that were not measured are left out."""
    held = {(one.what, one.net, one.kind, one.batch, one.threads): one for one in rows if one.seconds}
    made = []
    for what, net, kind, against, least in BARS:
        pair = [held.get((what, net, one, BATCH, cores)) for one in (kind, against)]
        if all(pair):
            reached, low, high = ratio(*pair)
            told = f"{what}, {net}, {NAMES[kind]} against {NAMES[against]}"
            made.append({"what": told, "reached": reached, "low": low, "high": high, "least": least})
    top, cnn = peak(rows, cores), held.get(("train", "cnn", "package", BATCH, cores))
    if top and cnn:
        shares = [
            training_flops() * BATCH / spent / top for spent in (cnn.median_s, max(cnn.seconds), min(cnn.seconds))
        ]
        told = f"train, cnn, share of the machine's {top / 1e9:,.0f} GFLOP/s at float32 products"
        made.append(dict(zip(("what", "reached", "low", "high", "least"), (told, *shares, PEAK_SHARE))))
    return made


def peak(rows: Iterable[Any], threads: int) -> float:
    """Most operations a second that products of matrices reached; 0 where none was measured."""
    speeds = [
        2 * one.batch**3 / one.median_s for one in rows if one.what == "peak" and one.seconds and one.threads == threads
    ]
    return max(speeds, default=0.0)


def document(rows: Sequence[Any], cores: int) -> str:
    """All tables."""
    found = [section("Bars", _bars(bars(rows, cores)))]
    for title, what in (("Training, steady state", "train"), ("Inference, arrays of numpy out", "infer")):
        found.append(section(title, table(HEADS, [_row(one) for one in rows if one.what == what])))
    found.append(section("Whole epochs of Fashion-MNIST", _epochs(rows)))
    found.append(section("Where a step's time goes, milliseconds", _profile(rows)))
    found.append(section("Products of float32 matrices", _peaks(rows)))
    return "\n".join(found)


def section(title: str, text: str) -> str:
    """A headed part."""
    return f"## {title}\n\n{text}\n"


def table(heads: Sequence[str], cells: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, one))} |" for one in cells)])


def _row(one: Any) -> Sequence[Any]:
    start = (one.net, one.batch, one.threads, NAMES[one.kind])
    if not one.seconds:
        return (*start, one.error, "", "", "")
    rate: Callable[[float], str] = lambda seconds: f"{one.batch / seconds:,.0f}"  # noqa: E731
    spread = f"{rate(max(one.seconds))} to {rate(min(one.seconds))}"
    work = f"{1e3 * statistics.median(one.processor):.3f}"
    return (*start, rate(one.median_s), spread, work, f"{one.bytes / 1e6:,.0f}")


def _bars(found: Sequence[dict[str, Any]]) -> str:
    cells = [
        (one["what"], f"{one['reached']:.2f}", f"{one['low']:.2f} to {one['high']:.2f}", one["least"] or "")
        for one in found
    ]
    note = (
        f"Ratios of medians, all cores, batch {BATCH}; beside them the least and the most of any round. The share of "
        "the peak counts the cnn's convolutions, 2 * places * 9 * channels in * channels out, and dense layers, "
        f"2 * in * out: forward {forward_flops():,}, and backward twice that; {training_flops():,} operations an image."
    )
    return f"{table(('what', 'times as fast', 'rounds', 'at least'), cells)}\n\n{note}"


def _epochs(rows: Iterable[Any]) -> str:
    heads = ("net", "kind", "seconds an epoch", "quickest to slowest", "processor s an epoch", "peak MB")
    cells = [
        (one.net, NAMES[one.kind], f"{one.median_s:.2f}", f"{min(one.seconds):.2f} to {max(one.seconds):.2f}",
         f"{statistics.median(one.processor):.2f}", f"{one.bytes / 1e6:,.0f}")
        if one.seconds else (one.net, NAMES[one.kind], one.error, "", "", "")
        for one in rows if one.what == "epoch"
    ]  # fmt: skip
    note = "Batch 128, 60,000 images, and 10,000 evaluated at the end; the processor's seconds have a part of start-up."
    return f"{table(heads, cells)}\n\n{note}"


def _profile(rows: Sequence[Any]) -> str:
    """Parts as differences of what was measured one after another; by the clock and of the processor."""
    cells = []
    held = {(one.net, one.threads, one.what): one for one in rows if one.kind == "package" and one.batch == BATCH}
    for (net, threads, what), whole in held.items():
        if what != "train" or not whole.seconds or (net, threads, "update") not in held:
            continue
        for unit, of in (("clock", lambda one: one.seconds), ("processor", lambda one: one.processor)):
            took = {
                name: 1e3 * statistics.median(of(held[net, threads, name]))
                for name in ("gather", "move", "forward", "backward", "update", "train")
            }
            shown = (
                took["gather"], took["move"], took["forward"], took["backward"] - took["forward"],
                took["update"] - took["backward"], took["train"] - took["gather"] - took["move"] - took["update"],
                took["train"],
            )  # fmt: skip
            cells.append((net, threads, unit, *(f"{one:.3f}" for one in shown)))
    heads = ("net", "threads", "", "gather", "copy", "forward", "backward", "update", "rest and hooks", "whole step")
    note = (
        "Parts are measured on their own, the device waited for after each; in the whole step they overlap, so that "
        "the rest may be below 0 by the clock."
    )
    return f"{table(heads, cells)}\n\n{note}"


def _peaks(rows: Iterable[Any]) -> str:
    cells = [
        (one.threads, one.batch, one.kind, f"{2 * one.batch**3 / one.median_s / 1e9:,.0f}")
        for one in rows
        if one.what == "peak" and one.seconds
    ]
    return table(("threads", "rows", "by", "GFLOP/s"), cells)
