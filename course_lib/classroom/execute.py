"""Running a notebook in a fresh kernel, so that two runs record the same outputs.

The kernel is this very Python with a fixed environment; what may differ between runs (timings, widget models, memory
addresses, tracebacks through library files) is left out of the record or refused.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.notebook import LANGUAGE_INFO

CELL_SECONDS = 120
_WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_NOT_COPIED = shutil.ignore_patterns("*.py", "*.ipynb", ".*", "__pycache__")


class _ThisPython(AsyncKernelManager):
    """A kernel of the running Python, whatever kernels this machine has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def run_notebook(notebook: NotebookNode, folder: Path, *, seconds: int = CELL_SECONDS) -> NotebookNode:
    """Run every cell, going on after errors, in a copy of `folder`'s data files; outputs end up in the notebook.

    Args:
        folder: the chapter's folder.
        seconds: the time that one cell may take.
    """
    with tempfile.TemporaryDirectory(prefix="chapter-", ignore_cleanup_errors=True) as scratch:
        place = Path(scratch) / "chapter"
        shutil.copytree(folder, place, ignore=_NOT_COPIED)
        client = NotebookClient(
            notebook,
            kernel_manager_class=_ThisPython,
            timeout=seconds,
            allow_errors=True,
            coalesce_streams=True,
            store_widget_state=False,
            record_timing=False,
            extra_arguments=["--IPKernelApp.log_level=40"],  # no warning about the address it listens on
            resources={"metadata": {"path": str(place)}},
            config=Config(),
        )
        try:
            client.execute(env=_environment(Path(scratch)))
        except CellTimeoutError as error:
            raise ClassroomError(f"A cell of {folder.name} ran longer than {seconds} seconds.") from error
        except DeadKernelError as error:
            raise ClassroomError(f"The kernel died while it ran {folder.name}.") from error
    notebook.metadata.language_info = LANGUAGE_INFO
    return notebook


def _environment(scratch: Path) -> dict[str, str]:
    """This process's environment without what changes how a notebook runs or prints."""
    unwanted = ("PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONBREAKPOINT", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING")
    fixed = {
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "IPYTHONDIR": str(scratch / "ipython"),
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
    }
    return {key: value for key, value in os.environ.items() if key not in unwanted} | fixed


# ---- what a cell left behind -----------------------------------------------------------------------------------------


def error_of(cell: Mapping) -> str | None:
    """What a cell raised or wrote on stderr, as plain text, or None. nbgrader counts either as a failure."""
    for output in cell.get("outputs", ()):
        if output["output_type"] == "error":
            return _COLOUR.sub("", "\n".join(output["traceback"])) or f"{output['ename']}: {output['evalue']}"
        if output["output_type"] == "stream" and output["name"] == "stderr":
            return output["text"]
    return None


def settle_outputs(notebook: NotebookNode, name: str) -> None:
    """Leave in the record what the next run will print again.

    Widget models have random ids: their picture and text stay. A traceback runs through files of this machine: the
    error's own words stay, unless it is a check's message, which has no traceback. Of a cell tagged nbval-ignore-output
    only pictures stay, of one tagged nbval-skip nothing.
    """
    for number, cell in enumerate(notebook.cells, 1):
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags", ())
        if "nbval-skip" in tags:
            cell.outputs = []
        elif "nbval-ignore-output" in tags:
            cell.outputs = [
                output for output in cell.outputs if any(kind in output.get("data", ()) for kind in _PICTURES)
            ]
        for output in cell.outputs:
            _settle(output, f"{name}, cell {number}")


def _settle(output: NotebookNode, place: str) -> None:
    if "data" in output:
        output.data.pop(_WIDGET, None)
        output.metadata.pop(_WIDGET, None)
    elif output.output_type == "error" and output.ename not in ("CheckFailed", "NotAttempted"):
        output.traceback = [f"{output.ename}: {output.evalue}"]
    for text in (output.get("text", ""), output.get("data", {}).get("text/plain", ""), output.get("evalue", "")):
        address = _ADDRESS.search(text)
        if address:
            raise ClassroomError(f"{place} prints a memory address ({address.group()}), which differs at every run.")
