"""Which nets of GluonCV's zoo ONNX carries: `python benchmarks/zoo.py --only 'resnet50|yolo3' --table zoo.md`.

Each net is built with random weights, exported, checked, opened in ONNX Runtime and compared with its imperative
answers for one and three images. A net has a process and `--limit` seconds of its own; all take hours on two cores.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _zoo import SINGLE, draw, flat, settle

ACCEPTED = 1e-4  # of the largest number in an answer
BATCHES = (1, 3)
SEPARATOR = "onnxruntime"


def difference(pair: tuple[np.ndarray, np.ndarray]) -> float:
    """Largest difference of two answers, over the largest number in them."""
    expected, found = pair
    if expected.shape != found.shape:
        return float("inf")
    return float(np.max(np.abs(expected - found)) / max(float(np.max(np.abs(expected))), 1e-30))


def examine(name: str) -> dict[str, Any]:
    """One net, exported and compared."""
    from gluon_ref.backend import mx
    from gluon_ref.exports.sources import from_net
    from gluon_ref.records import Field

    mx.random.seed(0)
    np.random.seed(0)
    net, shape = settle(name)
    alone = bool(SINGLE.match(name))
    batches = BATCHES[:1] if alone else BATCHES
    images = {batch: draw(batch, shape) for batch in batches}
    expected = {batch: [one.asnumpy() for one in flat(net(mx.nd.array(images[batch])))] for batch in batches}
    fields = (Field("data", shape, batch=int(alone)),)
    source = from_net(net, fields)
    found, nodes, size = convert(source, images)
    pairs = [pair for batch in batches for pair in zip(expected[batch], found[batch])]
    largest, told = max(map(difference, pairs)), ""
    if largest > ACCEPTED and (part := before_boxes(source)):
        expected = {batch: evaluate(part, images[batch]) for batch in batches}
        found, _, _ = convert(part, images)
        pairs = [(expected[batch], found[batch][0]) for batch in batches]
        largest, told = max(map(difference, pairs)), "up to the choice of boxes, where near ties fall otherwise"
    return {
        "input": "x".join(map(str, shape)),
        "outputs": len(source.outputs),
        "nodes": nodes,
        "megabytes": round(size / 1e6, 1),
        "difference": largest,
        "told": told,
        "largest": max(float(np.max(np.abs(a))) for a, _ in pairs),
        "alive": min(float(np.std(a)) for a, _ in pairs),
    }


def convert(source: Any, images: Mapping[int, np.ndarray]) -> tuple[dict[int, Any], int, int]:
    """ONNX Runtime's answers by batch, and how many nodes and bytes the model has."""
    from gluon_ref.conversion.graph import to_onnx
    from gluon_ref.conversion.session import open_model

    model = to_onnx(source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        answer = open_model(path, source.inputs)
        found = {batch: answer(one) for batch, one in images.items()}
        return found, len(model.graph.node), path.stat().st_size


def before_boxes(source: Any) -> Any:
    """A detector up to where it leaves out overlapping boxes for the first time; None for others."""
    from gluon_ref.exports import sources

    nodes = json.loads(source.symbol.tojson())["nodes"]
    last = next((nodes[node["inputs"][0][0]]["name"] for node in nodes if node["op"] == "_contrib_box_nms"), None)
    if last is None:
        return None
    part = source.symbol.get_internals()[f"{last}_output"]
    return replace(source, symbol=part, outputs=sources.outputs(part, source.inputs, source.arrays))


def evaluate(source: Any, images: np.ndarray) -> np.ndarray:
    """MXNet's answer of a part of a net."""
    from gluon_ref.backend import mx

    given = {name: source.arrays[name] for name in source.symbol.list_arguments() if name in source.arrays}
    states = {name: source.arrays[name] for name in source.symbol.list_auxiliary_states()}
    bound = source.symbol.bind(mx.cpu(), {**given, "data": mx.nd.array(images)}, aux_states=states, grad_req="null")
    found: np.ndarray = bound.forward(is_train=False)[0].asnumpy()
    return found


def run(name: str, limit_s: float) -> dict[str, Any]:
    """The same in a process of its own; what it says of ONNX Runtime's warnings, and why it failed."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--one", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return {"net": name, "failure": f"not done in {limit_s:.0f} s"}
    lines = done.stdout.strip().splitlines()
    found = json.loads(lines[-1]) if done.returncode == 0 and lines else {"failure": last_line(done)}
    found["warnings"] = sum(SEPARATOR in line for line in done.stderr.splitlines())
    return {"net": name, "seconds": round(time.perf_counter() - start, 1), **found}


def last_line(done: Any) -> str:
    """What ended a process."""
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"ended with {done.returncode}"


def row(found: dict[str, Any]) -> str:
    """A line of the table."""
    if "failure" in found:
        return f"| {found['net']} | | | | {found['failure'].replace('|', '/')} |"
    verdict = "verified" if found["difference"] <= ACCEPTED else "differs"
    if found["told"]:
        verdict += f" {found['told']}"
    if found["alive"] == 0:
        verdict = "one answer to everything"
    if found["warnings"]:
        verdict = "ONNX Runtime warns"
    return f"| {found['net']} | {found['input']} | {found['nodes']} | {found['difference']:.1e} | {verdict} |"


def write(path: Path, results: Sequence[dict[str, Any]]) -> None:
    """The table as Markdown, and all figures beside it."""
    head = "| net | input | ONNX nodes | largest difference | |\n| --- | --- | --- | --- | --- |"
    path.write_text("\n".join([head, *map(row, results)]) + "\n", encoding="utf-8")
    path.with_suffix(".jsonl").write_text("".join(json.dumps(one) + "\n" for one in results), encoding="utf-8")


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=".", help="regular expression that a net's name matches from its beginning")
    parser.add_argument("--skip", default="$", help="the same for nets to leave out")
    parser.add_argument("--limit", type=float, default=300, help="seconds for a net")
    parser.add_argument("--table", type=Path, default=Path("zoo.md"))
    parser.add_argument("--one", help="a single net, in this process")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.one:
        print(json.dumps(examine(chosen.one)))
        return
    from gluon_ref.backend import gluoncv

    names = [name for name in gluoncv.model_zoo.get_model_list() if re.match(chosen.only, name)]
    results: list[dict[str, Any]] = []
    for name in names:
        if re.match(chosen.skip, name):
            continue
        results.append(run(name, chosen.limit))
        print(row(results[-1]), flush=True)
        write(chosen.table, results)


if __name__ == "__main__":
    main()
