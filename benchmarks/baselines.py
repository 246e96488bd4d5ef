"""What scikit-learn reaches on this package's splits: the numbers that the recipes are held against.

    python benchmarks/baselines.py                  about four minutes on two cores
    python benchmarks/baselines.py TRAIN TEST       lines of a label and a text, words between white space

Each baseline is given several settings and the best on the held-out part is taken, which favours it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gluon_ref import catalog
from gluon_ref.inputs._tokens import BEGIN, END
from gluon_ref.records import Data, Samples

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)


def all_of(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Every input and target of a part."""
    return samples.take(np.arange(len(samples)))


def load(name: str) -> Data:
    """A packaged data set."""
    data: Data = catalog.find("data", name).load("")
    return data


def tables() -> None:
    """Logistic regression on the classes, ridge on the values, standardized."""
    for name in ("breast_cancer", "iris", "wine"):
        data = load(name)
        (x, y), (x_out, y_out) = all_of(data.train), all_of(data.held_out)
        found = {}
        for strength in STRENGTHS:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000)).fit(x, y)
            found[strength] = accuracy_score(y_out, model.predict(x_out))
        best = max(found, key=lambda key: found[key])
        print(f"{name:<14} logistic regression, C={best:g} of {STRENGTHS}: {found[best]:.4f}; C=1: {found[1.0]:.4f}")
    data = load("diabetes")
    (x, y), (x_out, y_out) = all_of(data.train), all_of(data.held_out)
    errors = {}
    for strength in STRENGTHS:
        predicted = make_pipeline(StandardScaler(), Ridge(alpha=strength)).fit(x, y).predict(x_out)
        errors[strength] = (mean_squared_error(y_out, predicted), r2_score(y_out, predicted))
    best = min(errors, key=lambda key: errors[key])
    for strength in (best, 1.0):
        error, r2 = errors[strength]
        print(f"diabetes       ridge, alpha={strength:g} of {STRENGTHS}: mean squared error {error:.1f}, R2 {r2:.4f}")


def names() -> None:
    """Character 1-to-4-gram logistic regression, on the names as they are and with their begin and end marked."""
    data = load("names")
    vocab = data.facts.vocab

    def texts(samples: Samples, marks: dict[str, str]) -> tuple[list[str], np.ndarray]:
        inputs, targets = all_of(samples)
        return ["".join(marks.get(vocab[index], vocab[index]) for index in one) for one in inputs], targets

    for told, marks in (("plain", {BEGIN: "", END: ""}), ("marked", {BEGIN: "\x02", END: "\x03"})):
        (x, y), (x_out, y_out) = texts(data.train, marks), texts(data.held_out, marks)
        for label, maker, strength, options in (
            ("counts, char, C=1", CountVectorizer, 1.0, {"analyzer": "char"}),
            ("tf-idf, char, C=10", TfidfVectorizer, 10.0, {"analyzer": "char"}),
            ("tf-idf, char_wb, C=10", TfidfVectorizer, 10.0, {"analyzer": "char_wb"}),
            ("tf-idf, char_wb, sublinear, C=30", TfidfVectorizer, 30.0, {"analyzer": "char_wb", "sublinear_tf": True}),
        ):
            vectorizer = maker(ngram_range=(1, 4), lowercase=False, **options)
            model = make_pipeline(vectorizer, LogisticRegression(C=strength, max_iter=300)).fit(x, y)
            print(f"names, {told:<7} logistic regression, {label:<34} {model.score(x_out, y_out):.4f}", flush=True)


def words(train: Sequence[str], test: Sequence[str]) -> dict[float, float]:
    """Accuracy by strength of logistic regression on words and pairs of words; lines of a label and a text."""
    (y, x), (y_out, x_out) = (zip(*(line.split(None, 1) for line in part)) for part in (train, test))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", lowercase=False, sublinear_tf=True)
    seen, new = vectorizer.fit_transform(x), vectorizer.transform(x_out)
    return {one: LogisticRegression(C=one, max_iter=300).fit(seen, y).score(new, y_out) for one in STRENGTHS}


def told(found: dict[float, float]) -> str:
    """The best strength's figure in a line."""
    best = max(found, key=lambda key: found[key])
    return f"logistic regression on words and pairs, tf-idf, C={best:g} of {STRENGTHS}: {found[best]:.4f}"


if __name__ == "__main__":
    if sys.argv[1:]:
        print(told(words(*(Path(path).read_bytes().decode().rstrip("\n").split("\n") for path in sys.argv[1:]))))
    else:
        tables()
        names()
