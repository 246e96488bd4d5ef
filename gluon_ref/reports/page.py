"""A report as one HTML file that asks for nothing else: no script, no address, everything inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources

from . import gallery, matrix, plots
from .charts import ON_DARK, PALETTE, plain
from .examining import Calibration, Findings
from .markup import escape, isolated
from .reviewing import Review, differences
from .svg import figure, hue

# Name of a row, and a value per run.
Rows = list[tuple[str, list[str]]]
# What a browser may load for the page: nothing but what stands in it.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(reviews: Sequence[Review]) -> str:
    """The page.

    Args:
        reviews: one run, or several to show side by side.
    """
    title = " and ".join(one.name for one in reviews) if len(reviews) < 3 else f"{len(reviews)} runs"
    sections = [
        ("summary", "Summary", _summary(reviews)),
        ("curves", "Curves", _curves(reviews)),
        ("confusion", "Confusion", _panels(reviews, _confusion)),
        ("values", "Values", _panels(reviews, _values)),
        ("calibration", "Calibration", _panels(reviews, _calibration)),
        ("mistakes", "Worst mistakes", _panels(reviews, _mistakes)),
        ("recipes", "Recipe" if len(reviews) == 1 else "Recipes", _recipes(reviews)),
    ]
    filled = [section for section in sections if section[2]]
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, heading, _ in filled)
    body = "".join(f'<section id="{name}"><h2>{heading}</h2>{content}</section>' for name, heading, content in filled)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)} - gluon_ref report</title><style>{_style()}</style></head>"
        f'<body><header><p class="kind">gluon_ref report</p><h1>{isolated(title)}</h1>{_subtitle(reviews)}'
        f'<nav aria-label="Sections">{links}</nav></header><main>{body}</main></body></html>\n'
    )


def _style() -> str:
    light = "".join(f"--c{at}:{colour};" for at, colour in enumerate(PALETTE))
    dark = "".join(f"--c{at}:{colour};" for at, colour in enumerate(ON_DARK))
    colours = "".join(f".c{at}{{--c:var(--c{at})}}" for at in range(len(PALETTE))) + ".neutral{--c:var(--ink)}"
    own = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{colours}{own}"


def _subtitle(reviews: Sequence[Review]) -> str:
    if len(reviews) > 1:
        keys = "".join(f'<li><i class="line {hue(at)}"></i>{isolated(one.name)}</li>' for at, one in enumerate(reviews))
        return f'<ul class="runs">{keys}</ul>'
    one = reviews[0]
    told = f"{one.recipe['model']['name']} on {one.data}, {one.recipe['task']['name']}"
    tiles = []
    if one.findings:
        figures = dict(one.findings.metrics)
        if one.findings.calibration:
            figures["calibration error"] = one.findings.calibration.error
        tiles = [
            f"<div><dt>{escape(plain(name))}</dt><dd>{_figure(value)}</dd></div>" for name, value in figures.items()
        ]
    return f'<p class="told">{isolated(told)}</p>' + (f'<dl class="tiles">{"".join(tiles)}</dl>' if tiles else "")


def _summary(reviews: Sequence[Review]) -> str:
    facts: Rows = [
        ("recipe", [one.recipe.name for one in reviews]),
        *((section, [str(one.recipe[section]["name"]) for one in reviews]) for section in ("model", "task")),
        ("data", [one.data for one in reviews]),
        ("labels", [f"{len(one.facts.labels):,}" if one.facts.labels else "" for one in reviews]),
        ("samples examined", [f"{one.findings.samples:,}" if one.findings else "" for one in reviews]),
        ("parameters", [f"{one.parameters:,}" if one.parameters is not None else "" for one in reviews]),
        ("epochs", [f"{one.epochs}" for one in reviews]),
        ("best epoch", [f"{one.best_epoch}" if one.best_epoch else "" for one in reviews]),
        ("training time", [_duration(one.history.time_s) for one in reviews]),
    ]
    versions = dict.fromkeys(name for one in reviews for name in one.versions)
    software = [(name, [one.versions.get(name, "") for one in reviews]) for name in versions]
    changed = list(differences(reviews).items()) if len(reviews) > 1 else []
    groups = [("", facts)]
    if len(reviews) > 1:
        groups = [("Held-out figures", _metrics(reviews)), ("Runs", facts), ("Options that differ", changed)]
    versions_table = _grid(reviews, [("", software)])
    more = f"<details><summary>Versions</summary>{versions_table}</details>" if versions_table else ""
    return f"{_grid(reviews, groups)}{_caution(reviews)}{more}"


def _metrics(reviews: Sequence[Review]) -> Rows:
    names = dict.fromkeys(name for one in reviews if one.findings for name in one.findings.metrics)
    rows = [
        (plain(name), [_figure(one.findings.metrics.get(name)) if one.findings else "" for one in reviews])
        for name in names
    ]
    errors = [one.findings.calibration.error if one.findings and one.findings.calibration else None for one in reviews]
    return [*rows, ("calibration error", [_figure(error) for error in errors])] if any(errors) else rows


def _grid(reviews: Sequence[Review], groups: Sequence[tuple[str, Rows]]) -> str:
    """Groups of rows of values, a column per run; rows with nothing in them are left out."""
    bodies = []
    for title, rows in groups:
        lines = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(f"<td>{isolated(value) if value else '-'}</td>" for value in values)
            + "</tr>"
            for name, values in rows
            if any(values)
        )
        head = f'<tr class="group"><th scope="rowgroup" colspan="{len(reviews) + 1}">{escape(title)}</th></tr>'
        bodies += [f"<tbody>{head if title else ''}{lines}</tbody>"] if lines else []
    if not bodies:
        return ""
    names = "".join(f'<th scope="col">{isolated(one.name)}</th>' for one in reviews)
    heads = f'<thead><tr><td class="corner"></td>{names}</tr></thead>' if len(reviews) > 1 else ""
    return f'<div class="scroll" tabindex="0"><table class="facts">{heads}{"".join(bodies)}</table></div>'


def _caution(reviews: Sequence[Review]) -> str:
    """What keeps the figures from being taken for more than they are."""
    told = [f"{one.name}: {note}" if len(reviews) > 1 else note for one in reviews for note in one.notes]
    examined = [one for one in reviews if one.findings]
    if any(not one.elsewhere for one in examined):
        told.append("figures are those of the best epoch's weights, which these same held-out samples have chosen")
    if len({one.data for one in examined}) > 1:
        told.append("the runs were examined on different data: their figures are not of the same samples")
    elif len({one.facts.labels for one in examined}) > 1:
        told.append("the runs have different labels: their figures answer different questions")
    return f'<ul class="notes">{"".join(f"<li>{isolated(one)}</li>" for one in told)}</ul>' if told else ""


def _curves(reviews: Sequence[Review]) -> str:
    watch = next((one.watch[0] for one in reviews if one.watch[0]), "")
    found = plots.curves([(one.name, one.history) for one in reviews], watch, [one.best_epoch for one in reviews])
    return f'<div class="charts">{"".join(map(figure, found))}</div>' if found else ""


def _panels(reviews: Sequence[Review], render: Callable[[Review, Findings, int], str]) -> str:
    """A panel per run that has anything to show, each headed by its run where there are several."""
    found = []
    for at, one in enumerate(reviews):
        content = render(one, one.findings, at) if one.findings else ""
        if content:
            heading = f'<h3><i class="line {hue(at)}"></i>{isolated(one.name)}</h3>'
            found.append(f'<div class="panel">{heading if len(reviews) > 1 else ""}{content}</div>')
    return f'<div class="panels">{"".join(found)}</div>' if found else ""


def _confusion(review: Review, findings: Findings, at: int) -> str:
    if findings.confusion is None:
        return ""
    return matrix.render(findings.confusion, review.facts.labels, "Rows are true labels, columns predicted ones")


def _calibration(review: Review, findings: Findings, at: int) -> str:
    calibration = findings.calibration
    if calibration is None:
        return ""
    told = (
        f"Expected calibration error {calibration.error:.4f}: how far, on average, the probability of an answer is "
        "from the share of answers that are right. On the dashed line the two agree."
    )
    drawn = "".join(map(figure, plots.reliability(calibration, at)))
    return f'<p class="quiet">{told}</p><div class="charts">{drawn}</div>{_bins(calibration)}'


def _bins(calibration: Calibration) -> str:
    edges, figures = calibration.edges, zip(calibration.counts, calibration.confidence, calibration.accuracy)
    rows = ""
    for low, high, (count, sure, right) in zip(edges, edges[1:], figures):
        cells = (f"{count:,}", f"{sure:.3f}", f"{right:.3f}") if count else ("0", "-", "-")
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        rows += f'<tr><th scope="row">{low:.1f} to {high:.1f}</th>{numbers}</tr>'
    heads = "".join(
        f'<th scope="col" class="number">{one}</th>' for one in ("samples", "mean probability", "share right")
    )
    return (
        '<details><summary>The bins as a table</summary><div class="scroll" tabindex="0"><table><thead><tr>'
        f'<th scope="col">probability</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _values(review: Review, findings: Findings, at: int) -> str:
    if findings.values is None:
        return ""
    return (
        f'<div class="charts">{"".join(map(figure, plots.agreement(findings.values, review.facts.column, at)))}</div>'
    )


def _mistakes(review: Review, findings: Findings, at: int) -> str:
    return gallery.render(findings, review.exhibits)


def _recipes(reviews: Sequence[Review]) -> str:
    return "".join(
        f"<details><summary>{isolated(one.name)}</summary><pre>{escape(one.recipe.text())}</pre></details>"
        for one in reviews
    )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"


def _duration(time_s: float) -> str:
    if not time_s:
        return ""
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{time_s:.1f} s"
