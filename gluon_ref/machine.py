"""What this machine has and what it lacks: Python, compiler, libraries, processors.

Runs as a file on any Python since 2.7, before anything is installed or downloaded: that is why
there are no annotations and no f-strings here. `python gluon_ref/machine.py` exits 1 and
prints one line per thing that is missing, with the command that installs it.
"""

from __future__ import print_function

import glob
import os
import platform
import shutil
import sys
import sysconfig

try:
    import ctypes
except ImportError:  # Debian's python3-minimal
    ctypes = None

PYTHONS = ((3, 10), (3, 13))  # oldest and newest on which MXNet 1.9.1 was seen to train
# numpy below 2 has no wheel for this Python and newer ones: pip compiles it.
NUMPY_COMPILES_FROM = (3, 13)
LIBRARIES = (
    ("libgomp.so.1", "libgomp1", "mxnet"),
    ("libquadmath.so.0", "libquadmath0", "mxnet"),
    ("libGL.so.1", "libgl1", "opencv-python, which gluoncv imports"),
    ("libgthread-2.0.so.0", "libglib2.0-0", "opencv-python, which gluoncv imports"),
)


def missing():
    """What stops the package from installing here.

    Returns:
        list of (what, why, command) strings; empty when nothing is missing.
    """
    version = sys.version_info[:2]
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        return [
            (
                "Python %d.%d at %s" % (version[0], version[1], sys.executable),
                "MXNet 1.9.1 is made to work on Python 3.10 to 3.13",
                "use Debian 12 or 13 or Ubuntu 22.04 or 24.04, whose python3 fits, "
                "or name one that does: make demo PYTHON=/path/to/python3.11",
            )
        ]
    if sys.platform.startswith("linux") and platform.machine() not in ("x86_64", "AMD64"):
        return [
            (
                "processor %s" % platform.machine(),
                "mxnet 1.9.1 has wheels for Linux on x86-64 only",
                "use an x86-64 machine or virtual machine",
            )
        ]
    if glob.glob("/lib/ld-musl-*"):
        return [
            (
                "the musl C library",
                "mxnet 1.9.1 has wheels for the GNU C library only",
                "use Debian, Ubuntu or another system with glibc",
            )
        ]
    if ctypes is None:
        return [("Python's standard library", "only its smallest part is here", "apt-get install python3 python3-venv")]
    return _missing_tools(version) + _missing_libraries()


def _missing_tools(version):
    found = []
    python = "python%d.%d" % version
    compilers = ["cc", "gcc", "clang"] if not os.environ.get("CC") else [os.environ["CC"].split()[0]]
    if not any(shutil.which(name) for name in compilers):
        found.append(("a C compiler", "gluonnlp is compiled while it installs", "apt-get install gcc libc6-dev"))
    if version >= NUMPY_COMPILES_FROM and not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        found.append(
            ("a C++ compiler", "numpy 1.26 has no wheel for this Python and is compiled", "apt-get install g++")
        )
    header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
    if not os.path.exists(header):
        found.append(
            (
                "Python's headers (%s)" % header,
                "gluonnlp is compiled while it installs",
                "apt-get install %s-dev" % python,
            )
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        found.append(
            ("Python's venv module", "the virtual environment is made with it", "apt-get install %s-venv" % python)
        )
    return found


def _missing_libraries():
    if not sys.platform.startswith("linux"):
        return []
    found = []
    for library, package, user in LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            found.append((library, "needed by " + user, "apt-get install " + package))
    return found


def processors():
    """Number of physical cores this process may use: its affinity, or the container's quota if smaller; 1 or more."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cores = set()
    for cpu in allowed:
        siblings = _read("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list" % cpu)
        cores.add(siblings or cpu)
    quota = _quota()
    count = len(cores)
    return max(1, min(count, int(quota)) if quota else count)


def _quota():
    """The control group's limit in processors, or None: cgroup v2's cpu.max, v1's cfs_quota_us."""
    words = (_read("/sys/fs/cgroup/cpu.max") or "max").split()
    if words[0] == "max":
        words = [
            _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or "-1",
            _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us") or "100000",
        ]
    try:
        quota, period = float(words[0]), float(words[1])
    except (IndexError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except (IOError, OSError):
        return None


def main():
    """Print what is missing and how to mend it; the exit status is 1 when anything is."""
    lacks = missing()
    for what, why, command in lacks:
        print("missing: %s\n    why: %s\n    do:  %s" % (what, why, command), file=sys.stderr)
    installs = [command for _, _, command in lacks if command.startswith("apt-get install ") and "," not in command]
    if installs:
        packages = " ".join(command[len("apt-get install ") :] for command in installs)
        print("all at once, as root: apt-get update && apt-get install -y " + packages, file=sys.stderr)
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())
