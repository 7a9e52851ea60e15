"""The pictures and interactive widgets of the course, drawn from tensors.

Every function takes tensors of course_lib or of PyTorch (it only reads shape, stride(), dtype and values) and
returns a Figure, which a notebook shows as an image with alternative text. The two explorers are widgets; where no
kernel runs, they are shown as a picture of their state.
"""

try:
    import anywidget
    import matplotlib
except ImportError as error:
    raise ImportError(
        f"course_lib.viz draws with matplotlib and anywidget, and {error.name} is not installed: "
        'install the course with  python -m pip install "from-the-tensor-up[course]"  or start it with  '
        "python classroom.py lab."
    ) from None

from .course import course_map, exercise_cycle
from .dtypes import compare_dtypes, promotion_table, wrap_around
from .figure import Figure
from .images import SAMPLE_TITLES, image_planes, image_strip, sample_images
from .kernels import launch_figure, show_grid
from .memory import memory_map, tensor_anatomy, view_or_copy
from .operations import joining, masking, matrix_product, reduction
from .slice_explorer import SliceExplorer
from .stride_explorer import StrideExplorer
from .tensors import axes, distributions, show_tensor

__all__ = [
    "SAMPLE_TITLES",
    "Figure",
    "SliceExplorer",
    "StrideExplorer",
    "axes",
    "compare_dtypes",
    "course_map",
    "distributions",
    "exercise_cycle",
    "image_planes",
    "image_strip",
    "joining",
    "launch_figure",
    "masking",
    "matrix_product",
    "memory_map",
    "promotion_table",
    "reduction",
    "sample_images",
    "show_grid",
    "show_tensor",
    "tensor_anatomy",
    "view_or_copy",
    "wrap_around",
]
