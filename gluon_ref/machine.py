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
    limit, count = quota(), len(cores())
    return max(1, min(count, int(limit)) if limit else count)


def threads():
    """As many as OMP_NUM_THREADS says, of which a list is for loops in loops; else as many as there are cores."""
    text = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(text) if text.isdecimal() and int(text) else processors()


def allowed():
    """The logical processors this process may run on, by number."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def cores():
    """The physical cores behind those, each as the list of its siblings."""
    place = "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list"
    return {_read(place % cpu) or cpu for cpu in allowed()}


def instructions():
    """Names of the instruction sets of the first processor, as Linux has them; empty where it does not say."""
    return set(_told("flags").split())


def kernels():
    """OpenBLAS's name for the kernels made for this processor, or empty below AVX2 and where Linux does not say.

    OpenBLAS 0.3.13, which is in mxnet's wheel, knows processors by model, and has kernels of 2004 for newer ones.
    """
    maker, has = _told("vendor_id"), instructions()
    if not {"avx2", "fma"} <= has:
        return ""
    intel = "SkylakeX" if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= has else "Haswell"
    return {"GenuineIntel": intel, "AuthenticAMD": "Zen"}.get(maker, "")


def _told(name):
    """What Linux says of the first processor under a name; empty where it says nothing."""
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def memory():
    """Bytes of memory: (all, still free), of the machine or of the container's limit if that is smaller; 0 unknown."""
    words = [line.split() for line in (_read("/proc/meminfo") or "").splitlines()]
    sizes = {line[0].rstrip(":"): int(line[1]) * 1024 for line in words if len(line) > 1 and line[1].isdigit()}
    total = sizes.get("MemTotal", 0)
    free = sizes.get("MemAvailable", sizes.get("MemFree", 0))
    for limit, used in _memory_limits():
        if not total or limit < total:
            total = limit
        free = min(free, max(0, limit - used))
    return total, free


def _memory_limits():
    """(limit, used) in bytes of the control groups this process is in, where they have a limit."""
    found = []
    own = [line.split(":", 2) for line in (_read("/proc/self/cgroup") or "").splitlines() if line.count(":") > 1]
    for _, kinds, path in own:
        for below in ("", path.strip("/")):
            if kinds == "memory":
                folder = os.path.join("/sys/fs/cgroup/memory", below)
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            elif not kinds:
                folder = os.path.join("/sys/fs/cgroup", below)
                names = ("memory.max", "memory.current", "inactive_file")
            else:
                continue
            limit, used = [_read(os.path.join(folder, name)) or "" for name in names[:2]]
            # Version 1 writes no limit as a number near 2 ** 63.
            if limit.isdigit() and used.isdigit() and int(limit) < 1 << 60:
                stat = [line.split() for line in (_read(os.path.join(folder, "memory.stat")) or "").splitlines()]
                cached = sum(int(line[1]) for line in stat if line[0] == names[2])
                found.append((int(limit), max(0, int(used) - cached)))
    return found


def quota():
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
