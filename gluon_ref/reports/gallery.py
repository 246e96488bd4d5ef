"""The worst mistakes as HTML: pictures as cards, texts as a list, rows of a table as a table."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from .examining import Findings, Mistake
from .exhibits import Exhibit
from .markup import escape, isolated


def render(findings: Findings, exhibits: Sequence[Exhibit]) -> str:
    """The mistakes with their samples, worst first."""
    pairs = list(zip(findings.mistakes, exhibits))
    if not pairs:
        return ""
    wide = any(one.row for one in exhibits) or not any(one.picture or one.text for one in exhibits)
    body = _table(pairs) if wide else "".join(map(_card, *zip(*pairs)))
    kind = "" if wide else f'<ol class="{"pictures" if exhibits[0].picture else "texts"}">'
    return f'<p class="quiet">{_told(findings)}</p>{kind}{body}{"</ol>" if kind else ""}'


def _told(findings: Findings) -> str:
    shown = len(findings.mistakes)
    if findings.confusion is None:
        return f"The {shown} of {findings.samples:,} samples with the largest error."
    wrong = int(findings.confusion.sum() - findings.confusion.trace())
    right = sum(one.right for one in findings.mistakes)
    rest = f", {right} of them answered right" if right else ""
    many = "No mistake" if not wrong else "1 mistake" if wrong == 1 else f"{wrong:,} mistakes"
    return f"{many} among {findings.samples:,} samples; here are the {shown} of highest loss{rest}."


def _card(mistake: Mistake, exhibit: Exhibit) -> str:
    if exhibit.picture:
        data = base64.b64encode(exhibit.picture).decode()
        told = f"sample {mistake.index}: true {mistake.true}, predicted {mistake.predicted}"
        shown = f'<img src="data:image/png;base64,{data}" alt="{escape(told)}">'
    else:
        shown = f'<p class="sample" dir="auto">{"".join(_piece(*piece) for piece in exhibit.text)}</p>'
    return f'<li class="{"right" if mistake.right else "wrong"}">{shown}{_verdict(mistake)}</li>'


def _piece(text: str, known: bool) -> str:
    return escape(text) if known else f'<mark title="not in the vocabulary">{escape(text)}</mark>'


def _verdict(mistake: Mistake) -> str:
    if mistake.probability is None or mistake.likelihood is None:
        said = f"true {escape(mistake.true)}, predicted {escape(mistake.predicted)}, error {mistake.loss:.4g}"
        return f'<p class="verdict">{said} <small>no. {mistake.index}</small></p>'
    if mistake.right:
        said = f"<b>{isolated(mistake.true)}</b> {mistake.probability:.2f}"
    else:
        said = (
            f'<b>{isolated(mistake.predicted)}</b> {mistake.probability:.2f}<span class="instead">'
            f"not <b>{isolated(mistake.true)}</b> {mistake.likelihood:.2f}</span>"
        )
    return f'<p class="verdict">{said} <small>no. {mistake.index}, loss {mistake.loss:.2f}</small></p>'


def _table(pairs: Sequence[tuple[Mistake, Exhibit]]) -> str:
    valued = pairs[0][0].probability is None
    heads = ["no.", "true", "predicted", *(["error"] if valued else ["probability", "of the true", "loss"])]
    columns = list(dict.fromkeys(name for _, exhibit in pairs for name, _ in exhibit.row))
    rows = []
    for mistake, exhibit in pairs:
        cells = dict(exhibit.row)
        figures = [mistake.loss] if valued else [mistake.probability or 0.0, mistake.likelihood or 0.0, mistake.loss]
        kind = "right" if mistake.right else "wrong"
        rows.append(
            f'<tr class="{kind}"><th scope="row" class="number">{mistake.index}</th>'
            f"{_cells([mistake.true, mistake.predicted], 'number' if valued else '')}"
            f"{_cells([f'{one:.4g}' if valued else f'{one:.3f}' for one in figures], 'number')}"
            f"{_cells([cells.get(name, '') for name in columns], 'number feature')}</tr>"
        )
    head = "".join(f'<th scope="col">{name}</th>' for name in heads) + "".join(
        f'<th scope="col" class="feature">{isolated(name)}</th>' for name in columns
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="mistakes"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cells(values: Iterable[str], kind: str) -> str:
    return "".join(f'<td class="{kind}">{isolated(value)}</td>' for value in values)
