"""Names of countries, languages, scripts and currencies in 23 languages: which language is it? 19,012 from Babel.

Each name is how one language calls one thing, by the Unicode CLDR ("Deutschland", "Allemagne", "Saksa"). Names that
several languages share are left out. The split is by the thing named: all names of one thing are on one side,
so a name's likeness to its neighbours in other languages cannot be learnt by heart.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
from babel import Locale

from ..inputs import text as form
from ..records import Data, Facts
from ..samples import verify
from ._scikit import no_path

LANGUAGES = (
    "ca",
    "cs",
    "da",
    "de",
    "en",
    "es",
    "et",
    "fi",
    "fr",
    "hr",
    "hu",
    "it",
    "lt",
    "lv",
    "nb",
    "nl",
    "pl",
    "pt",
    "ro",
    "sk",
    "sl",
    "sv",
    "tr",
)
KINDS = ("territories", "languages", "scripts", "currencies")
HELD_OUT_ONE_IN = 5
CHECKSUM = "81f1ce384463e9461e0e9af9aec73a0fef698bbe47815a034fdacd301d7f3dbe"
SOURCE = "babel 2.18"


def load(path: str) -> Data:
    """The names, as characters with the language's code as label.

    Args:
        path: empty; the names come with Babel.
    Source: Unicode CLDR, https://cldr.unicode.org, through Babel.
    """
    no_path("names", path)
    rows = names()
    verify("data names", tuple("\t".join(row).encode() for row in rows), CHECKSUM, SOURCE)
    parts: dict[bool, list[tuple[str, str, str]]] = {False: [], True: []}
    for row in rows:
        parts[held_out(row[0])].append(row)
    vocab = form.vocabulary(form.tokens(name, "marked") for _, _, name in parts[False])
    facts = Facts("text", "label", (-1,), labels=LANGUAGES, vocab=vocab, split="marked")
    train, rest = (
        form.samples(
            [name for _, _, name in part],
            np.array([LANGUAGES.index(code) for _, code, _ in part], dtype=np.int32),
            facts,
        )
        for part in (parts[False], parts[True])
    )
    return Data(facts, train, rest)


def names() -> list[tuple[str, str, str]]:
    """(thing, language, name), sorted; a thing is "territories:DE"."""
    languages_of = defaultdict(set)
    found = []
    for code in LANGUAGES:
        locale = Locale(code)
        for kind in KINDS:
            for thing, name in getattr(locale, kind).items():
                languages_of[name].add(code)
                found.append((f"{kind}:{thing}", code, name))
    return sorted(row for row in found if len(languages_of[row[2]]) == 1)


def held_out(thing: str) -> bool:
    """Whether a thing is on the held-out side: by a hash, so that a new thing moves no other."""
    return int(hashlib.sha256(thing.encode()).hexdigest()[:8], 16) % HELD_OUT_ONE_IN == 0
