"""The course's figures and widgets: words beside every picture, the same bytes every time, strides that are right."""

import base64
import hashlib
import itertools
import random
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import course_lib as torch

viz = pytest.importorskip("course_lib.viz", reason="the figures need matplotlib and anywidget", exc_type=ImportError)

from course_lib.viz import style  # noqa: E402
from course_lib.viz.reading import memory_of, share_memory, written  # noqa: E402
from course_lib.viz.strides import Layout, NotAView  # noqa: E402

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MATRIX = torch.arange(12).reshape(3, 4)

FIGURES = {
    "show_tensor": (lambda: viz.show_tensor(MATRIX, "x", highlight=MATRIX > 9), ["x:", "(3, 4)", "int64", "10, 11"]),
    "show_4d": (lambda: viz.show_tensor(torch.arange(24).reshape(2, 2, 3, 2)), ["(2, 2, 3, 2)"]),
    "show_scalar": (lambda: viz.show_tensor(torch.tensor(2.5)), ["shape ()", "2.5"]),
    "show_empty": (lambda: viz.show_tensor(torch.arange(0).reshape(0, 3)), ["(0, 3)"]),
    "show_large": (lambda: viz.show_tensor(torch.arange(20000).reshape(200, 100)), ["20000 values from 0 to 19999"]),
    "axes": (
        lambda: viz.axes(*map(torch.zeros, [(), (7,), (7, 4), (48, 64, 3), (6, 48, 64, 3)]), names=list("abcde")),
        ["a, a scalar of shape ()", "b, a vector", "c, a matrix", "e, a 4-D tensor of shape (6, 48, 64, 3)"],
    ),
    "distributions": (
        lambda: viz.distributions({"a": torch.arange(9), "b": torch.arange(5)}),
        ["a has mean 4.00 and standard deviation 2.74, from 0.00 to 8.00", "b has mean 2.00"],
    ),
    "compare_dtypes": (
        lambda: viz.compare_dtypes(["bool", "uint8", torch.int32, torch.float32, "bfloat16"]),
        ["uint8: 1 byte", "int32: 4 bytes (1 sign, 31 number)", "float32: 4 bytes (1 sign, 8 exponent, 23 fraction)"],
    ),
    "promotion_table": (
        lambda: viz.promotion_table(["uint8", "int64"], lambda a, b: max(a, b, key=len) if a != b else a),
        ["int64 + uint8 = int64"],
    ),
    "wrap_around": (lambda: viz.wrap_around(200, 100), ["starts again at 0", "gives 44"]),
    "wrap_signed": (lambda: viz.wrap_around(100, 100, "int8"), ["starts again at -128", "gives -56"]),
    "memory_map": (
        lambda: viz.memory_map(MATRIX.T[1:, ::2], base=MATRIX, name="y"),
        ["shape (3, 2)", "strides (1, 8)", "offset 1", "not contiguous", "1, 9, 2, 10, 3, 11", "1 + 1·1 + 1·8 = 10"],
    ),
    "tensor_anatomy": (lambda: viz.tensor_anatomy(MATRIX), ["stride (4, 1)", "stride (1, 4)"]),
    "view": (lambda: viz.view_or_copy(MATRIX, MATRIX[1], ("x", "row")), ["row is a view of x", "4, 5, 6, 7"]),
    "copy": (lambda: viz.view_or_copy(MATRIX, MATRIX.clone()), ["a memory each", "copy y"]),
    "reduction_dim0": (lambda: viz.reduction(MATRIX, 0), ["x.sum(dim=0)", "[12, 15, 18, 21]"]),
    "reduction_dim1": (lambda: viz.reduction(MATRIX, 1, "max", keepdim=True), ["keepdim=True", "(3, 1)", "[[3], [7]"]),
    "reduction_all": (lambda: viz.reduction(MATRIX, None), ["all its cells", "66"]),
    "reduction_3d": (lambda: viz.reduction(torch.arange(24).reshape(2, 3, 4), 1), ["shape (2, 4): [[12, 15, 18, 21]"]),
    "joining": (lambda: viz.joining(MATRIX, MATRIX, dim=1), ["shape (3, 8)", "shape (3, 2, 4)"]),
    "masking": (lambda: viz.masking(MATRIX, MATRIX > 8), ["True at 3 places", "9, 10, 11"]),
    "matrix_product": (lambda: viz.matrix_product(MATRIX, MATRIX.T, (1, 0)), ["(3, 3)", "4·0 + 5·1 + 6·2 + 7·3 = 38"]),
    "image_strip": (lambda: viz.image_strip(viz.sample_images(), viz.SAMPLE_TITLES), ["6 images", "48 × 64", "fish"]),
    "image_planes": (lambda: viz.image_planes(viz.sample_images()[0]), ["three colour planes", "red", "green", "blue"]),
    "course_map": (lambda: viz.course_map(1), ["01 Tensors", "11 Attention", "You are in chapter 01"]),
    "exercise_cycle": (lambda: viz.exercise_cycle(), ["1 read", "3 run the check", "hints lead back"]),
}


