"""gluonref benchmark: latency and throughput side by side."""

from __future__ import annotations

import json

import click

from .values import folder

HEADS = ("batch", "threads", "median ms", "95 % ms", "samples/s", "times", "warm-up ms", "difference")


@click.command()
@click.argument("subjects", metavar="RUN_OR_ARTEFACT...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--batch-size", "batches", type=int, multiple=True, default=(1, 128), show_default=True, help="Samples a call."
)
@click.option("--threads", type=int, multiple=True, help="Threads of each process; what doctor chooses when left out.")
@click.option("--seconds", type=float, default=0.2, show_default=True, help="A turn takes; each row gets five.")
@folder("--out", "New folder for benchmark.json and benchmark.png.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def benchmark(
    subjects: tuple[str, ...],
    batches: tuple[int, ...],
    threads: tuple[int, ...],
    seconds: float,
    out: str | None,
    as_json: bool,
) -> None:
    """Time runs and artefacts side by side, each in a process of its own, in turns.

    A RUN stands for its network imperative, hybridized, with static memory and in bfloat16, and for the artefacts in
    its folder. Times are of arrays in to arrays out; the difference is to the first row's outputs.
    """
    from gluon_ref.benchmarking import benchmark as measure

    if "" in subjects:
        raise click.BadParameter("nothing given; give a folder", param_hint="RUN_OR_ARTEFACT...")
    found = measure(subjects, batches, threads, seconds, out, lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(found))
        return
    width = max(len(row["label"]) for row in found["rows"]) + 2
    click.echo(" " * width + "".join(f"{head:>12}" for head in HEADS))
    for row in found["rows"]:
        if "error" in row:
            click.echo(f"{row['label']:<{width}}{row['batch']:>12}{row['threads']:>12}  {row['error']}")
            continue
        difference = "" if row["difference"] is None else f"{row['difference']:.1e}"
        cells = (
            row["batch"],
            row["threads"],
            f"{row['median_ms']:.3f}",
            f"{row['p95_ms']:.3f}",
            f"{row['rate_per_s']:,.0f}",
            f"{row['times']:.2f}",
            f"{row['warm_up_ms']:.1f}",
            difference,
        )
        click.echo(f"{row['label']:<{width}}" + "".join(f"{cell:>12}" for cell in cells))
    if out is not None:
        click.echo(f"written     {out}/benchmark.json")
        click.echo(f"            {out}/benchmark.png")
