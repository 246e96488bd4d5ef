"""What more workers are worth: `python benchmarks/scaling.py --data fashion_mnist:DIR`, half an hour on two cores.

Plain training, dist_sync and dist_async with as many workers as there are cores, one thread each, in turns: samples per
second, and where a step's time goes. Then exchanges of gradients of 1 to 64 MB, on this machine and, as root where `ip`
and `tc` are, over slow cables between network namespaces, and what the model in _scaling.py says of them. Writes
benchmarks/results/scaling.md, scaling.json and scaling.png; parts that are not asked for stay as they are there. Ends
with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import _scaled
from _gangs import Wanted, rounds
from _hosts import SHELL, cabled
from _scaling import Exchange, exchange_s, fit
from _steps import PARTS, Job
from _tables import machine

from gluon_ref.machine import processors

RESULTS = Path(__file__).parent / "results"
PARTS_ASKED = ("rates", "split", "loopback", "cables")
STEPS = {"cnn": 60, "mlp": 300, "lstm": 60}  # of a turn
OWN_DATA = ("lstm",)  # trained on the names that come with Babel
WARM = 60  # enough that each length of text was met
# Width of both hidden layers of an mlp -> megabytes of its gradients, about.
WIDE = {240: 1, 690: 4, 1650: 16, 3630: 64}
CABLE_MBIT_PER_S = 200
PASSING = """
import statistics, time
from gluon_ref.backend import mx
one, other, times = mx.nd.ones((1 << 22,)), mx.nd.ones((1 << 22,)), []
for _ in range(20):
    mx.nd.waitall()
    start = time.perf_counter()
    one += other
    mx.nd.waitall()
    times.append(time.perf_counter() - start)
print(4 * (1 << 22) / statistics.median(times))
"""
BOUND = "MXNET_KVSTORE_BIGARRAY_BOUND"
# (width, workers, servers) that the model is fitted to, and that it is held against.
LOOPBACK = (
    [(width, 1, 1) for width in WIDE] + [(240, 1, 4), (690, 1, 4)],
    [(240, 2, 1), (690, 2, 1), (1650, 2, 1), (240, 2, 2), (1650, 2, 2)],
)
CABLES = (
    [(240, 2, 1), (690, 2, 1), (240, 2, 2)],
    [(240, 3, 1), (240, 4, 1), (690, 4, 1), (690, 4, 2), (240, 4, 4), (690, 4, 4)],
)


def kinds(net: str, data: Sequence[str], *, split: bool) -> list[Wanted]:
    """Plain training of a net, and with workers."""
    place = [["data.name", data[0]], ["data.path", data[1]]] if net not in OWN_DATA else []
    job = Job(net, place, WARM, STEPS[net], split)
    counts = [count for count in (1, 2, 4, 8) if count <= max(2, processors())]
    stores = [(f"{store} {count}", count, store) for store in ("dist_sync", "dist_async") for count in counts]
    return [Wanted("plain", job), *(Wanted(label, job, count, store=store) for label, count, store in stores)]


def rate(turn: Sequence[dict[str, Any]]) -> float:
    """Samples per second of all workers."""
    return float(sum(one["samples"] for one in turn) / max(one["seconds"] for one in turn))


def rates(net: str, data: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Samples per second of each kind; ratios are medians of those within a round."""
    wanted = kinds(net, data, split=False)
    played = rounds(wanted, count)
    others = statistics.median(turn[0]["others"] for turn in played[0])
    found = {one.label: [rate(turn) for turn in turns] for one, turns in zip(wanted, played)}
    rows = []
    for one in wanted:
        own, workers = found[one.label], max(1, one.workers)
        single = found["plain" if not one.workers else f"{one.store} 1"]
        rows.append(
            {
                "net": net,
                "kind": one.label,
                "workers": one.workers,
                "rate_per_s": statistics.median(own),
                "least_per_s": min(own),
                "most_per_s": max(own),
                "against_plain": _ratio(own, found["plain"]),
                "against_one": _ratio(own, single),
                "efficiency": _ratio(own, found["plain"]) / workers,
                "others": others,
            }
        )
    return rows


def _ratio(own: Sequence[float], other: Sequence[float]) -> float:
    return statistics.median(one / each for one, each in zip(own, other))


def meetings(turns: Sequence[Sequence[dict[str, Any]]]) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    """When each worker handed its gradients over and had the sums back, of each step of some turns."""
    for turn in turns:
        yield from zip(*(zip(*(worker[name] for worker in turn)) for name in ("handed", "returned")))


