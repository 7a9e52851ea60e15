"""Worker processes of the DataLoader: batches arrive whole, errors arrive at all, and nothing is left behind.

Each test is a program that runs in a Python of its own, so that what it leaves (processes, shared memory, words on
stderr) can be seen from outside, and so that spawn finds its classes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="sends signals of POSIX systems")

HEAD = """
import multiprocessing, os, signal, sys, time
import numpy as np
import course_lib as torch
from course_lib.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

class Made(Dataset):
    "Sample i is make(i)."
    def __init__(self, n, make):
        self.n, self.make = n, make
    def __len__(self):
        return self.n
    def __getitem__(self, i):
        return self.make(i)

def tell(function):
    "Print what a call raises, and what caused that."
    try:
        print(function())
    except BaseException as error:
        while error is not None:
            text = str(error).replace(str(os.getpid()), "self")
            print(f"{type(error).__name__}: {text}", flush=True)
            error = error.__cause__

def be_impatient():
    "Give workers that hang half a second instead of five."
    import course_lib.utils.data._utils.iterators as iterators
    iterators.PATIENCE = 0.5

def pids(iterator):
    return [worker.process.pid for worker in iterator._workers]
"""


def script(tmp_path: Path, body: str, definitions: str = "") -> list[str]:
    """The command that runs a program: definitions for all processes, a body for the first one."""
    path = tmp_path / "program.py"
    main = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    text = f"{HEAD}\n{textwrap.dedent(definitions)}\nif __name__ == '__main__':\n{main}\n"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, str(path)]


def run(tmp_path: Path, body: str, definitions: str = "") -> str:
    """What a program prints; nothing must come on stderr."""
    done = subprocess.run(script(tmp_path, body, definitions), capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def gone(pid: int, within: float = 20.0) -> bool:
    """Whether a process has ended, or ends soon."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        with contextlib.suppress(OSError):
            if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True  # dead; nobody has asked for its exit code
        time.sleep(0.05)
    return False


def segments() -> set[Path]:
    """What lies where Python and this library could leave shared memory, by the names that they give it."""
    places = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    names = ("course_lib*", "psm_*", "pym-*")
    return {path for place in places if place.exists() for name in names for path in place.glob(name)}


@pytest.fixture(autouse=True)
def nothing_in_shared_memory():
    """No test leaves a segment of shared memory."""
    before = segments()
    yield
    assert segments() <= before


LARGE = """
    def large(i):
        return torch.full((100_000,), float(i))
"""


# ---- batches -----------------------------------------------------------------------------------------------------


def test_spawned_workers_give_what_this_process_gives(tmp_path):
    printed = run(
        tmp_path,
        """
        for method in [None, *multiprocessing.get_all_start_methods()]:
            torch.manual_seed(0)
            workers = {} if method is None else {"num_workers": 2, "multiprocessing_context": method}
            loader = DataLoader(Made(7, square), batch_size=3, shuffle=True, **workers)
            print([(x.tolist(), list(name)) for x, name in loader])
        """,
        """
        def square(i):
            return torch.tensor([float(i * i)]), str(i)
        """,
    ).splitlines()
    assert len(printed) == len(multiprocessing.get_all_start_methods()) + 1
    assert len(set(printed)) == 1


def test_batches_of_all_sizes_arrive_and_stay(tmp_path):
    """Small and large ones, growing and shrinking, of arrays and of text, more than a pipe holds; all are kept."""
    printed = run(
        tmp_path,
        """
        loader = DataLoader(Made(40, sized), batch_size=None, num_workers=2, prefetch_factor=8)
        for epoch in range(2):
            batches = list(loader)
            for i, batch in enumerate(batches):
                n = 7 ** (i % 8)
                assert batch["x"].shape == (n,) and bool((batch["x"] == i).all()), i
                assert batch["name"] == "é" * n and batch["array"].sum() == n * i
                batch["x"] += 1
                batch["array"] += 1
        print("same")
        """,
        """
        def sized(i):
            n = 7 ** (i % 8)
            return {"x": torch.full((n,), float(i)), "name": "é" * n, "array": torch.tensor(np.full(n, i))}
        """,
    )
    assert printed == "same\n"


