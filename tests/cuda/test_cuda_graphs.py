"""The tests of CUDA graphs and pinned memory that run on stand-ins, on a real GPU."""

import graphs_on_numpy
import kernels_on_host
import pytest
import test_graphs
import test_pinned_memory
import test_step_as_a_graph

from course_lib.backends import cublas, cuda


@pytest.fixture(autouse=True)
def capture(gpu, monkeypatch):
    """A GPU captures; what stands for one is taught to."""
    if cuda.cupy().__name__ != "cupy":
        library = graphs_on_numpy.attach(monkeypatch, cuda.cupy(), kernels_on_host.Kernel)
        monkeypatch.setattr(cublas, "library", lambda: library)


# The whole steps take long on the stand-in, where they run anyway; one test changes the class of CuPy's arrays.
MODULES = [test_graphs, test_pinned_memory, *([test_step_as_a_graph] if cuda.device_count() else [])]
NOT_HERE = "test_the_current_stream_copies_what_is_pinned"

for module in MODULES:
    found = {name: value for name, value in vars(module).items() if name.startswith("test_") and name != NOT_HERE}
    globals().update(found)
