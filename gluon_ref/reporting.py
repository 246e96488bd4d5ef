"""report(runs): curves, confusion, calibration and the worst mistakes of runs as one HTML file, PNGs and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import __version__, runs
from .errors import RequestError
from .evaluation import change_data
from .reports import drawing, page, plots
from .reports.charts import PALETTE, Chart
from .reports.publishing import FILES, KIND, NUMBERS, PAGE, written
from .reports.reviewing import Review, differences, review

FORMAT = 1
WORST = 24


@dataclass(frozen=True)
class Report:
    """A written report.

    Args:
        folder: it is in.
        files: of the report, the page first.
        numbers: what report.json holds.
        notes: what could not be drawn as asked.
    """

    folder: Path
    files: tuple[Path, ...]
    numbers: dict[str, Any]
    notes: tuple[str, ...]


def report(
    folders: Sequence[str | Path], out: str | Path | None = None, data: str | None = None, *, worst: int = WORST
) -> Report:
    """Write a report of one run, or of several side by side.

    Args:
        folders: of the runs.
        out: a folder that is new, empty, or holds an earlier report, which is replaced; RUN/report for one run and
            `report` for several when None.
        data: "NAME" or "NAME:PATH" to examine the runs on instead of each one's own held-out part.
        worst: mistakes to show of each run.
    Raises:
        PathError: when a folder holds no run, a run has nothing to show, or `out` holds anything but a report.
        RequestError: when there are too many runs, or one twice.
        GluonRefError: when a run's data cannot be read, or is not what its network reads.
    """
    if len(folders) > len(PALETTE):
        raise RequestError(
            "report",
            f"{len(folders)} runs",
            f"at most {len(PALETTE)}, as many as lines can be told apart",
            "leave some out",
        )
    opened = [runs.load(Path(folder)) for folder in folders]
    names = _names([run.folder for run in opened])
    target = Path(out) if out is not None else opened[0].folder / "report" if len(opened) == 1 else Path("report")
    with written(target) as fresh:
        reviews = [
            review(name, run, change_data(run.recipe, data) if data is not None else None, worst)
            for name, run in zip(names, opened)
        ]
        numbers = _numbers(reviews)
        (fresh / PAGE).write_bytes(page.render(reviews).encode())
        (fresh / NUMBERS).write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        notes = _draw(reviews, fresh)
    files = tuple(target / name for name in FILES if (target / name).is_file())
    return Report(target, files, numbers, notes)


def _names(folders: Sequence[Path]) -> list[str]:
    """What to call the runs: their folders' names, or as much of the paths as tells them apart."""
    paths = [folder.resolve() for folder in folders]
    for path in paths:
        if paths.count(path) > 1:
            raise RequestError("report", f"{path} twice", "each run once", "leave one of them out")
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _draw(reviews: Sequence[Review], folder: Path) -> tuple[str, ...]:
    """The PNG files, one kind of picture each."""
    pen = drawing.Pen(_texts(reviews))
    found = [(one, one.findings, at) for at, one in enumerate(reviews) if one.findings]
    watch = next((one.watch[0] for one in reviews if one.watch[0]), "")
    lines = plots.curves([(one.name, one.history) for one in reviews], watch, [one.best_epoch for one in reviews])
    values = [(run, plots.agreement(one.values, run.facts.column, at)) for run, one, at in found if one.values]
    bins = [(run, plots.reliability(one.calibration, at)) for run, one, at in found if one.calibration]
    matrices = [(run.name, one.confusion, run.facts.labels) for run, one, _ in found if one.confusion is not None]
    mistakes = [(run.name, one.mistakes, run.exhibits) for run, one, _ in found if one.mistakes]
    for name, pictures, columns in (
        ("curves.png", lines, 3),
        ("values.png", _titled(values, len(reviews)), 2),
        ("calibration.png", _titled(bins, len(reviews)), 2),
    ):
        if pictures:
            drawing.draw_charts(pen, pictures, folder / name, columns)
    if matrices:
        drawing.draw_confusions(pen, matrices, folder / "confusion.png")
    if mistakes:
        drawing.draw_mistakes(pen, mistakes, folder / "mistakes.png")
    if not pen.missing:
        return ()
    example = ", ".join(sorted(pen.missing, key=len)[:3])
    return (
        f"no font here has the letters of {len(pen.missing)} texts ({example}); the PNG files show numbers instead, "
        f"{PAGE} has them in the browser's fonts; install a font, for Chinese `apt-get install fonts-noto-cjk`",
    )


def _titled(pairs: Sequence[tuple[Review, tuple[Chart, Chart]]], runs: int) -> list[Chart]:
    """Charts of each run, which name it where there are several: a picture has no headings."""
    return [
        replace(chart, title=f"{run.name}: {chart.title}") if runs > 1 else chart
        for run, both in pairs
        for chart in both
    ]


def _texts(reviews: Sequence[Review]) -> Iterator[str]:
    """What strangers wrote and the PNG files show."""
    for one in reviews:
        yield one.name
        yield from one.facts.labels
        yield one.facts.column
        for exhibit in one.exhibits:
            yield from (piece for piece, _ in exhibit.text)
            yield from (f"{name} {cell}" for name, cell in exhibit.row)


def _numbers(reviews: Sequence[Review]) -> dict[str, Any]:
    """What report.json holds: the numbers of the page."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "version": __version__,
        "runs": [_run(one) for one in reviews],
        "differences": differences(reviews),
    }


def _run(one: Review) -> dict[str, Any]:
    history = one.history
    groups = {"losses": history.losses, "scores": history.scores, "within": history.within, "others": history.others}
    told: dict[str, Any] = {
        "name": one.name,
        "recipe": one.recipe.name,
        **{section: one.recipe[section]["name"] for section in ("task", "model")},
        "data": one.data,
        "epochs": one.epochs,
        "best_epoch": one.best_epoch,
        "parameters": one.parameters,
        "time_s": round(history.time_s, 3),
        "versions": dict(one.versions),
        "notes": list(one.notes),
        "history": {
            group: {
                name: {"step": points.steps.tolist(), "value": points.figures.tolist()}
                for name, points in figures.items()
            }
            for group, figures in groups.items()
        },
    }
    if one.findings is None:
        return told
    return {**told, **_found(one)}


def _found(one: Review) -> dict[str, Any]:
    findings = one.findings
    assert findings is not None
    told: dict[str, Any] = {"samples": findings.samples, "metrics": dict(findings.metrics)}
    if findings.confusion is not None:
        told |= {"labels": list(one.facts.labels), "confusion": findings.confusion.tolist()}
    if findings.calibration is not None:
        bins = findings.calibration
        told["calibration"] = {
            "error": bins.error,
            "edges": bins.edges.tolist(),
            "samples": bins.counts.tolist(),
            "probability": bins.confidence.tolist(),
            "right": bins.accuracy.tolist(),
        }
    keys = ("index", "true", "predicted", "probability", "likelihood", "loss")
    told["mistakes"] = [{key: getattr(mistake, key) for key in keys} for mistake in findings.mistakes]
    return told
