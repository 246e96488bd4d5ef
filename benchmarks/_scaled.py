"""What benchmarks/scaling.py found, as tables and as a picture, with what the model predicts for other networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from _scaling import MOST, Exchange, Network, efficiency, paying, slower
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gluon_ref.reports.charts import PALETTE
from gluon_ref.reports.drawing import DPI, SOFT, Pen

# (net, kind, field, what it is, bound, the bound is the least)
BARS = (
    ("cnn", "dist_sync 1", "against_plain", "overhead of 1 worker + 1 server", 0.15, False),
    ("cnn", "dist_sync 2", "against_one", "2 workers against 1", 1.6, True),
)
# Links -> bytes per second each way, and what the way there and back adds to an exchange of this machine's.
LINKS = {"1 Gbit/s": (0.118e9, 2e-4), "10 Gbit/s": (1.18e9, 1e-4), "100 Gbit/s": (11.8e9, 2e-5)}
SERVERS: dict[str, Callable[[int], int]] = {"1": lambda workers: 1, "W/4": lambda workers: -(-workers // 4), "W": int}
# Not measured: what a GPU would make of it. Bytes of gradients, seconds of a step.
ASSUMED = {"102 MB, 0.1 s a step (ResNet-50 on a GPU)": (102e6, 0.1)}
SHOWN = (2, 8, 32, 128, MOST)


def tables(document: dict[str, Any]) -> tuple[str, list[str]]:
    """Markdown of all parts that were measured, and the bars that were missed."""
    lines, missed = [f"`python benchmarks/scaling.py --data fashion_mnist:DIR`, {document['machine']}."], []
    if "rates" in document:
        more, missed = _rates(document["rates"]["found"])
        lines += ["", _told("Samples per second, in turns", document["rates"]), "", *more]
    if "split" in document:
        lines += ["", _told("Milliseconds of a step, each part waited for", document["split"]), ""]
        lines += _split(document["split"]["found"])
    for part, title in (("loopback", "Exchanges on one machine"), ("cables", "Exchanges over slow cables")):
        if part in document:
            lines += ["", _told(title, document[part]), "", *_exchanges(document[part]["found"])]
    if {"loopback", "split"} <= set(document):
        lines += ["", "## Predicted", "", *_predicted(document)]
    return "\n".join(lines) + "\n", missed


def _told(title: str, part: dict[str, Any]) -> str:
    busy = f"{part['busy_before']} processes busy before"
    rounds = f"Medians of {part['rounds']} rounds, the calmest of up to four times as many"
    return f"## {title}\n\n{rounds}; {busy}; others: processors that other processes took meanwhile."


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def _rates(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    lines = _table(
        ("net", "kind", "samples/s", "least", "most", "times plain", "times 1 worker", "efficiency", "others"),
        (
            (
                *(
                    row["net"],
                    row["kind"],
                    *(f"{row[name]:,.0f}" for name in ("rate_per_s", "least_per_s", "most_per_s")),
                ),
                *(f"{row[name]:.2f}" for name in ("against_plain", "against_one", "efficiency", "others")),
            )
            for row in rows
        ),
    )
    missed, cells = [], []
    for net, kind, field, what, bound, least in BARS:
        for row in rows:
            if (row["net"], row["kind"]) == (net, kind):
                value = row[field] if least else 1 / row[field] - 1
                cells.append((net, what, f"{value:.2f}", f"{'at least' if least else 'at most'} {bound}"))
                missed += [what] if (value < bound) == least and value != bound else []
    return [*lines, "", *_table(("net", "bar", "measured", "must be"), cells)], missed


def _split(rows: Sequence[dict[str, Any]]) -> list[str]:
    names = ("forward", "backward", "update", "exchange", "wait")
    return _table(
        ("net", "kind", "MB of gradients", *names, "others"),
        (
            (
                *(row["net"], row["kind"], f"{row['size_bytes'] / 1e6:.2f}"),
                *(f"{row['parts_ms'][name]:.2f}" for name in names),
                f"{row['others']:.2f}",
            )
            for row in rows
        ),
    )


def _exchanges(found: dict[str, Any]) -> list[str]:
    network = found["network"]
    cells = (
        (
            *(f"{row['size_bytes'] / 1e6:.2f}", row["workers"], row["servers"], "yes" if row["fitted"] else ""),
            *(f"{row['measured_ms']:.2f}", f"{row['predicted_ms']:.2f}"),
            f"{row['predicted_ms'] / row['measured_ms'] - 1:+.0%}",
        )
        for row in found["rows"]
    )
    rate = f", cables of {found['rate_mbit_per_s']} Mbit/s" if "rate_mbit_per_s" in found else ""
    return [
        f"Fitted{rate}: latency {network['latency_s'] * 1e3:.2f} ms, {network['rate_bytes_per_s'] / 1e6:,.1f} MB/s "
        f"each way, {network['message_s'] * 1e3:.3f} ms a message. Measured by itself: one thread adds "
        f"{network['passing_bytes_per_s'] / 1e9:.1f} GB/s.",
        "",
        *_table(("MB", "workers", "servers", "fitted to", "measured ms", "predicted ms", "error"), cells),
    ]


def loads(document: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """What is predicted for: bytes of gradients and seconds of computing, by name."""
    found = {}
    for row in document["split"]["found"]:
        if row["kind"] == "plain":
            seconds = sum(row["parts_ms"].values()) / 1e3
            found[f"{row['net']}, {row['size_bytes'] / 1e6:.1f} MB, {seconds * 1e3:.0f} ms a step"] = (
                row["size_bytes"],
                seconds,
            )
    return {**found, **ASSUMED}


def _predicted(document: dict[str, Any]) -> list[str]:
    own = Network(**document["loopback"]["found"]["network"])
    rows = []
    for load, (size, seconds) in loads(document).items():
        for link, (rate, latency_s) in LINKS.items():
            network = slower(own, rate, latency_s)
            for name, servers in SERVERS.items():
                shares = [efficiency(network, Exchange(size, count, servers(count)), seconds) for count in SHOWN]
                most = paying(network, size, seconds, servers)
                rows.append((load, link, name, *(f"{one:.0%}" for one in shares), most if most < MOST else f"{MOST}+"))
    heads = ("step", "links", "servers", *(f"W = {count}" for count in SHOWN), "pays up to W =")
    return ["Efficiency with W workers, a host each, that share it with the servers.", "", *_table(heads, rows)]


def draw(document: dict[str, Any], path: Path) -> None:
    """Efficiency over workers: measured and predicted on slow cables, and predicted for the cnn on faster links."""
    pen = Pen()
    with matplotlib.rc_context(pen.settings()):
        figure = Figure(figsize=(12.6, 3.6), layout="constrained", facecolor="white")
        panels = list(figure.subplots(1, 3, sharey=True))
        if "cables" in document:
            _checked(panels[0], document)
        if {"loopback", "split"} <= set(document):
            for axes, link in zip(panels[1:], ("10 Gbit/s", "100 Gbit/s")):
                _forecast(axes, document, link)
        for axes in panels:
            axes.set_ylim(0, 1.05)
            axes.set_xlabel("workers")
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
            axes.tick_params(colors=SOFT)
        panels[0].set_ylabel("efficiency")
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=DPI, metadata={"Software": None})


def _checked(axes: Any, document: dict[str, Any]) -> None:
    """One second of computing is assumed beside the exchanges, measured and predicted."""
    found = document["cables"]["found"]
    network = Network(**found["network"])
    groups = sorted({(round(row["size_bytes"] / 1e6), row["servers"]) for row in found["rows"]})
    for colour, (size_mb, servers) in enumerate(groups):
        rows = [row for row in found["rows"] if (round(row["size_bytes"] / 1e6), row["servers"]) == (size_mb, servers)]
        style = PALETTE[colour % len(PALETTE)]
        label = f"{size_mb} MB, {servers} server{'s' * (servers > 1)}"
        counts = list(range(1, 5))
        shares = [efficiency(network, Exchange(rows[0]["size_bytes"], count, servers), 1.0) for count in counts]
        axes.plot(counts, shares, color=style, linewidth=1.2)
        measured = [1 / (1 + row["measured_ms"] / 1e3) for row in rows]
        axes.plot([row["workers"] for row in rows], measured, "o", color=style, label=label)
    axes.set_xticks(range(1, 5))
    axes.set_title("cables of 200 Mbit/s, 1 s of computing:\ndots measured, lines predicted", loc="left", fontsize=10.5)
    axes.legend(frameon=False, fontsize=8)


def _forecast(axes: Any, document: dict[str, Any], link: str) -> None:
    own = Network(**document["loopback"]["found"]["network"])
    network = slower(own, *LINKS[link])
    counts = [2**power for power in range(MOST.bit_length())]
    styles = dict(zip(SERVERS, ("dotted", "dashed", "solid")))
    for colour, (load, (size, seconds)) in enumerate(loads(document).items()):
        for name, servers in SERVERS.items():
            shares = [efficiency(network, Exchange(size, count, servers(count)), seconds) for count in counts]
            label = load.partition(",")[0] if name == "W" else None
            axes.plot(counts, shares, color=PALETTE[colour], linestyle=styles[name], linewidth=1.2, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts[::3], [str(count) for count in counts[::3]])
    axes.axhline(0.5, color=SOFT, linewidth=0.6)
    axes.set_title(f"predicted, {link}: servers W solid,\nW/4 dashed, 1 dotted", loc="left", fontsize=10.5)
    axes.legend(frameon=False, fontsize=8)
