"""gluonref report: paths and main figures, or one JSON object; and the page in a real browser."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gluon_ref_cli import report as command

from gluon_ref.reports import page
from tests.reports.test_page import HOSTILE, Reader, made, pictures, regression

from .conftest import Call

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


def test_paths_and_main_figures_are_printed(call: Call, run: Path) -> None:
    result = call("report", run, "--out", "report")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [word for word in lines[0].split() if word[0].isalpha()] == [
        "iris",
        "accuracy",
        "macro_f1",
        "cross_entropy",
        "calibration_error",
    ]
    assert lines[1] == "report      report/index.html"
    assert [line.split("/")[1] for line in lines[2:]] == [
        "report.json",
        "curves.png",
        "confusion.png",
        "calibration.png",
        "mistakes.png",
    ]


def test_json_is_one_object_and_nothing_else(call: Call, run: Path, here: Path) -> None:
    result = call("report", run, "--out", "report", "--json")
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == json.loads((here / "report" / "report.json").read_text())


def test_several_runs_are_reported_in_a_folder_of_their_own(
    call: Call, run: Path, unfinished: Path, here: Path
) -> None:
    result = call("report", run, unfinished)
    assert result.exit_code == 0
    assert (here / "report" / "index.html").is_file()
    assert result.stderr == "warning: unfinished: not finished: 1 of 3 epochs\n"


def test_other_data_is_examined(call: Call, run: Path) -> None:
    result = call("report", run, "--data", "wine", "--out", "report")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: data wine: shape 13; expected 4, as in training")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'RUN...'"),
        (["nowhere"], "error: run nowhere: no such folder; expected a folder that `gluonref train` made"),
        (["."], "error: run .: no run.toml in it"),
        ([""], "nothing given; give a run's folder"),
        (["RUN", "RUN"], "twice; expected each run once; leave one of them out"),
        (["RUN", "--out", "full"], "error: --out: full holds mine.txt; expected a new or empty folder"),
        (["RUN", "--out", "full/mine.txt"], "error: --out: full/mine.txt is no folder"),
        (["RUN", "--data", "irs", "--out", "new"], "error: data: unknown name 'irs'"),
        (["RUN", "--data", "", "--out", "new"], "nothing given; give a value or leave it out"),
    ],
)
def test_wrong_requests_have_one_message_and_write_nothing(
    call: Call, run: Path, here: Path, arguments: list[str], message: str
) -> None:
    (here / "full").mkdir()
    (here / "full" / "mine.txt").write_text("precious")
    result = call("report", *(run if one == "RUN" else one for one in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert sorted(path.name for path in here.rglob("*")) == ["full", "mine.txt"]


def test_help_names_what_is_replaced(call: Call) -> None:
    assert "An earlier report in the folder is replaced" in " ".join(call("report", "--help").stdout.split())
    assert command.report.name == "report"


class Listener:
    """A proxy that answers nothing and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(4096).split(b"\r\n")[0])

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def browse(file: Path, listener: Listener, *options: str) -> str:
    """The page as the browser has it after loading; all it asks of any network goes to the listener."""
    assert BROWSER
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", *QUIET, *options),
            *(f"--user-data-dir={file.parent / 'profile'}", f"--proxy-server=127.0.0.1:{listener.port}"),
            *("--proxy-bypass-list=<-loopback>", "--dump-dom", file.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt-get install chromium")
def test_a_browser_shows_the_page_and_asks_no_network_for_anything(here: Path, listener: Listener) -> None:
    (here / "control.html").write_text('<p>control</p><img src="http://example.invalid/x.png">')
    browse(here / "control.html", listener)
    assert any(b"example.invalid" in line for line in listener.asked), "the listener hears nothing"
    for name, reviews in {
        "texts": [made(word=HOSTILE)],
        "values": [regression(HOSTILE)],
        "two": [pictures(HOSTILE), made("b", HOSTILE)],
    }.items():
        (here / f"{name}.html").write_text(page.render(reviews), encoding="utf-8")
        listener.asked.clear()
        seen = Reader.of(browse(here / f"{name}.html", listener))
        assert [line for line in listener.asked if b"example.invalid" in line] == []
        sections = [value for tag, at, value in seen.attributes if (tag, at) == ("section", "id")]
        assert {"summary", "curves", "mistakes", "recipes"} <= set(sections)
        assert "script" not in seen.tags
        assert seen.tags.count("svg") == page.render(reviews).count("<svg")
