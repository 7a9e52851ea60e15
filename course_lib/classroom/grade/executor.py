"""Running a submission: the one place where code that somebody else wrote is executed.

An Executor takes a notebook from the preflight, with the whole checks in it, and gives it back with outputs. Grading
trusts nothing else that comes back, and from the checks only whether they passed and the text of their errors. There
is one Executor today: LocalExecutor runs a fresh kernel for each submission with the rights of the person who grades.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute

from course_lib.classroom.grade.assignment import is_check

KEPT_ENVIRONMENT = {
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "PYTHONPATH",
    "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_CACHE_DIR",
}  # fmt: skip

NOT_DATA = shutil.ignore_patterns("*.ipynb", "*.py", ".*", "__pycache__")
SECONDS_FOR_OUTPUT = 30  # on a busy machine the outputs of a finished cell may come late
SECONDS_TO_GIVE_UP = 3  # after an interrupt
STOPPED = "Python itself stopped here: a crash, or a call that ends the program."


@dataclass(frozen=True)
class Limits:
    """How long one cell and one notebook may run (seconds), how much a cell may print (characters), and how often a
    kernel is started anew after a cell has killed it."""

    cell: float = 30.0
    notebook: float = 300.0
    output: int = 1_000_000
    restarts: int = 5


@dataclass(frozen=True)
class Resources:
    """What a notebook needs around it: the limits, and the folder whose data files are put beside it."""

    limits: Limits = Limits()
    data: Path | None = None


@dataclass
class ExecutedNotebook:
    """The notebook with outputs, the seconds it took, and what went wrong around its code: cell index to sentence."""

    notebook: NotebookNode
    seconds: float = 0.0
    incidents: dict[int, str] = field(default_factory=dict)


class ExecutorFailed(Exception):
    """The submission could not be run at all; the fault is the machine's, not the student's."""


class Executor(Protocol):
    """Runs notebooks. `run` never raises for anything the notebook does, only ExecutorFailed.

    `warning` is a sentence for the person who grades, or empty.
    """

    warning: str

    def run(self, notebook: NotebookNode, resources: Resources) -> ExecutedNotebook: ...


class LocalExecutor:
    """Runs each notebook in a kernel of its own on this machine, in an empty folder, through nbgrader's Execute.

    There is no isolation: the code may do whatever the person who grades may do.
    """

    warning = "The submissions run on this machine with your own rights: grade only work of people you trust."

    def __init__(self, log=None):
        self.log = log

    def run(self, notebook: NotebookNode, resources: Resources) -> ExecutedNotebook:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="classroom-", ignore_cleanup_errors=True) as scratch:
            if resources.data:
                shutil.copytree(resources.data, scratch, ignore=NOT_DATA, dirs_exist_ok=True)
            execute = PatientExecute(resources.limits, scratch, log=self.log)
            execute.preprocess(notebook, {"metadata": {"path": scratch}})
        for cell in notebook.cells:
            if is_check(cell):
                cell.outputs = _evidence(cell)
        return ExecutedNotebook(notebook, time.monotonic() - started, execute.incidents)


def failure(sentence: str, name: str = "NotRun") -> NotebookNode:
    """The output of a check that could not be run."""
    return new_output("error", ename=name, evalue=sentence, traceback=[sentence])


def _evidence(check: NotebookNode) -> list[NotebookNode]:
    """The outputs of a check that count: its errors and what it printed.

    nbgrader takes any text on stderr for a failure, and a displayed number for partial credit. A warning from NumPy is
    no failure, and in this course a check passes or raises, so neither may decide.
    """
    return [
        output
        for output in check.outputs
        if output.output_type == "error" or (output.output_type == "stream" and output.name == "stdout")
    ]


class ThisPython(KernelSpecManager):
    """Knows one kernel, whatever a notebook asks for: the Python that runs the grading."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )


