from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gluon_ref.checks import children
from gluon_ref.checks.children import Ended, together

PYTHON = (sys.executable, "-I", "-S", "-c")
FOREVER = "import threading; threading.Event().wait()"


def run(limit_s: float = 60, **code: str) -> dict[str, Ended]:
    commands = {name: (*PYTHON, text) for name, text in code.items()}
    return together(commands, environ=os.environ, limit_s=limit_s)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_each_process_is_told_with_its_outputs_and_status_in_the_order_asked() -> None:
    found = run(b="print('out')", a="import sys; print('é', file=sys.stderr); sys.exit(3)")
    assert found == {"b": Ended("out\n", "", 0), "a": Ended("", "é\n", 3)}
    assert list(found) == ["b", "a"]


def test_processes_run_side_by_side(tmp_path: Path) -> None:
    # Each waits for the other's file: one after the other, neither would end.
    text = "import os\nopen({!r}, 'w').close()\nwhile not os.path.exists({!r}): pass"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    found = run(a=text.format(one, two), b=text.format(two, one))
    assert [ended.status for ended in found.values()] == [0, 0]


def test_a_process_whose_time_is_up_is_ended_and_what_it_printed_is_kept() -> None:
    found = run(limit_s=1, slow=f"print('before', flush=True); {FOREVER}", quick="print('done')")
    assert found == {"slow": Ended("before\n", "", None), "quick": Ended("done\n", "", 0)}


def test_what_it_started_is_ended_with_it() -> None:
    inner = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-I', '-S', '-c', {FOREVER!r}])"
    found = run(limit_s=1, outer=f"{inner}; print(p.pid, flush=True); p.wait()")
    assert found["outer"].status is None
    tries = 0
    while alive(int(found["outer"].output)):  # its files are closed a moment before it is gone
        tries += 1
        assert tries < 100_000


def test_a_process_that_does_not_want_to_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_S", 0.1)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {FOREVER}"
    assert run(limit_s=2, a=deaf) == {"a": Ended("deaf\n", "", None)}


def test_a_process_that_crashes_has_its_signal_as_status() -> None:
    assert run(a="import os; os.kill(os.getpid(), 4)")["a"].status == -4


def test_a_program_that_cannot_be_started_is_status_127(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    commands = {"none": (str(tmp_path / "none"),), "plain": (str(tmp_path / "plain"),)}
    found = together(commands, environ={}, limit_s=60)
    assert [one.status for one in found.values()] == [127, 127]
    assert "No such file" in found["none"].errors
    assert "Permission denied" in found["plain"].errors


def test_no_process_outlives_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    plain = children._start

    def start(*arguments):
        started.append(plain(*arguments))
        if len(started) == 2:
            raise KeyboardInterrupt
        return started[-1]

    monkeypatch.setattr(children, "_start", start)
    with pytest.raises(KeyboardInterrupt):
        run(a=FOREVER, b="print()")
    assert started[0].poll() == -9
    for process in started:
        process.communicate()


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert run(a="import sys; sys.stdout.buffer.write(bytes([0xff, 10]))")["a"].output == "\ufffd\n"