def test_large_indices_and_far_prefetching(tmp_path):
    printed = run(
        tmp_path,
        """
        indices = [list(range(50_000))] * 60
        loader = DataLoader(Made(50_000, int), batch_sampler=indices, num_workers=1, prefetch_factor=60, collate_fn=len)
        print(sum(loader))
        loader = DataLoader(Made(5_000, int), batch_size=None, num_workers=1, prefetch_factor=5_000)
        print(sum(loader))
        """,
    )
    assert printed.split() == ["3000000", str(sum(range(5000)))]


@posix
def test_many_large_batches_ahead_need_few_files(tmp_path):
    printed = run(
        tmp_path,
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        loader = DataLoader(Made(300, large), batch_size=None, num_workers=1, prefetch_factor=200)
        batches = list(loader)
        print(all(bool((x == i).all()) for i, x in enumerate(batches)), len(batches))
        """,
        LARGE,
    )
    assert printed == "True 300\n"


def test_tensors_keep_what_they_are(tmp_path):
    printed = run(
        tmp_path,
        """
        (batch,) = DataLoader(Made(1, kinds), batch_size=None, num_workers=1)
        for x in batch:
            print(type(x).__name__, x.dtype, tuple(x.shape), x.stride(), x.requires_grad, x.is_leaf, x.tolist())
        tell(lambda: list(DataLoader(Made(1, computed), batch_size=None, num_workers=1)))
        """,
        """
        def kinds(i):
            x = torch.arange(6.).view(2, 3)
            return [x, x.t(), x[:, 1:], x.bfloat16(), torch.ones(2, requires_grad=True), torch.zeros(0, 3),
                    torch.tensor(True), torch.nn.Parameter(torch.ones(1)), torch.tensor([1j])]

        def computed(i):
            return torch.ones(2, requires_grad=True) * 2
        """,
    )
    assert printed.splitlines()[:9] == [
        "Tensor torch.float32 (2, 3) (3, 1) False True [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]",
        "Tensor torch.float32 (3, 2) (1, 3) False True [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]",
        "Tensor torch.float32 (2, 2) (2, 1) False True [[1.0, 2.0], [4.0, 5.0]]",
        "Tensor torch.bfloat16 (2, 3) (3, 1) False True [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]",
        "Tensor torch.float32 (2,) (1,) True True [1.0, 1.0]",
        "Tensor torch.float32 (0, 3) (3, 1) False True []",
        "Tensor torch.bool () () False True True",
        "Parameter torch.float32 (1,) (1,) True True [1.0]",
        "Tensor torch.complex64 (1,) (1,) False True [1j]",
    ]
    assert printed.splitlines()[9] == "RuntimeError: Caught RuntimeError in DataLoader worker process 0."
    assert "RuntimeError: Cowardly refusing to serialize non-leaf tensor which requires_grad" in printed


def test_a_row_travels_without_the_tensor_that_it_is_a_row_of(tmp_path):
    printed = run(
        tmp_path,
        """
        iterator = iter(DataLoader(TensorDataset(torch.zeros(1000, 1000)), batch_size=None, num_workers=1))
        (row,) = next(iterator)
        print(row.shape, row.untyped_storage().nbytes())
        """,
    )
    assert printed == "torch.Size([1000]) 4000\n"


def test_as_they_get_ready(tmp_path):
    printed = run(
        tmp_path,
        """
        loader = DataLoader(Made(6, slow_first), batch_size=None, num_workers=2, in_order=False)
        found = list(loader)
        print(found[0] != 0, sorted(found))
        """,
        """
        def slow_first(i):
            time.sleep(1 if i == 0 else 0)
            return i
        """,
    )
    assert printed == "True [0, 1, 2, 3, 4, 5]\n"


def test_persistent_workers_stay_and_forget_an_unfinished_epoch(tmp_path):
    printed = run(
        tmp_path,
        """
        for in_order in (True, False):
            loader = DataLoader(Made(8, by), batch_size=None, num_workers=2, persistent_workers=True, in_order=in_order)
            iterator = iter(loader)
            workers = pids(iterator)
            next(iterator)
            for _ in range(3):
                batches = list(loader)
                print(sorted(i for i, _ in batches), {pid for _, pid in batches} <= set(workers))
        """,
        """
        def by(i):
            return i, os.getpid()
        """,
    )
    assert printed == "[0, 1, 2, 3, 4, 5, 6, 7] True\n" * 6


# ---- errors ------------------------------------------------------------------------------------------------------


def test_exceptions_come_with_their_traceback(tmp_path):
    printed = run(
        tmp_path,
        """
        for kind in (ValueError, KeyError, NotPickled, "unicode", "lambda"):
            tell(lambda: list(DataLoader(Made(1, Raise(kind)), num_workers=1, collate_fn=list)))
        """,
        """
        def local():
            class Hidden(Exception):
                pass
            return Hidden

        NotPickled = local()

        class Raise:
            def __init__(self, kind):
                self.kind = kind
            def __call__(self, i):
                if self.kind == "unicode":
                    b"\\xff".decode("utf-8")
                if self.kind == "lambda":
                    return lambda: 1
                raise self.kind("bad sample")
        """,
    )
    caught = [line for line in printed.splitlines() if "Caught" in line]
    assert caught[:4] == [
        "ValueError: Caught ValueError in DataLoader worker process 0.",
        "KeyError: Caught KeyError in DataLoader worker process 0.",
        "RuntimeError: Caught Hidden in DataLoader worker process 0.",
        "RuntimeError: Caught UnicodeDecodeError in DataLoader worker process 0.",
    ]
    assert caught[4].endswith("in DataLoader worker process 0.") and "pickle" in printed.split(caught[4])[1]
    assert printed.count("Original Traceback (most recent call last):") == 5
    assert "in __call__" in printed and 'raise self.kind("bad sample")' in printed


def test_an_exception_in_worker_init_fn(tmp_path):
    printed = run(
        tmp_path,
        """
        def prepare(worker_id):
            raise ValueError(f"worker {worker_id} is not prepared")
        tell(lambda: list(DataLoader(Made(4, int), num_workers=1, worker_init_fn=prepare)))
        """,
    )
    assert "ValueError: Caught ValueError in DataLoader worker process 0." in printed
    assert "ValueError: worker 0 is not prepared" in printed


def test_the_epoch_goes_on_after_an_exception(tmp_path):
    printed = run(
        tmp_path,
        """
        iterator = iter(DataLoader(Made(4, odd_only), batch_size=None, num_workers=2))
        found = []
        while True:
            try:
                found.append(next(iterator))
            except ValueError:
                found.append("error")
            except StopIteration:
                break
        print(found)
        """,
        """
        def odd_only(i):
            if i % 2 == 0:
                raise ValueError(i)
            return i
        """,
    )
    assert printed == "['error', 1, 'error', 3]\n"


@posix
def test_a_worker_that_dies(tmp_path):
    printed = run(
        tmp_path,
        """
        def kill(number):
            os.kill(os.getpid(), number)
        for end in ("kill(signal.SIGKILL)", "kill(signal.SIGSEGV)", "os._exit(3)", "sys.exit(0)"):
            tell(lambda: list(DataLoader(Made(4, lambda i: eval(end)), num_workers=2)))
        """,
    )
    lines = [" ".join("N" if word.rstrip(")").isdigit() and len(word) > 2 else word for word in line.split(" "))
             for line in printed.splitlines()]  # fmt: skip
    assert {line for line in lines if line.startswith("RuntimeError: DataLoader worker (pid(s)")} == {
        "RuntimeError: DataLoader worker (pid(s) N exited unexpectedly"
    }
    assert "RuntimeError: DataLoader worker (pid N is killed by signal: Killed. " in lines
    assert "RuntimeError: DataLoader worker (pid N is killed by signal: Segmentation fault. " in lines
    assert (
        "RuntimeError: DataLoader worker (pid N exited unexpectedly with exit code 3. Details are lost due to "
        "multiprocessing. Rerunning with num_workers=0 may give better error trace."
    ) in lines


def test_a_worker_that_is_too_slow(tmp_path):
    printed = run(
        tmp_path,
        """
        be_impatient()
        loader = DataLoader(Made(4, time.sleep), sampler=[0, 100], num_workers=1, timeout=1, collate_fn=len)
        tell(lambda: list(loader))
        """,
    )
    assert printed == "RuntimeError: DataLoader timed out after 1 seconds\n"


def test_a_dataset_that_spawn_cannot_pickle(tmp_path):
    printed = run(
        tmp_path,
        """
        tell(lambda: list(DataLoader(Made(1, lambda i: i), num_workers=2, multiprocessing_context="spawn")))
        print(multiprocessing.active_children())
        """,
    )
    assert "lambda" in printed.splitlines()[0] and printed.splitlines()[1] == "[]"


# ---- the end -----------------------------------------------------------------------------------------------------

def test_no_process_stays_when_the_reader_stops(tmp_path):
    printed = run(
        tmp_path,
        """
        for x in DataLoader(Made(100, large), batch_size=2, num_workers=2):
            break
        print(multiprocessing.active_children())
        iterator = iter(DataLoader(Made(100, large), batch_size=2, num_workers=2, persistent_workers=True))
        next(iterator)
        del iterator
        print(multiprocessing.active_children())
        kept = iter(DataLoader(Made(100, large), batch_size=2, num_workers=2))
        print(next(kept)[1][0])
        """,
        LARGE,
    )
    assert printed == "[]\n[]\ntensor(1.)\n"


def test_a_hanging_worker_is_ended_by_force(tmp_path):
    printed = run(
        tmp_path,
        """
        be_impatient()
        iterator = iter(DataLoader(Made(2, time.sleep), sampler=[0, 1000], num_workers=1, collate_fn=len))
        next(iterator)
        del iterator
        print(multiprocessing.active_children())
        """,
    )
    assert printed == "[]\n"


@posix
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_as_on_macos(tmp_path, method):
    """There a segment is a file without a name, and who sends it waits until it has arrived."""
    printed = run(
        tmp_path,
        f"""
        settings = dict(batch_size=None, num_workers=2, multiprocessing_context="{method}")
        print(sum(int(x[0]) for x in DataLoader(Made(20, large), **settings)))
        iterator = iter(DataLoader(Made(20, large), prefetch_factor=8, **settings))
        next(iterator)
        time.sleep(0.5)  # until the workers wait to be heard
        processes = [worker.process for worker in iterator._workers]
        del iterator
        print([process.exitcode for process in processes])  # 0: nobody had to be ended by force
        """,
        LARGE
        + """
    multiprocessing.reduction.ACKNOWLEDGE = True
    if hasattr(os, "memfd_create"):
        del os.memfd_create
""",
    )
    assert printed == "190\n[0, 0]\n"


@posix
def test_a_forked_copy_does_not_end_the_workers(tmp_path):
    printed = run(
        tmp_path,
        """
        iterator = iter(DataLoader(Made(20, large), batch_size=None, num_workers=2))
        next(iterator)
        child = os.fork()
        if child == 0:
            del iterator
            os._exit(0)
        os.waitpid(child, 0)
        print(len(list(iterator)))
        """,
        LARGE,
    )
    assert printed == "19\n"


@posix
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_no_worker_outlives_a_killed_process(tmp_path, method, end):
    """The process that reads is killed while its workers make batches, a second loader of it has workers, too."""
    command = script(
        tmp_path,
        f"""
        settings = dict(batch_size=None, num_workers=2, multiprocessing_context="{method}")
        first, second = (iter(DataLoader(Made(10**6, large), **settings)) for _ in range(2))
        for _ in range(2):  # a batch of each worker: all of them are at work
            next(first), next(second)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may have it ignored
        print(*pids(first), *pids(second), flush=True)
        while True:
            next(first)
        """,
        LARGE,
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, start_new_session=True) as process:
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert len(workers) == 4
        if end == "SIGINT":
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal
        else:
            process.send_signal(getattr(signal, end))
        try:
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert all(gone(pid) for pid in workers)
    if end == "SIGINT":
        assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    else:
        assert said == ""