class PatientExecute(Execute):
    """nbgrader's Execute, except that one cell which hangs or kills the kernel does not lose the others' marks.

    Such a cell gets an error for its output. If the kernel is gone, a new one runs the earlier cells again without it.
    """

    def __init__(self, limits: Limits, folder: str, log=None):
        super().__init__(
            shutdown_kernel="immediate",
            timeout_func=lambda cell: max(0.1, min(limits.cell, self._remaining())),
            store_widget_state=False,
            **({"log": log} if log else {}),
        )
        self._limits, self._folder, self._deadline = limits, folder, 0.0
        self._printed = 0
        self.incidents: dict[int, str] = {}

    def preprocess(self, nb: NotebookNode, resources: dict, km=None) -> tuple[NotebookNode, dict]:
        self.nb, self.resources = nb, resources
        self.reset_execution_trackers()
        self._deadline = time.monotonic() + self._limits.notebook
        restarts = 0
        try:
            self._start()
            for index, cell in enumerate(nb.cells):
                if cell.cell_type != "code":
                    continue
                if self._remaining() <= 0:
                    self._fail(index, f"The {self._limits.notebook:g} seconds for the whole notebook ran out before.")
                elif restarts > self._limits.restarts:
                    self._fail(index, "It was not run: Python had stopped too often before.")
                elif not self._survives(index, cell):
                    restarts += 1
                    while restarts <= self._limits.restarts and not self._replay(index):
                        restarts += 1
        finally:
            self._stop()
        return nb, resources

    def create_kernel_manager(self) -> AsyncKernelManager:
        self.km = AsyncKernelManager(kernel_spec_manager=ThisPython())
        return self.km

    def on_cell_executed(self, *, cell: NotebookNode, cell_index: int, execute_reply: dict, **_) -> None:
        """Called by nbclient after each cell: a reply other than ok must leave an error in the outputs."""
        reply = execute_reply["content"]
        if reply["status"] == "ok":
            return
        if reply.get("ename") == "CellTimeoutError":
            self._fail(cell_index, self._too_slow())
        elif not any(output.output_type == "error" for output in cell.outputs):
            cell.outputs.append(failure(str(reply.get("evalue", ""))[:1000], str(reply.get("ename", "Error"))[:100]))

    def output(self, outs, msg, display_id, cell_index):
        """Called by nbclient for each output: what a cell prints beyond the limit is dropped."""
        left = self._limits.output - self._printed
        content, kind = msg["content"], msg["msg_type"]
        self._printed += len(str(content))
        if kind == "error" and not any(output.output_type == "error" for output in outs):
            content["evalue"] = content["evalue"][:10_000]
            content["traceback"] = [line[:2_000] for line in content["traceback"][-50:]]
        elif self._printed > self._limits.output:
            if left <= 0 or kind != "stream":
                return None
            content["text"] = f"{content['text'][:left]}\n… (the rest was cut: this cell printed very much)\n"
        return super().output(outs, msg, display_id, cell_index)

    def _survives(self, index: int, cell: NotebookNode) -> bool:
        """Run one cell; False if the kernel did not survive it or could not be interrupted."""
        try:
            self._run_cell(index, cell)
        except DeadKernelError:
            self._fail(index, STOPPED)
        except CellTimeoutError:
            self._fail(index, self._too_slow())
        else:
            return True
        return False

    def _run_cell(self, index: int, cell: NotebookNode) -> None:
        self._printed, self.iopub_timeout = 0, SECONDS_FOR_OUTPUT
        self.execute_cell(cell, index)

    async def _async_handle_timeout(self, timeout, cell=None):
        """Called by nbclient when a cell's time is over: it interrupts, and waits so long for the cell to give up."""
        self.iopub_timeout = SECONDS_TO_GIVE_UP
        return await super()._async_handle_timeout(timeout, cell)

    def _replay(self, end: int) -> bool:
        """Start a new kernel and run the cells before `end` that did no harm, without recording anything."""
        self._stop()
        self._start()
        recorded, incidents = self.nb, dict(self.incidents)
        self.nb = NotebookNode(metadata={}, cells=[NotebookNode(cell) for cell in recorded.cells[:end]])
        try:
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type == "code" and index not in self.incidents and not is_check(cell):
                    cell.outputs = []
                    self._run_cell(index, cell)
        except (DeadKernelError, CellTimeoutError):
            return False
        finally:
            self.nb, self.incidents = recorded, incidents
        return True

    def _fail(self, index: int, sentence: str) -> None:
        self.incidents[index] = sentence
        self.nb.cells[index].outputs = [failure(sentence)]

    def _too_slow(self) -> str:
        if self._remaining() <= 0:
            return f"The {self._limits.notebook:g} seconds for the whole notebook ran out here."
        return f"It ran for {self._limits.cell:g} seconds and was stopped. Is there a loop that does not end?"

    def _remaining(self) -> float:
        return self._deadline - time.monotonic()

    def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name.upper() in KEPT_ENVIRONMENT}
        environment |= {"IPYTHONDIR": os.path.join(self._folder, ".ipython"), "NBGRADER_EXECUTION": "autograde"}
        try:
            self.km = self.create_kernel_manager()
            self.start_new_kernel(env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.start_new_kernel_client()
        except (RuntimeError, OSError, TimeoutError) as error:
            raise ExecutorFailed(f"a kernel could not be started ({error})") from error

    def _stop(self) -> None:
        if self.km is not None:
            self._cleanup_kernel()
            self.km = None