def split(net: str, data: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Milliseconds of a step's parts, each waited for, medians over steps and workers."""
    wanted = kinds(net, data, split=True)
    rows = []
    for one, turns in zip(wanted, rounds(wanted, count)):
        seen = [worker for turn in turns for worker in turn]
        row = {name: _middle(time for worker in seen for time in worker["parts"][name]) for name in PARTS}
        row["wait"] = 0.0
        if one.store == "dist_sync" and one.workers:
            row["exchange"] = _middle(max(back) - max(handed) for handed, back in meetings(turns))
            row["wait"] = _middle(max(handed) - sum(handed) / one.workers for handed, _ in meetings(turns))
        rows.append(
            {
                "net": net,
                "kind": one.label,
                "size_bytes": seen[0]["size_bytes"],
                "parts_ms": row,
                "others": seen[0]["others"],
            }
        )
    return rows


def _middle(seconds: Any) -> float:
    return statistics.median(seconds) * 1e3


def exchanges(
    wanted: Sequence[tuple[int, int, int]], data: Sequence[str], hosts: Path | None, count: int
) -> list[tuple[Exchange, float, float]]:
    """Exchanges with their seconds and those of the computing beside, each training by itself."""
    found = []
    for width, workers, servers in wanted:
        place = [["data.name", data[0]], ["data.path", data[1]], ["train.batch_size", "16"], ["optimizer.name", "sgd"]]
        job = Job("mlp", [*place, ["model.units", f"{width},{width}"]], 3, 5, split=True)
        where = (str(hosts), SHELL) if hosts else None
        label = f"{WIDE[width]} MB, {workers} workers, {servers} servers"
        print(label, file=sys.stderr, flush=True)
        one = Wanted(label, job, workers, servers, hosts=where, environ={BOUND: "1000"})
        turns = rounds([one], count)[0]
        times = [max(back) - max(handed) for handed, back in meetings(turns)]
        parts = turns[0][0]["parts"]
        compute = sum(statistics.median(parts[name]) for name in PARTS if name != "exchange")
        size = turns[0][0]["size_bytes"]
        found.append((Exchange(size, workers, servers, apart=hosts is None), statistics.median(times), compute))
    return found


def passing() -> float:
    """Bytes per second at which one thread adds an array to another, as a server does."""
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", PASSING], env=environ, check=True, capture_output=True, text=True)
    return float(done.stdout)


def modelled(
    parts: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]],
    data: Sequence[str],
    hosts: Path | None,
    count: int,
) -> dict[str, Any]:
    """The network that explains the first exchanges, and what it says of all."""
    fitted, others = (exchanges(part, data, hosts, count) for part in parts)
    network = fit([(one, seconds) for one, seconds, _ in fitted], passing())
    rows = [
        {
            **asdict(one),
            "fitted": at < len(fitted),
            "measured_ms": seconds * 1e3,
            "predicted_ms": exchange_s(network, one) * 1e3,
            "compute_ms": compute * 1e3,
        }
        for at, (one, seconds, compute) in enumerate([*fitted, *others])
    ]
    return {"network": asdict(network), "rows": rows}


def measure(part: str, nets: Sequence[str], data: Sequence[str], count: int) -> Any:
    """One of PARTS_ASKED; None where the machine cannot."""
    if part in ("rates", "split"):
        each = rates if part == "rates" else split
        return [row for net in nets for row in each(net, data, count)]
    if part == "loopback":
        return modelled(LOOPBACK, data, None, count)
    with tempfile.TemporaryDirectory() as folder, cabled(4, CABLE_MBIT_PER_S, Path(folder)) as hosts:
        if hosts is None:
            print("cables: need root, ip, tc and network namespaces; left out", file=sys.stderr)
            return None
        return {"rate_mbit_per_s": CABLE_MBIT_PER_S, **modelled(CABLES, data, hosts, max(2, count // 3))}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="fashion_mnist:DIR", help="images for cnn and mlp")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each training")
    parser.add_argument("--nets", default=",".join(STEPS), help="which, by commas")
    parser.add_argument("--parts", default=",".join(PARTS_ASKED), help="what to measure, by commas")
    asked = parser.parse_args()
    data = asked.data.partition(":")[::2]
    if not set(asked.parts.split(",")) <= set(PARTS_ASKED) or not set(asked.nets.split(",")) <= set(STEPS):
        parser.error(f"--parts are of {', '.join(PARTS_ASKED)}, --nets of {', '.join(STEPS)}")
    file = RESULTS / "scaling.json"
    document = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for part in asked.parts.split(","):
        busy = os.getloadavg()[0]
        found = measure(part, asked.nets.split(","), data, asked.rounds)
        if part in ("rates", "split"):  # those of other nets stay
            kept = [row for row in document.get(part, {}).get("found", []) if row["net"] not in asked.nets.split(",")]
            found = kept + found
        if found is not None:
            document[part] = {"rounds": asked.rounds, "busy_before": round(busy, 1), "found": found}
    document["machine"] = machine()
    file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    text, missed = _scaled.tables(document)
    print(text)
    (RESULTS / "scaling.md").write_text(f"# Workers\n\n{text}", encoding="utf-8")
    _scaled.draw(document, RESULTS / "scaling.png")
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
