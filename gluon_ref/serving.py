"""The entry of a parameter server or scheduler: `python -m gluon_ref.serving`, as `gluonref launch` starts it.

`import mxnet` in one of these roles serves at once and never returns, and could then import nothing of this package,
which the optimizer that dist_async sends is made of. So MXNet is imported first and told its role after.
"""

from __future__ import annotations

import os
import sys

from .errors import MachineError

ROLE = "DMLC_ROLE"


def main() -> None:
    """Take the role from the environment, and serve."""
    role = os.environ.pop(ROLE, "")
    if role not in ("server", "scheduler"):
        error = MachineError(
            "serving", f"{ROLE}={role}", "server or scheduler", "start it by `gluonref launch`, or see its --dry-run"
        )
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    from .backend import mx

    os.environ[ROLE] = role
    mx.kvstore.kvstore_server.KVStoreServer(mx.kvstore.create("dist")).run()


if __name__ == "__main__":
    main()
