from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gluon_ref import catalog
from gluon_ref.errors import UnknownNameError
from gluon_ref.models import mlp


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of the user's own on Python's path."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "own_plugins"
    package.mkdir()
    (package / "__init__.py").touch()
    yield package
    for name in [name for name in sys.modules if name.startswith("own_plugins")]:
        del sys.modules[name]


def test_a_file_is_a_name_unless_it_starts_with_an_underscore() -> None:
    assert catalog.find("models", "mlp") is mlp
    assert {"mlp", "cnn", "lstm"} <= set(catalog.names("models"))
    assert "table" in catalog.names("data")
    assert not [name for kind in catalog.SINGULAR for name in catalog.names(kind) if name.startswith("_")]


@pytest.mark.parametrize("kind", catalog.MAKERS)
def test_every_file_of_a_kind_defines_its_maker_and_says_what_it_is(kind: str) -> None:
    for name in catalog.names(kind):
        assert callable(getattr(catalog.find(kind, name), catalog.MAKERS[kind]))
        assert catalog.summary(kind, name)
        assert "\n" not in catalog.summary(kind, name)


def test_the_summary_of_a_recipe_is_its_first_comment() -> None:
    assert catalog.summary("recipes", "mlp") == "Multilayer perceptron on the handwritten digits."


def test_a_module_of_ones_own_is_found_by_its_dotted_name(plugins: Path) -> None:
    (plugins / "deep.py").write_text("def build(facts):\n    return 7\n")
    assert catalog.find("models", "own_plugins.deep").build(None) == 7


@pytest.mark.parametrize("text", ["", "def load(path): ...\n", "if True:\n    def build(): ...\n", "def build(:\n"])
def test_a_module_without_the_maker_is_never_executed(plugins: Path, text: str) -> None:
    trace = plugins / "trace"
    (plugins / "evil.py").write_text(f"open({str(trace)!r}, 'w').close()\n{text}")
    with pytest.raises(UnknownNameError) as caught:
        catalog.find("models", "own_plugins.evil")
    assert "or name a module of your own that defines build(), as package.file, with PYTHONPATH" in str(caught.value)
    assert not trace.exists()
    assert "own_plugins.evil" not in sys.modules


def test_the_trace_above_would_show_an_execution(plugins: Path) -> None:
    trace = plugins / "trace"
    (plugins / "good.py").write_text(f"open({str(trace)!r}, 'w').close()\ndef build(facts): ...\n")
    catalog.find("models", "own_plugins.good")
    assert trace.exists()


@pytest.mark.parametrize("name", ["", ".", "../mlp", "a..b", "no_such.module", "__init__", "_idx"])
def test_a_name_that_is_no_file_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"expected one of .*cnn.*"):
        catalog.find("models", name)


def test_a_typo_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        catalog.find("data", "irys")
    assert str(caught.value).startswith("data: unknown name 'irys'; expected one of ")
    assert str(caught.value).endswith("; did you mean iris?")


@pytest.mark.parametrize("kind", ["tasks", "inputs"])
def test_what_reads_and_answers_is_imported_without_mxnet(kind: str) -> None:
    code = (
        f"import sys; from gluon_ref import catalog; print([one for one in catalog.names({kind!r}) "
        f"if catalog.find({kind!r}, one) and 'mxnet' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