@pytest.fixture(scope="module")
def drawn():
    return {name: draw() for name, (draw, _) in FIGURES.items()}


def chunks(png: bytes) -> list[bytes]:
    """The kinds of the parts of which a PNG file consists."""
    kinds, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kinds.append(png[at + 4 : at + 8])
        at += length + 12
    return kinds


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_says_in_words_what_it_shows(drawn, name):
    figure, (_, words) = drawn[name], FIGURES[name]
    for word in words:
        assert word in figure.alt
    assert len(figure.alt) > 40 and figure.alt.endswith(".")


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_the_column_and_carry_no_date_or_program(drawn, name):
    figure = drawn[name]
    assert figure.width <= style.WIDEST + 28
    assert set(chunks(figure.png)) <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
    width, height = struct.unpack(">II", figure.png[16:24])
    assert (width, height) == (2 * figure.width, 2 * figure.height)


def test_figures_have_the_same_bytes_in_another_process_with_other_settings(drawn):
    program = (
        "import matplotlib; matplotlib.rcParams.update({'font.size': 30, 'lines.linewidth': 9, 'text.color': 'red'})\n"
        "import hashlib, course_lib as torch, course_lib.viz as viz\n"
        "x = torch.arange(12).reshape(3, 4)\n"
        "for figure in (viz.memory_map(x.T[1:, ::2], base=x, name='y'), viz.exercise_cycle()):\n"
        "    print(hashlib.sha256(figure.png).hexdigest())\n"
        "assert matplotlib.rcParams['font.size'] == 30"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert printed == [hashlib.sha256(drawn[name].png).hexdigest() for name in ("memory_map", "exercise_cycle")]


def test_figure_is_shown_as_html_with_alternative_text():
    figure = viz.show_tensor(torch.arange(2), title='a "quoted" <x> & y')
    bundle, metadata = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert 'alt="a &quot;quoted&quot; &lt;x&gt; &amp; y' in bundle["text/html"]
    assert base64.b64decode(bundle["image/png"]) == figure.png
    assert bundle["image/png"] in bundle["text/html"]
    assert figure.alt in bundle["text/plain"] and "\n" not in bundle["text/plain"]
    assert metadata["image/png"] == {"width": figure.width, "height": figure.height}


def test_text_on_every_fill_has_enough_contrast():
    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for color, strength in itertools.product(style.SERIES, (0.16, 0.34, 0.62)):
        light, dark = luminance(style.tint(color, strength)), luminance(style.INK)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (color, strength)
    assert (1 + 0.05) / (luminance(style.MUTED) + 0.05) >= 4.5


def test_figures_read_pytorch_tensors_too(drawn):
    real = pytest.importorskip("torch", reason="PyTorch is not installed: its tensors are not tried")
    x = real.arange(12).reshape(3, 4)
    assert viz.memory_map(x.T[1:, ::2], base=x, name="y").png == drawn["memory_map"].png
    assert viz.reduction(x, 0).png == drawn["reduction_dim0"].png
    assert viz.view_or_copy(x, x[1], ("x", "row")).png == drawn["view"].png
    assert (
        viz.compare_dtypes(["bool", "uint8", real.int32, real.float32, real.bfloat16]).png
        == drawn["compare_dtypes"].png
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: viz.show_tensor(torch.arange(1).reshape(1, 1, 1, 1, 1)), "up to 4 dimensions"),
        (lambda: viz.show_tensor(MATRIX, highlight=torch.arange(3) > 1), "highlight has shape (3,)"),
        (lambda: viz.compare_dtypes(["float31"]), "no picture for the dtype 'float31'"),
        (lambda: viz.wrap_around(1, 1, "float32"), "only whole numbers"),
        (lambda: viz.wrap_around(300, 1), "start must lie in 0 … 255"),
        (lambda: viz.joining(MATRIX, MATRIX[1:]), "(3, 4) and (2, 4)"),
        (lambda: viz.masking(MATRIX, MATRIX), "a bool mask of its shape"),
        (lambda: viz.matrix_product(MATRIX, MATRIX), "(3, 4) and (3, 4)"),
        (lambda: viz.tensor_anatomy(MATRIX, MATRIX.clone()), "a memory of its own"),
        (lambda: viz.image_strip([]), "at least one image"),
        (lambda: viz.image_strip([np.zeros((4, 5, 2))]), "(4, 5, 2)"),
        (lambda: viz.image_strip(viz.sample_images(), ["one"]), "1 titles were given for 6 images"),
        (lambda: viz.course_map(12), "0 to 11"),
        (lambda: viz.reduction(torch.tensor(1.0), None), "1 to 3 dimensions"),
        (lambda: viz.StrideExplorer(shape=(3, 0)), "not the shape (3, 0)"),
        (lambda: viz.SliceExplorer(shape=(40, 60)), "not the shape (40, 60)"),
    ],
)
def test_wrong_arguments_are_named(wrong, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        wrong()


def test_sample_images_are_the_same_everywhere():
    images = viz.sample_images()
    assert images.shape == (6, 48, 64, 3) and images.dtype == np.uint8 and len(viz.SAMPLE_TITLES) == 6
    assert images.min() < 40 and images.max() == 255
    assert hashlib.sha256(images.tobytes()).hexdigest()[:16] == "f8c0c8fb75ac9cc2"


def test_images_are_read_in_every_usual_form():
    image = viz.sample_images()[1]
    first, last = viz.image_strip([np.moveaxis(image, -1, 0)]), viz.image_strip([image])
    assert first.png == last.png == viz.image_strip([image / 255]).png == viz.image_strip(torch.tensor(image[None])).png
    assert viz.image_strip([image[..., 0]]).png == viz.image_strip([image[..., :1]]).png


def test_written_values_are_short_and_show_the_kind_of_number():
    numbers = [1, 1.0, 0.5, -2.0, 1e-7, 123456789.0, True, float("nan"), float("inf"), 1 + 2j]
    assert list(map(written, numbers)) == ["1", "1.", "0.5", "-2.", "1e-7", "1.23e8", "True", "nan", "inf", "1+2j"]


def test_memory_of_a_view_shows_the_base_as_far_as_it_is_known():
    assert memory_of(MATRIX[1], MATRIX) == list(range(12))
    assert memory_of(MATRIX.clone()) == list(range(12))
    assert share_memory(MATRIX, MATRIX[2]) and not share_memory(MATRIX[:, 0], MATRIX[:, 1])


def numpy_layout(base: np.ndarray, view: np.ndarray) -> tuple:
    """Shape, strides and offset in elements, from NumPy; the stride of an axis with one element says nothing."""
    offset = (view.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // base.itemsize
    return view.shape, [s // base.itemsize for s, n in zip(view.strides, view.shape, strict=True) if n > 1], offset


def own_layout(layout: Layout) -> tuple:
    return layout.shape, [s for s, n in zip(layout.strides, layout.shape, strict=True) if n > 1], layout.offset


@pytest.mark.parametrize("seed", range(200))
def test_stride_arithmetic_equals_numpy(seed):
    chance = random.Random(seed)
    shape = tuple(chance.randint(1, 5) for _ in range(chance.randint(1, 4)))
    base = np.arange(np.prod(shape)).reshape(shape)
    view, layout = base, Layout.fresh(shape)
    for _ in range(chance.randint(1, 5)):
        move, dims = chance.choice(("permute", "slice", "select", "view")), view.ndim
        if dims == 0:
            break
        dim = chance.randrange(dims)
        if move == "permute":
            order = chance.sample(range(dims), dims)
            view, layout = view.transpose(order), layout.permute(*order)
        elif move == "slice":
            ends = [chance.choice((None, chance.randint(-6, 6))) for _ in range(2)]
            part = slice(*ends, chance.choice((None, 1, 2, 3)))
            view = view[(slice(None),) * dim + (part,)]
            layout = layout.slice(dim, part.start, part.stop, part.step)
        elif move == "select" and view.shape[dim]:
            index = chance.randint(-view.shape[dim], view.shape[dim] - 1)
            view, layout = np.asarray(view[(slice(None),) * dim + (index, ...)]), layout.select(dim, index)
        elif move == "view" and view.size:
            divisors = [n for n in range(1, view.size + 1) if view.size % n == 0]
            first = chance.choice(divisors)
            wanted = chance.choice(((view.size,), (first, view.size // first), (first, 1, view.size // first)))
            try:
                view = np.reshape(view, wanted, copy=False)
            except ValueError:
                with pytest.raises(NotAView):
                    layout.view(wanted)
            else:
                layout = layout.view(wanted)
        assert layout.addresses() == view.ravel().tolist()
        assert layout.is_contiguous == view.flags.c_contiguous
        if view.size:
            assert own_layout(layout) == numpy_layout(base, view)


STEPS = [
    [],
    [".T"],
    [".T", "[1:]"],
    ["[:, ::2]"],
    ["[1:, 1::2]", ".T"],
    ["[:, 1]"],
    ["[-1]"],
    [".T", ".contiguous()"],
    [".contiguous()"],
    [".T", ".reshape(2, 6)"],
    [".reshape(2, 2, 3)", ".transpose(0, 2)", "[1]"],
    [".reshape(2, 2, 3)", ".permute(2, 0, 1)"],
    [".flip(0)"],
    [".flip(0)", "[:, 1:3]"],
    [".view(-1)", "[3:9:2]"],
    ["[:, :2]", ".reshape(-1)"],
    ["[:2]", ".view(2, -1)"],
]


@pytest.mark.parametrize("steps", STEPS, ids="".join)
@pytest.mark.parametrize("library", ["course_lib", "torch"])
def test_stride_explorer_equals_the_tensor_it_describes(steps, library):
    tensors = pytest.importorskip(library)
    x = tensors.arange(12).reshape(3, 4)
    explorer = viz.StrideExplorer(shape=(3, 4))
    explorer.steps = steps
    assert explorer.error == "" and explorer.steps == steps and explorer.expression == "x" + "".join(steps)
    real = eval(explorer.expression, {"x": x})
    assert explorer.shape == list(real.shape)
    assert explorer.strides == list(real.stride())
    assert explorer.storage_offset == real.storage_offset()
    assert explorer.is_contiguous == real.is_contiguous()
    assert explorer.is_copy != share_memory(x, real)
    assert [cell["value"] for cell in explorer.cells] == real.reshape(-1).tolist()
    for cell in explorer.cells:
        assert explorer.memory[cell["address"]] == cell["value"] and cell["walk"][-1] == cell["address"]
        spelled, total = cell["sum"].split(" = ")
        assert eval(spelled.replace("×", "*")) == int(total) == cell["address"]


def test_every_step_that_stride_explorer_offers_can_be_taken():
    explorer = viz.StrideExplorer(shape=(3, 4))
    for first in [offer["step"] for offer in explorer.offered if offer["fits"]]:
        explorer.steps = [first]
        for offer in explorer.offered:
            explorer.steps = [first]
            explorer.steps = [first, offer["step"]]
            if offer["fits"] and not offer["step"].startswith(".view"):
                assert explorer.error == "", explorer.error
            elif not offer["fits"]:
                assert explorer.error


def test_stride_explorer_takes_impossible_steps_back_and_says_why():
    explorer = viz.StrideExplorer(shape=(3, 4))
    explorer.steps = [".T", ".view(-1)"]
    assert explorer.steps == [".T"] and explorer.shape == [4, 3]
    assert explorer.error.startswith("x.T.view(-1)  →  RuntimeError: view size is not compatible with input tensor's")
    explorer.steps = [".T", "[9]"]
    assert explorer.error.endswith("IndexError: index 9 is out of bounds for dimension 0 with size 4")
    explorer.steps = [".T", ".cuda()"]
    assert "'.cuda()' is not a step this explorer knows" in explorer.error
    explorer.steps = []
    assert explorer.error == "" and explorer.expression == "x"


def test_stride_explorer_forgets_an_index_that_no_longer_exists():
    explorer = viz.StrideExplorer(shape=(3, 4))
    explorer.index = [2, 3]
    explorer.steps = ["[1:]"]
    assert explorer.index == []
    explorer.index = [0, 0]
    explorer.steps = ["[1:]", ".T"]
    assert explorer.index == [0, 0]


@pytest.mark.parametrize("library", ["course_lib", "torch"])
def test_slice_explorer_equals_the_tensor_it_describes(library):
    tensors = pytest.importorskip(library)
    x = tensors.arange(24).reshape(4, 6)
    explorer = viz.SliceExplorer(shape=(4, 6))
    ranges = [[None, None, None], [1, 3, None], [None, None, 2], [-2, None, None], [3, 1, None], [0, 99, 3]]
    for rows, columns in itertools.product([*ranges, 2, -1], [*ranges, 0, -6]):
        explorer.selection, explorer.reshape_to = [rows, columns], []
        parts = tuple(part if isinstance(part, int) else slice(*part) for part in (rows, columns))
        real = x[parts]
        assert explorer.error == "" and explorer.is_view
        assert explorer.result == real.reshape(-1).tolist() == eval(explorer.expression, {"x": x}).reshape(-1).tolist()
        assert explorer.result_shape == list(real.shape)
        if real.numel():
            assert (explorer.strides, explorer.storage_offset) == (list(real.stride()), real.storage_offset())
        for shape in explorer.reshapes:
            explorer.reshape_to = shape
            again = eval(explorer.expression, {"x": x})
            assert explorer.result_shape == list(again.shape) and explorer.strides == list(again.stride())
            assert explorer.is_view == share_memory(x, again) and ("copy" in explorer.verdict) != explorer.is_view


def test_slice_explorer_says_what_torch_would_refuse():
    explorer = viz.SliceExplorer(shape=(4, 6))
    explorer.selection = [7, [None, None, None]]
    assert explorer.error == "IndexError: index 7 is out of bounds for dimension 0 with size 4"
    assert explorer.result == [] and not explorer.is_view
    explorer.selection = [[None, None, -1], 0]
    assert explorer.error == "ValueError: step must be greater than zero"
    explorer.selection, explorer.reshape_to = [[0, 2, None], 0], [3]
    assert explorer.error == "RuntimeError: shape '[3]' is invalid for input of size 2"
    explorer.reshape_to = []
    assert explorer.error == "" and explorer.expression == "x[0:2, 0]"


def test_slice_explorer_shows_its_presets_as_code():
    explorer = viz.SliceExplorer(shape=(4, 6))
    for preset in explorer.presets:
        explorer.selection = preset["selection"]
        assert explorer.error == "" and explorer.expression == preset["code"]


@pytest.mark.parametrize("kind", [viz.StrideExplorer, viz.SliceExplorer])
def test_widgets_carry_a_picture_for_where_no_kernel_runs(kind):
    bundles = [kind()._repr_mimebundle_()[0] for _ in range(2)]
    views = [bundle.pop(WIDGET_VIEW) for bundle in bundles]
    assert views[0]["model_id"] != views[1]["model_id"]
    assert bundles[0] == bundles[1] and set(bundles[0]) == {"text/html", "image/png", "text/plain"}
    assert re.search(r'<img alt="x[ ,][^"]+"', bundles[0]["text/html"])
    assert bundles[0]["text/plain"].startswith(f"{kind.__name__}: x ") and " at 0x" not in bundles[0]["text/plain"]


def test_the_picture_of_a_widget_shows_its_state():
    explorer = viz.StrideExplorer(shape=(3, 4))
    explorer.steps = [".T", "[1:]"]
    assert "strides (1, 4), offset 1" in explorer.picture().alt
    slices = viz.SliceExplorer(shape=(4, 6))
    slices.selection = [1, [None, None, 2]]
    assert "x[1, ::2] has shape (3,)" in slices.picture().alt
    slices.selection = [9, 9]
    assert "IndexError" in slices.picture().alt


def test_widgets_ask_nothing_of_the_network_and_name_their_controls():
    folder = Path(viz.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in [*folder.glob("*.js"), *folder.glob("*.css")]}
    assert set(sources) == {"explorer.css", "explorer.js", "slice_explorer.js", "stride_explorer.js"}
    for name, source in sources.items():
        urls = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[\w./]*", source)) - {"http://www.w3.org/2000/svg"}
        assert not urls, f"{name} mentions {urls}"
        assert not re.search(r"\bimport\s*\(|@import|\bfetch\(|innerHTML", source)
    for kind in (viz.StrideExplorer, viz.SliceExplorer):
        assert '"aria-label"' in str(kind._esm) and '"data-lm-suppress-shortcuts"' in str(kind._esm)
        assert str(kind._esm).count("export default") == 1


def test_a_missing_package_is_named_in_one_sentence():
    program = "import sys; sys.modules['anywidget'] = None\nimport course_lib.viz"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("ImportError: course_lib.viz draws with matplotlib and anywidget, and anywidget is not")
    assert "pip install" in last


def test_course_lib_alone_draws_nothing():
    program = (
        "import sys, course_lib\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('matplotlib', 'anywidget', 'ipywidgets', 'PIL')])\n"
        "print('course_lib.viz' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["[]", "False"]
