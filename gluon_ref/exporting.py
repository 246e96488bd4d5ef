"""export(run, format): write a model, open it in a fresh process, and keep it only if it answers like the network."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from . import catalog, documents, folders, options
from .artefacts import FORMAT, MANIFEST
from .backend import versions
from .documents import checksum
from .errors import OptionError, PathError, VerificationError
from .exports import guarding, naming
from .exports.strangers import of_files
from .exports.subjects import LIKENESS, Subject, of_run
from .exports.verifying import Comparison, RefusedError, Verdict, drop, judge, reopen

MAX_DROP = 0.01


@dataclass(frozen=True)
class Export:
    """A verified artefact.

    Args:
        folder: where it is.
        format: of the artefact.
        tolerance: what it was held against.
        comparisons: the table.
        metrics: figures of network and artefact by name, where data was at hand.
        trained: it is of a run, whose task is known.
        left_out: layers of a lossy format that stayed in float32.
        notes: what the person should know.
    """

    folder: Path
    format: str
    tolerance: float
    comparisons: tuple[Comparison, ...]
    metrics: Mapping[str, Mapping[str, float]]
    trained: bool = True
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def export(
    run: str | Path,
    exporter: str,
    out: str | Path | None = None,
    tolerance: float | None = None,
    max_drop: float = MAX_DROP,
    settings: Sequence[tuple[str, str]] = (),
) -> Export:
    """Export the best weights of a run.

    Args:
        run: folder of the run.
        exporter: format, a name in exporters/.
        out: a new or empty folder; RUN/FORMAT when None.
        tolerance: largest accepted |a - b| / (1 + largest |b|) of an output a and the network's b of a sample; the
            format's own when None.
        max_drop: what a lossy format may lose of the task's watched figure: points of a share, or a share of an error.
        settings: the exporter's options, as ("name", "text").
    Raises:
        VerificationError: when the artefact answers otherwise; nothing is left behind then.
        ConversionError: when the format cannot carry the network.
        PathError: when `out` exists.
    """
    plan = _plan(exporter, tolerance, max_drop, settings)
    folder = Path(out) if out is not None else Path(run) / plan.name
    folders.vacant(folder)
    return _export(plan, of_run(run, calibrated=plan.lossy), folder)


def export_files(
    symbol: str | Path,
    params: str | Path,
    shapes: Mapping[str, tuple[int, ...]],
    exporter: str,
    out: str | Path | None = None,
    tolerance: float | None = None,
    max_drop: float = MAX_DROP,
    settings: Sequence[tuple[str, str]] = (),
    dtypes: Mapping[str, str] | None = None,
    calibration: str | Path | None = None,
    outputs: Sequence[str] = (),
    watch: str = LIKENESS[0],
) -> Export:
    """Export a model of anyone's from the files that MXNet wrote; nothing in them is executed.

    Args:
        symbol: NET-symbol.json.
        params: NET-0000.params.
        shapes: of each input, batch first; -1 where an axis varies.
        exporter: format, a name in exporters/.
        out: a new or empty folder; NET-FORMAT in the current one when None.
        tolerance: as in `export`; the reference is what SymbolBlock answers.
        max_drop: as in `export`; the figure is `watch`, on `calibration`.
        settings: as in `export`.
        dtypes: of inputs that are not float32.
        calibration: .npz of real inputs by name, or .npy of the only one: compared too, and what a lossy format needs.
        outputs: nodes of the network to take as its results, by name; those of the file when empty.
        watch: "agreement", the share of samples that keep their largest output, or "similarity", the mean cosine.
    Raises:
        DataError: when the files are none of MXNet's, or do not belong together.
        OptionError: when shapes or dtypes do not fit, or there is no such output.
        VerificationError, ConversionError, PathError: as in `export`.
    """
    plan = _plan(exporter, tolerance, max_drop, settings)
    folder = Path(out) if out is not None else naming.place(symbol, plan.name)
    folders.vacant(folder)
    return _export(plan, of_files(symbol, params, shapes, dtypes or {}, calibration, outputs, watch), folder)


@dataclass(frozen=True)
class _Plan:
    name: str
    module: ModuleType
    tolerance: float
    max_drop: float
    options: Mapping[str, Any]

    @property
    def lossy(self) -> bool:
        return bool(getattr(self.module, "LOSSY", False))


def _plan(exporter: str, tolerance: float | None, max_drop: float, settings: Sequence[tuple[str, str]]) -> _Plan:
    """What was asked, checked before any work."""
    module, exporter = catalog.find("exporters", exporter), catalog.spelled("exporters", exporter)
    tolerance = module.TOLERANCE if tolerance is None else tolerance
    for name, value in (("tolerance", tolerance), ("max-drop", max_drop)):
        if not 0 <= value < float("inf"):
            raise OptionError("export", f"{name}={value}", "a number, 0 or more", f"pass --{name} 0.001")
    # As messages spell them, "onnx.opset", or bare.
    bare = {key.removeprefix(f"{exporter}.").removeprefix("format."): value for key, value in settings}
    given = options.complete(f"format {exporter}", module.write, bare)
    return _Plan(exporter, module, tolerance, max_drop, given)


def _export(plan: _Plan, subject: Subject, folder: Path) -> Export:
    with _beside(folder) as beside:
        left_out: tuple[str, ...] = ()
        if plan.lossy:
            left_out, written = _guarded(plan, subject, beside)
        else:
            written = plan.module.write(subject.source, beside, **plan.options)
        document = _manifest(plan, subject, written or {}, beside)
        documents.write(beside / MANIFEST, document)
        verdict = judge(subject, reopen(beside, subject.cases), plan.tolerance, plan.lossy)
        _refuse(plan, subject, verdict)
        document["verified"] = {
            "tolerance": plan.tolerance,
            "comparisons": [dataclasses.asdict(row) for row in verdict.rows],
            "metrics": verdict.metrics,
            **({"max_drop": plan.max_drop, "left_out": list(left_out)} if plan.lossy else {}),
        }
        documents.write(beside / MANIFEST, document)
        beside.chmod(0o755)
        place = Path(os.path.realpath(folder))  # a link to an empty folder stays one
        if place.is_dir():
            place.rmdir()  # empty, as checked
        os.replace(beside, place)
    trained = "task" in subject.document
    return Export(folder, plan.name, plan.tolerance, verdict.rows, verdict.metrics, trained, left_out, subject.notes)


def _guarded(plan: _Plan, subject: Subject, beside: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Write with as few layers left out as keep the figure.

    Raises:
        VerificationError: when none does, or there is nothing to measure by.
    """
    if subject.measure is None:
        raise VerificationError(
            f"export to {plan.name}",
            "; ".join(subject.notes) or "no samples to measure the loss of rounding by",
            "held-out data, or samples of the model's inputs",
            "put the data of training back, or pass --calibration FILE.npz with a model of your own",
        )
    refused: Exception | None = None
    with tempfile.TemporaryDirectory(prefix=".attempts-", dir=beside.parent) as parent:
        for left_out, attempt, written, verdict in guarding.attempts(
            plan.module, subject, Path(parent), **dict(plan.options)
        ):
            try:
                _refuse(plan, subject, verdict)
            except VerificationError as error:
                refused = error
                continue
            guarding.move(attempt, beside)
            return left_out, written
    assert refused
    raise refused


