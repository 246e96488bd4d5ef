"""What exports are worth: `python benchmarks/exports.py [--torch PYTHON] [--threads N]`, about ten minutes.

The same nets with the same random weights as Gluon runs them, as artefacts, and in PyTorch (2.13, eager,
inference_mode; PYTHON is one that has both torch and this package), numpy arrays in and out, each in a process of its
own, in turns. A ratio is the median of the rounds' ratios, for the machine may be slower in one than in the next.
Writes benchmarks/results/exports.md and exports.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import _nets

from gluon_ref import catalog
from gluon_ref.benches.racing import Entrant, Timing, race
from gluon_ref.exports.sources import from_net

RESULTS = Path(__file__).parent / "results"
BATCHES = (1, 128)
ROUNDS, SECONDS = 15, 0.3
FORMATS = {
    "mlp": ("onnx", "onnx-int8", "int8"),
    "cnn": ("onnx", "onnx-int8", "int8"),
    "lstm": ("onnx", "onnx-int8"),
}
# (net, faster, slower, batch, least ratio)
BARS = (
    *((net, "onnx", "hybridized", 1, 5.0) for net in _nets.NETS),
    *((net, "onnx", "torch", batch, 1.0) for net in _nets.NETS for batch in BATCHES),
    ("cnn", "onnx-int8", "onnx", 128, 2.5),
    ("cnn", "int8", "static", 128, 2.5),
)


def write(net: str, parent: Path) -> dict[str, Path]:
    """Artefacts of a net: format -> folder."""
    network, fields = _nets.build(net)
    calibration = [_nets.inputs(net, 64) for _ in range(4)]
    source = from_net(network, fields, calibration=calibration)  # scores alone, as in PyTorch
    folders = {}
    for name in (*FORMATS[net], "npz"):
        folders[name] = parent / net / name
        folders[name].mkdir(parents=True)
        catalog.find("exporters", name).write(source, folders[name])
    return folders


def measure(net: str, folders: dict[str, Path], threads: int, torch: str) -> list[Timing]:
    """All kinds of a net, in turns."""
    script = str(Path(_nets.__file__).resolve())

    def entrant(kind: str) -> Entrant:
        python = torch if kind == "torch" else sys.executable
        folder = str(folders.get("npz" if kind == "torch" else kind, Path()))
        return Entrant(kind, folder, kind, (python, script, net, kind, folder))

    kinds = [*_nets.GLUON, *FORMATS[net], *(["torch"] if torch else [])]
    inputs = [_nets.inputs(net, batch) for batch in BATCHES]
    tell = lambda text: print(f"{net}: {text}", file=sys.stderr)  # noqa: E731
    return race([entrant(kind) for kind in kinds], inputs, BATCHES, threads, ROUNDS, SECONDS, tell)


def table(found: dict[str, list[Timing]], sizes: dict[str, dict[str, int]], head: str) -> str:
    """The results as Markdown."""
    lines = [head, "", "| net | batch | kind | median ms | 95 % ms | samples/s | difference |", "| --- " * 7 + "|"]
    for net, timings in found.items():
        for one in timings:
            gap = "" if one.difference is None else f"{one.difference:.1e}"
            cells = (net, one.batch, one.entrant.label, f"{one.median_s * 1e3:.3f}", f"{one.slow_s * 1e3:.3f}")
            lines.append(f"| {' | '.join(map(str, cells))} | {one.rate_per_s:,.0f} | {gap} |")
    lines += ["", "| net | batch | | times as fast | at least |", "| --- " * 5 + "|"]
    for net, quick, slow, batch, least in BARS:
        timed = {one.entrant.label: one for one in found[net] if one.batch == batch}
        if quick in timed and slow in timed:
            times = timed[quick].times(timed[slow])
            lines.append(f"| {net} | {batch} | {quick} against {slow} | {times:.2f} | {least} |")
    lines += ["", "| net | format | bytes | share of onnx |", "| --- " * 4 + "|"]
    for net, by_format in sizes.items():
        for name, size in by_format.items():
            lines.append(f"| {net} | {name} | {size:,} | {size / by_format['onnx']:.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", default="", help="Python that has torch and this package; left out without it")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    found, sizes = {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for net in _nets.NETS:
            folders = write(net, Path(scratch))
            sizes[net] = {
                name: sum(path.stat().st_size for path in folder.iterdir()) for name, folder in folders.items()
            }
            found[net] = measure(net, folders, asked.threads, asked.torch)
    head = (
        f"`python benchmarks/exports.py --threads {asked.threads}`, {_machine()}, Python {platform.python_version()}."
    )
    text = table(found, sizes, head)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "exports.md").write_text(f"# Exports against Gluon and PyTorch\n\n{text}", encoding="utf-8")
    rows = [{"net": net, **_row(one)} for net, timings in found.items() for one in timings]
    (RESULTS / "exports.json").write_text(json.dumps({"machine": _machine(), "rows": rows}, indent=1), encoding="utf-8")


def _row(one: Timing) -> dict[str, Any]:
    figures = {"median_ms": one.median_s * 1e3, "p95_ms": one.slow_s * 1e3, "difference": one.difference}
    return {"kind": one.entrant.label, "batch": one.batch, "threads": one.threads, **figures}


def _machine() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
