"""Answer by the model beside this file: python predict.py INPUT... [--json] [--top N].

It needs numpy and onnxruntime, and Pillow only for images that are no PNG files. A bundle holds it twice: as predict.py
for when it is unzipped, and as __main__.py, by which `python bundle.zip INPUT...` answers from the .zip.
"""

from __future__ import annotations

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NEEDED = ("numpy", "onnxruntime")


def run() -> int:
    """Answer the command line; returns the exit code."""
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        names = " and ".join(lacking)
        print(
            f"error: predict: this Python has no {names}; expected a Python with {' and '.join(NEEDED)}; "
            f"run {sys.executable} -m pip install {' '.join(lacking)}",
            file=sys.stderr,
        )
        return 1
    sys.path.insert(0, HERE)
    from reader.bundled.command import main  # type: ignore[import-not-found]  # lies beside this file in a bundle

    return int(main(sys.argv[1:], HERE))


if __name__ == "__main__":
    sys.exit(run())
