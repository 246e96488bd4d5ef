"""Commands in a process of their own: what they import."""

from __future__ import annotations

import subprocess
import sys

# A command in a process of its own, which then prints what it imported.
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


def imported(*arguments: object) -> set[str]:
    """The modules that a command with these arguments imports."""
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())
