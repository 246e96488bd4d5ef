"""Processes that are ended from inside, from outside, and not at all."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from gluon_ref.errors import DataError
from gluon_ref.exports.shielding import INSIDE, shielded

DIE = "import os, signal; os.kill(os.getpid(), signal.{})"
LEAVE = "import os; os._exit(255)"  # as MXNet does when it has caught SIGSEGV
BEGIN = "import os; os.mkdir('{out}/.net-x'); open('{out}/.net-x/half', 'w').close(); "


def run(code: str, out: Path) -> list[str]:
    return [sys.executable, "-c", BEGIN.format(out=out) + code]


def test_output_and_exit_code_are_those_of_the_process(tmp_path: Path) -> None:
    code = f"import sys; print(os.environ['{INSIDE}']); print('told', file=sys.stderr); sys.exit(2)"
    found = shielded([sys.executable, "-c", f"import os; {code}"], "net.json", tmp_path / "net")
    assert (found.code, found.output, found.errors, found.notes) == (2, b"1\n", b"told\n", ())


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (LEAVE, r"net.json: the process ended by code 255 while it ran this network; .*; check the options"),
        (
            DIE.format("SIGFPE"),
            r"net.json: the process ended by SIGFPE while it ran this network; .*; check the options",
        ),
        (
            DIE.format("SIGKILL"),
            r"net.json: the process ended by SIGKILL while .*; expected enough memory; pass smaller shapes",
        ),
    ],
)
def test_an_end_from_inside_is_told_and_leaves_nothing(code: str, told: str, tmp_path: Path) -> None:
    (tmp_path / ".net-of-another").mkdir()
    with pytest.raises(DataError, match=told):
        shielded(run(code, tmp_path), "net.json", tmp_path / "net")
    assert [path.name for path in tmp_path.iterdir()] == [".net-of-another"]


def test_a_network_that_onednn_cannot_run_is_run_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MXNET_MKLDNN_ENABLED", raising=False)
    dies = f"'MXNET_MKLDNN_ENABLED' in os.environ or {DIE.format('SIGSEGV').partition('; ')[2]}"
    found = shielded(run(f"import signal; {dies}; print('done')", tmp_path), "net.json", tmp_path / "net")
    assert (found.code, found.output) == (0, b"done\n")
    assert found.notes == ("MXNet's oneDNN ends its process on this network (SIGSEGV); MXNET_MKLDNN_ENABLED=0 was set",)


def test_a_background_job_that_is_deaf_to_interrupts_still_passes_a_signal_on(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        test_a_signal_lets_the_process_clean_up_and_is_its_exit_code(signal.SIGTERM, tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_process_clean_up_and_is_its_exit_code(sent: signal.Signals, tmp_path: Path) -> None:
    """The process is interrupted, whatever came, and once, so that nothing breaks off what it does then."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    code = (
        "import sys, time\n"
        "try:\n"
        f"    open('{ready}', 'w').close()\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        f"    open('{tmp_path}/cleaned', 'w').close()\n"
        "    sys.exit(130)\n"
    )

    def send() -> None:
        ready.open().close()  # waits until the other end is opened
        os.kill(os.getpid(), sent)

    thread = threading.Thread(target=send)
    thread.start()
    found = shielded([sys.executable, "-c", code], "net.json", tmp_path / "net")
    thread.join()
    assert found.code == 128 + sent
    assert (tmp_path / "cleaned").exists()
