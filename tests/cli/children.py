"""Commands in a process of their own: what they print, and what they import."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

# Tells at the end what it imported.
CHILD = """
import sys
from gluon_ref_cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    assert not left.code, left.code
finally:
    print(*sys.modules, file=sys.stderr)
"""


class Left(NamedTuple):
    """What a command has printed and imported."""

    stdout: str
    modules: set[str]


def alone(*arguments: object) -> Left:
    """A command with these arguments, in a process of its own."""
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return Left(done.stdout, set(done.stderr.splitlines()[-1].split()))