def _refuse(plan: _Plan, subject: Subject, verdict: Verdict) -> None:
    """Refuse what differs by more than was accepted."""
    error: RefusedError | None = None
    wrong = next((row for row in verdict.rows if not row.accepted), None)
    if wrong and not np.isfinite(wrong.absolute):
        error = RefusedError(
            f"export to {plan.name}",
            f"{wrong.case}: the artefact answers no number where the network does, or the other way round",
            "the same in both",
            "; ".join(("nothing was kept", *subject.notes, "look for values that overflow, or export to symbol")),
        )
    elif wrong:
        error = RefusedError(
            f"export to {plan.name}",
            f"{wrong.case}: outputs differ by up to {wrong.absolute:.3g}",
            f"at most {plan.tolerance:g} * (1 + the largest of the sample)",
            "; ".join(("nothing was kept", *subject.notes, "pass --tolerance if that is acceptable")),
        )
    elif plan.lossy and not drop(subject, verdict) <= plan.max_drop:
        name = subject.watch[0]
        pair = verdict.metrics[name]
        other = f", --watch {LIKENESS[1]} if the output is an embedding" if name == LIKENESS[0] else ""
        error = RefusedError(
            f"export to {plan.name}",
            f"{name} fell from {pair['network']:.4f} to {pair['artefact']:.4f}, whichever layers were left out",
            f"a loss of at most {plan.max_drop:g}",
            f"nothing was kept; pass --max-drop if that is acceptable{other}, or export to onnx",
        )
    if error:
        error.verdict = verdict
        raise error


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is asked for, gone when it has not taken its place."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        parent = Path(os.path.realpath(folder)).parent
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    except OSError as error:
        raise PathError(
            "export",
            f"{folder.parent} cannot be written ({error.strerror})",
            "a folder you may write",
            "pass --out DIR",
        ) from None
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _manifest(plan: _Plan, subject: Subject, written: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "exporter": plan.name,
        **subject.document,
        "fields": [dataclasses.asdict(field) for field in subject.source.inputs],
        "outputs": written.get("outputs", [field.name for field in subject.source.outputs]),
        "options": {name: list(v) if isinstance(v, tuple) else v for name, v in plan.options.items()},
        "written": dict(written),
        "versions": versions(),
        "files": {path.name: checksum(path) for path in sorted(folder.iterdir())},
    }
