"""What `classroom doctor` finds: Python, packages, processor, memory, GPU, sandbox, browser, ports.

`examine` asks one small function for each line of the report. None of them raises, and none imports a heavy package:
versions come from the installed metadata, the GPU from nvidia-smi, the sandbox from a trial run of bubblewrap.
"""

import ctypes
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

DISTRIBUTION = "from-the-tensor-up"
SET_UP = "delete the folder .venv and run `python classroom.py doctor`: it installs everything again"


class Finding(NamedTuple):
    """One line of the report.

    `status` is "ok", "warn" (works, or is not needed by everyone) or "missing" (the course does not work without it).
    """

    name: str
    status: Literal["ok", "warn", "missing"]
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at this machine.

    >>> [finding.name for finding in examine()][:3]
    ['Python', 'System', 'Processor']
    """
    return [
        python_version(), system(), processor(), blas(), memory(), gpu(),
        *packages(), course_folder(), sandbox(), chromium(), ports(),
    ]


def python_version() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def system() -> Finding:
    return Finding("System", "ok", f"{platform.system()} {platform.release()} {platform.machine()}")


# Processor and memory

def processor() -> Finding:
    model, flags = processor_model_and_flags()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    vectors = [name for name in ("avx2", "fma", "avx512f", "asimd", "neon") if name in flags]
    found = f"{model}, {usable} of {os.cpu_count()} cores"
    return Finding("Processor", "ok", ", ".join([found, " ".join(vectors)]) if vectors else found)


def processor_model_and_flags() -> tuple[str, set[str]]:
    if sys.platform == "darwin":
        flags = (output_of("sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features") or "").lower().split()
        if platform.machine() == "arm64":
            flags.append("neon")
        return output_of("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine(), set(flags)
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), set()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return model[1] if model else platform.machine(), set(flags[1].split()) if flags else set()


def memory() -> Finding:
    try:
        import psutil
    except ImportError:
        return Finding("Memory", "warn", "unknown: the package psutil is not installed", SET_UP)
    state = psutil.virtual_memory()
    found = f"{state.available / 2**30:.1f} GiB free of {state.total / 2**30:.1f} GiB"
    if state.available < 2**30:
        return Finding("Memory", "warn", found, "close other programs: a chapter needs about 1 GiB")
    return Finding("Memory", "ok", found)


def blas() -> Finding:
    """The library that multiplies NumPy's matrices, and how many threads it will use."""
    try:
        import numpy
    except ImportError:
        return Finding("BLAS", "missing", "NumPy is not installed", SET_UP)
    library = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    found = f"{library.get('name', 'unknown')} {library.get('version', '')}".strip()
    kernel, threads = openblas_kernel_and_threads(Path(numpy.__file__).parent)
    if kernel:
        found += f", {kernel} kernels, {threads} threads"
    settings = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    limits = [f"{name}={os.environ[name]}" for name in settings if name in os.environ]
    return Finding("BLAS", "ok", found, f"threads are limited by {' and '.join(limits)}" if limits else "")


def openblas_kernel_and_threads(numpy_folder: Path) -> tuple[str | None, int]:
    """What NumPy's own OpenBLAS says of itself, where its wheel brings one."""
    folders = [numpy_folder.parent / "numpy.libs", numpy_folder / ".dylibs"]
    for path in (path for folder in folders for path in folder.glob("*openblas*")):
        try:
            library = ctypes.CDLL(str(path))
            corename = library.scipy_openblas_get_corename64_
            corename.restype = ctypes.c_char_p
            return corename().decode(), library.scipy_openblas_get_num_threads64_()
        except (OSError, AttributeError):
            continue
    return None, 0


def gpu() -> Finding:
    cupy = next((f"{name} {version}" for name in ("cupy-cuda12x", "cupy-cuda13x", "cupy")
                 if (version := installed_version(name))), None)
    cards = output_of("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    if not cards:
        return Finding("GPU", "ok", "no NVIDIA GPU",
                       "none is needed: the GPU chapter runs on a simulator and gives the same points")
    found = "; ".join(cards.splitlines())
    if cupy:
        return Finding("GPU", "ok", f"{found}; {cupy}")
    extra = "cuda13" if driver_knows_cuda_13(cards) else "cuda12"
    return Finding("GPU", "warn", f"{found}; CuPy is not installed",
                   f'to use it, in the course\'s folder: "{sys.executable}" -m pip install -e ".[{extra}]"')


def driver_knows_cuda_13(cards: str) -> bool:
    """CUDA 13 needs driver 580 or newer."""
    return int(cards.splitlines()[0].split(",")[-1].split(".")[0]) >= 580


# Packages

def packages() -> list[Finding]:
    """One finding for each package of the extra `course`, compared with the version that it asks for."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return [Finding(DISTRIBUTION, "missing", "the course is not installed", SET_UP)]
    wanted = [Requirement(line) for line in lines]
    return [package(requirement) for requirement in wanted
            if requirement.marker is None or requirement.marker.evaluate({"extra": "course"})]


def package(requirement) -> Finding:
    version = installed_version(requirement.name)
    if version is None:
        return Finding(requirement.name, "missing", "not installed", SET_UP)
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding(requirement.name, "warn", version, f"the course needs {requirement.specifier}: {SET_UP}")
    return Finding(requirement.name, "ok", version)


def installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# What surrounds the course

def course_folder() -> Finding:
    course = Path(__file__).resolve().parents[2] / "course"
    if not course.is_dir():
        return Finding("Course folder", "missing", f"no folder {course}", "clone the course and work there")
    if not os.access(course, os.W_OK):
        return Finding("Course folder", "missing", f"{course} cannot be written",
                       "copy the course to a folder that is yours")
    return Finding("Course folder", "ok", str(course))


def sandbox() -> Finding:
    """Whether bubblewrap can run a program apart from this machine; only grading has a use for it."""
    if sys.platform != "linux":
        return Finding("Sandbox", "warn", "bubblewrap exists on Linux only",
                       "students need none; grade strangers' work on a Linux machine")
    if not shutil.which("bwrap"):
        return Finding("Sandbox", "warn", "bubblewrap is not installed",
                       "students need none; to grade: sudo apt install bubblewrap")
    trial = ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "--die-with-parent"]
    if output_of(*trial, "echo", "works") != "works":
        return Finding("Sandbox", "warn", "bubblewrap is installed, and a trial run of it failed",
                       "students need none; to grade, allow unprivileged user namespaces on this machine")
    return Finding("Sandbox", "ok", f"{output_of('bwrap', '--version')}, a trial run works")


def chromium() -> Finding:
    program = find_chromium()
    if program is None:
        return Finding("Chromium", "warn", "not found",
                       "only the browser tests need it: sudo apt install chromium, or install Chrome")
    return Finding("Chromium", "ok", program)


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome that a browser test can drive, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    apps = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        os.path.expandvars(r"%ProgramFiles%\Google\Chrome\Application\chrome.exe"),
    ]
    return found or next((app for app in apps if Path(app).is_file()), None)


def ports() -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1)
        busy = probe.connect_ex(("127.0.0.1", 8888)) == 0
    if busy:
        return Finding("Port 8888", "ok", "in use", "nothing to do: `lab` takes the next free port")
    return Finding("Port 8888", "ok", "free")


def output_of(*command: str) -> str | None:
    """What a program prints, or None where it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
