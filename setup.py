"""Says what the machine lacks before anything is downloaded; all else is in setup.cfg."""

import os
import runpy
import sys

from setuptools import setup

# For those who build a wheel here that is installed elsewhere.
if not os.environ.get("GLUONREF_SKIP_CHECK"):
    machine = runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gluon_ref", "machine.py"))
    if machine["main"]():
        sys.exit("gluon_ref cannot be installed here yet: see what is missing above")

setup()
