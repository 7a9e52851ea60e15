"""`python -m course_lib program.py`: run a program that was written for PyTorch on this library, as it is."""

import runpy
import sys
from pathlib import Path

USAGE = """\
python -m course_lib program.py [arguments]    runs a PyTorch program: `import torch` gives course_lib
python -m course_lib -m module [arguments]     runs a module"""


def main(arguments: list[str]) -> None:
    """Run a program or a module as `python` would, with course_lib as torch."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        raise SystemExit(0 if arguments else 2)
    from .as_torch import install

    install()
    if arguments[0] == "-m" and len(arguments) > 1:
        sys.argv = arguments[1:]
        sys.path.insert(0, "")
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    program = Path(arguments[0])
    if not program.is_file():
        raise SystemExit(f"There is no program {arguments[0]!r}. Give the path of a Python file, or -m and a module")
    sys.argv = arguments
    sys.path.insert(0, str(program.resolve().parent))
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
