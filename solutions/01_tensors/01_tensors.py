# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 01 · Tensors
#
# **Time** about 70 minutes · **Before this** [chapter 00](../00_start_here/00_start_here.ipynb), Python, a
# little NumPy
#
# Everything in deep learning is a tensor: pictures, sentences, sounds, weights and gradients. This chapter
# makes you fluent in them.
#
# After it you can
#
# 1. read a tensor's **shape**, and say the shape of a result before you run the line;
# 2. **choose** the numbers you want: by slice, by mask, by list;
# 3. tell a **view** from a **copy**, and explain both with **strides**;
# 4. **rearrange** axes, **join** tensors, **reduce** them, **multiply** matrices;
# 5. choose a **dtype**, and see overflow and shared memory before they bite.

# %%
import course_lib as torch
from course_lib import viz

# %% library_only=True
from course_lib.classroom import check, progress

# %% [markdown]
# Here is the whole chapter in one picture: a row of memory, and small cards that say how to read it. Each card
# is a tensor. Two cards can share one memory.

# %% library_only=True
viz.tensor_anatomy(torch.arange(12).reshape(3, 4))

# %% [markdown]
# ## A question to carry along
#
# A picture file stores three numbers for each point: red, green, blue. Its shape is (height, width, 3). Most
# vision models want the colours first: (3, height, width). Two lines promise this.

# %%
images = torch.tensor(viz.sample_images())  # six small pictures
picture = images[0]

one_way = picture.reshape(3, 48, 64)
another_way = picture.permute(2, 0, 1)
print(picture.shape, "->", one_way.shape, "and", another_way.shape)

# %% library_only=True
viz.image_strip([picture, one_way, another_way], titles=["picture", "one way", "another way"])

# %% [markdown]
# Both results have the right shape. There is no error and no warning. Yet one picture is ruined.
#
# Where did it go? At the end of the chapter you will find it again inside the noise.

# %% [markdown]
# ## 1 · Numbers with axes
#
# A tensor is a block of numbers of one type, arranged along **axes**. A single number has no axis. A list has
# one axis, a table has two, a colour picture has three. A batch of colour pictures has four.
#
# The **shape** says how many entries each axis has. PyTorch counts axes from 0 and calls an axis a *dimension*,
# `dim`.

# %% library_only=True
viz.axes(
    torch.tensor(21.5),
    torch.zeros(7),
    torch.zeros(7, 4),
    torch.zeros(48, 64, 3),
    torch.zeros(6, 48, 64, 3),
    names=["a number", "a week", "a table", "a picture", "a batch"],
)

# %% [markdown]
# Our table is an invented week of weather. It has a row for each day, and the columns *coldest °C*, *warmest
# °C*, *rain mm*, *wind km/h*.

# %%
weather = torch.tensor([
    [3.1, 9.4, 0.0, 12.0],
    [4.0, 11.2, 0.0, 18.0],
    [5.5, 8.9, 6.2, 31.0],
    [2.5, 7.0, 11.8, 40.0],
    [0.4, 6.1, 1.5, 22.0],
    [-1.2, 5.3, 0.0, 9.0],
    [1.9, 8.0, 0.0, 14.0],
])
print(weather)

# %% [markdown]
# > **Predict.** How many axes does `weather` have? What is its shape, and how many numbers does it hold? Say
# > your answer before you run the next cell.

# %%
print(weather.ndim)
print(weather.shape)
print(weather.numel())

# %% [markdown]
# `shape` behaves like a tuple: `weather.shape[0]` is 7. `weather.size()` is the same thing written as a call,
# and `weather.size(-1)` is the length of the last axis.
#
# A single number of a tensor is still a tensor. Its shape is empty: `()`, printed as `torch.Size([])`. Use
# `item()` to get a Python number, and `tolist()` to get Python lists.

# %%
coldest = weather[5, 0]
print(coldest, coldest.shape, coldest.ndim)
print(weather.size(-1), len(weather))
print(torch.tensor([[1, 2], [3, 4]]).tolist(), torch.tensor(7).item())

# %% [markdown]
# ### Making tensors
#
# | you have | you write | you get |
# |---|---|---|
# | values | `torch.tensor([[1, 2], [3, 4]])` | a copy of these values |
# | a shape | `torch.zeros(2, 3)`, `torch.ones(2, 3)`, `torch.full((2, 3), 7)` | one value everywhere |
# | a shape, values follow later | `torch.empty(2, 3)` | whatever lies in memory: fill it before you read it |
# | a range | `torch.arange(start, stop, step)` | `stop` is left out, as in Python's `range` |
# | two ends | `torch.linspace(start, end, steps)` | `steps` numbers, both ends included |
# | another tensor | `torch.zeros_like(x)`, also `ones_like`, `full_like`, `rand_like` | its shape and dtype |
# | nothing but chance | `torch.rand`, `torch.randn`, `torch.randint`, `torch.randperm` | random numbers |
#
# `torch.eye(n)` makes the identity matrix: ones on the diagonal.

# %%
print(torch.arange(2, 11, 3))
print(torch.linspace(0, 1, 5))
print(torch.full((2, 3), 7))
print(torch.eye(3))
print(torch.zeros_like(weather).shape, torch.empty(2, 3).shape)

# %% [markdown]
# Random tensors differ in what they draw. `rand` spreads its numbers evenly from 0 up to 1. `randn` follows the
# bell curve around 0. `randint(low, high, shape)` gives whole numbers from `low` up to `high - 1`.
# `randperm(n)` shuffles 0 … n−1.

# %% library_only=True
torch.manual_seed(0)
viz.distributions({
    "torch.rand(10_000)": torch.rand(10_000),
    "torch.randn(10_000)": torch.randn(10_000),
    "torch.randint(0, 6, (10_000,))": torch.randint(0, 6, (10_000,)),
})

# %% [markdown]
# Computers draw random numbers by a fixed recipe. `torch.manual_seed` sets where the recipe starts, so that a
# program gives the same numbers each time it runs.
#
# > **Predict.** Are the two lines that start with `a` equal below? Are `a` and `b` equal?

# %%
torch.manual_seed(0)
print("a", torch.rand(3))
print("b", torch.rand(3))

torch.manual_seed(0)
print("a", torch.rand(3))
print(torch.randint(0, 10, (2, 4)))
print(torch.randperm(5))

# %% [markdown]
# **Printing.** PyTorch prints four decimals, and only the corners of a tensor with more than 1000 numbers. The
# stored value is not rounded. `torch.set_printoptions` changes the display, not the data.

# %%
print(torch.arange(2000).reshape(40, 50))

torch.set_printoptions(precision=2)
print(torch.tensor([3.14159, 2.71828]))
torch.set_printoptions(profile="default")

# %% [markdown] prompt="predict_shapes"
# ### Exercise 1 · Predict the shapes
#
# What shape has each expression? Write your answers **before** you run anything. A shape is a tuple: two axes
# are `(2, 3)`, one axis is `(4,)` with a comma, no axis is `()`.
#
# ```python
# shape_of_weather = (7, 4)  # an example of an answer
# ```
#
# Hint for reading brackets: the outermost pair is axis 0. Count what is directly inside it, then go one pair
# deeper.
#
# The check below looks at a to d. Questions e and f are looked at when you submit.

# %% exercise="predict_shapes" kind="predict" points=2 minutes=4 difficulty=1
### BEGIN SOLUTION
shape_a = (2, 3)  # torch.tensor([[1, 2, 3], [4, 5, 6]])
shape_b = (3, 1, 2)  # torch.tensor([[[1, 2]], [[3, 4]], [[5, 6]]])
shape_c = (3,)  # torch.arange(3, 15, 4)
shape_d = (11,)  # torch.linspace(0, 10, 11)
shape_e = (48, 64, 3)  # torch.zeros(6, 48, 64, 3)[0]
shape_f = ()  # torch.zeros(4, 3)[1, 2]
### END SOLUTION

# %% stub="predict_shapes"
shape_a = None  # torch.tensor([[1, 2, 3], [4, 5, 6]])
shape_b = None  # torch.tensor([[[1, 2]], [[3, 4]], [[5, 6]]])
shape_c = None  # torch.arange(3, 15, 4)
shape_d = None  # torch.linspace(0, 10, 11)
shape_e = None  # torch.zeros(6, 48, 64, 3)[0]
shape_f = None  # torch.zeros(4, 3)[1, 2]

# %% check="predict_shapes"
with check("predict_shapes") as c:
    comma = {"(4) is the number 4. A tuple with one entry needs a comma: (4,).": lambda got: isinstance(got, int)}
    brackets = "Count again, from the outermost brackets to the innermost."
    c.value("shape_a", shape_a).gives(
        tuple(torch.tensor([[1, 2, 3], [4, 5, 6]]).shape),
        because=comma | {"The outermost brackets are axis 0: they hold 2 rows.": (3, 2)},
        hint=brackets,
    )
    c.value("shape_b", shape_b).gives(
        tuple(torch.tensor([[[1, 2]], [[3, 4]], [[5, 6]]]).shape),
        because=comma | {"The middle pair of brackets is an axis too, of size 1.": (3, 2)},
        hint=brackets,
    )
    c.value("shape_c", shape_c).gives(
        tuple(torch.arange(3, 15, 4).shape),
        because=comma | {"The stop value 15 is left out: the numbers are 3, 7, 11.": (4,)},
        hint="Write the numbers down: start at 3, add 4, stop before 15.",
    )
    c.value("shape_d", shape_d).gives(
        tuple(torch.linspace(0, 10, 11).shape),
        because=comma | {"Both ends are included: 0, 1, …, 10 are 11 numbers.": (10,)},
        hint="The third argument of linspace says how many numbers there are.",
    )
    ### BEGIN HIDDEN TESTS
    removed = "A whole-number index chooses one place of its axis, and the axis is gone."
    c.value("shape_e", shape_e).gives(
        tuple(torch.zeros(6, 48, 64, 3)[0].shape),
        because=comma | {"The index [0] removes axis 0.": lambda got: len(got) == 4},
        hint=removed,
    )
    c.value("shape_f", shape_f).gives(
        tuple(torch.zeros(4, 3)[1, 2].shape),
        because=comma | {"Two whole-number indices remove two axes.": lambda got: len(got) > 0},
        hint=removed,
    )
    ### END HIDDEN TESTS

# %% [markdown] hints="predict_shapes"
# 1. Count brackets from the outside to the inside. Each pair is one axis, and an axis of size 1 counts too.
# 2. Write the numbers of `arange` and `linspace` on paper: `arange` stops before the stop value, `linspace`
#    includes both ends.
# 3. The answers to a and c are `(2, 3)` and `(3,)`. A whole-number index, as in e and f, removes its axis.

# %% mutant="predict_shapes" name="rows_and_columns_swapped" says="The outermost brackets are axis 0"
shape_a, shape_b, shape_c, shape_d, shape_e, shape_f = (3, 2), (3, 1, 2), (3,), (11,), (48, 64, 3), ()

# %% mutant="predict_shapes" name="axis_of_size_one_forgotten" says="an axis too, of size 1"
shape_a, shape_b, shape_c, shape_d, shape_e, shape_f = (2, 3), (3, 2), (3,), (11,), (48, 64, 3), ()

# %% mutant="predict_shapes" name="stop_included" says="The stop value 15 is left out"
shape_a, shape_b, shape_c, shape_d, shape_e, shape_f = (2, 3), (3, 1, 2), (4,), (11,), (48, 64, 3), ()

# %% mutant="predict_shapes" name="comma_forgotten" says="needs a comma"
shape_a, shape_b, shape_c, shape_d, shape_e, shape_f = (2, 3), (3, 1, 2), 3, 11, (48, 64, 3), ()

# %% mutant="predict_shapes" name="number_has_an_axis" says="Two whole-number indices remove two axes"
shape_a, shape_b, shape_c, shape_d, shape_e, shape_f = (2, 3), (3, 1, 2), (3,), (11,), (48, 64, 3), (1,)

# %% [markdown]
# **Run.** Now look at e and f yourself.

# %%
print(torch.zeros(6, 48, 64, 3)[0].shape)
print(torch.zeros(4, 3)[1, 2].shape)

# %% [markdown]
# **What would break if…** the rows had different lengths? A tensor is a full block, so PyTorch refuses.

# %%
try:
    torch.tensor([[1, 2, 3], [4, 5]])
except ValueError as error:
    print(error)

# %% [markdown]
# ## 2 · Choosing by place
#
# An index goes into square brackets, one entry for each axis, separated by commas. A **whole number** chooses
# one place and removes the axis. A **slice** `start:stop:step` chooses a range and keeps the axis.
#
# What you leave out has a default: start at the beginning, stop at the end, step 1. Negative places count from
# the end. Axes you do not mention are taken whole.

# %%
print(weather[2])  # day 2, all four columns
print(weather[:, 1])  # column 1 of every day
print(weather[-1, -1])  # the last number
print(weather[1:3, :2])  # days 1 and 2, columns 0 and 1

# %% [markdown]
# Now play. Type numbers, switch an axis between *range* and *index*, or drag over the cells. Watch the
# expression and the shape. Try to
#
# 1. choose the four corners with one expression;
# 2. choose the last column once as a range and once as an index, and compare the shapes;
# 3. find a selection that is empty, and one that is an error.

# %% library_only=True
viz.SliceExplorer(shape=(4, 6), selection=[[1, 3, None], [None, None, 2]])

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. `x[::3, ::5]`
# 2. `x[:, 5:]` has the shape `(4, 1)`, and `x[:, 5]` has the shape `(4,)`: an index removes its axis.
# 3. `x[2:2]` is empty, and so is `x[9:]`. An index must exist: `x[9]` is an `IndexError`.
# </details>

# %% [markdown]
# Three abbreviations help with many axes. `...` stands for all the axes in between, `None` inserts a new axis
# of size 1, and a step takes every second or third place.
#
# > **Predict.** The batch `images` has the shape `(6, 48, 64, 3)`. What are the four shapes below?

# %%
print(images[..., 0].shape)
print(images[0, ::2, ::2].shape)
print(images[:, :, -1:].shape)
print(images[0][None].shape)

# %% [markdown]
# On a picture, slices are scissors. They crop it, or thin it out.

# %% library_only=True
crop = picture[8:40, 10:50]
thin = picture[::3, ::3]
viz.image_strip([picture, crop, thin], titles=["picture", "picture[8:40, 10:50]", "picture[::3, ::3]"])

# %% [markdown]
# The last axis holds the colours, so `picture[..., 0]` is the red plane: a table of 48 × 64 numbers.

# %% library_only=True
viz.image_planes(picture)

# %% [markdown]
# A slice may also stand on the **left** of `=`. Then the chosen cells are overwritten, and the others stay.

# %%
stripes = torch.zeros(3, 8)
stripes[:, ::2] = 1
stripes[-1, 5:] = torch.tensor([7.0, 8.0, 9.0])
print(stripes)

# %% [markdown] prompt="make_checkerboard"
# ### Exercise 2 · A checkerboard
#
# Build a board of zeros and ones that alternate along both axes.
#
# ```python
# make_checkerboard(2, 5)
# # tensor([[0, 1, 0, 1, 0],
# #         [1, 0, 1, 0, 1]])
# ```
#
# The cell at the top left is 0. The numbers are whole numbers, `torch.int64`. You need no loop.

# %% exercise="make_checkerboard" kind="use" points=2 minutes=4 difficulty=1
def make_checkerboard(height, width):
    """Return a board of alternating zeros and ones.

    height, width: int, at least 0
    returns:       tensor of shape (height, width), dtype torch.int64;
                   the cell in row 0, column 0 is 0
    """
    ### BEGIN SOLUTION
    board = torch.zeros(height, width, dtype=torch.int64)
    board[0::2, 1::2] = 1  # even rows: the odd columns
    board[1::2, 0::2] = 1  # odd rows: the even columns
    return board
    ### END SOLUTION


# %% check="make_checkerboard"
with check("make_checkerboard") as c:
    board = torch.tensor([[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]])
    c.call(make_checkerboard, 2, 5).gives(
        board,
        because={
            "The colours are swapped: the cell at the top left must be 0.": 1 - board,
            "Every row starts with 0. The odd rows must start with 1.": torch.stack([board[0], board[0]]),
            "Height and width are exchanged.": lambda got: tuple(got.shape) == (5, 2),
        },
        hint="In even rows the ones are in columns 1, 3, 5, …; in odd rows they are in columns 0, 2, 4, …",
    )
    c.call(make_checkerboard, 3, 2).gives(
        torch.tensor([[0, 1], [1, 0], [0, 1]]),
        because={"The result does not depend on height and width.": board},
    )
    ### BEGIN HIDDEN TESTS
    for height, width in [(4, 7), (6, 3), (1, 4), (5, 1), (1, 1), (0, 3)]:
        cells = [(row + column) % 2 for row in range(height) for column in range(width)]
        board = torch.tensor(cells, dtype=torch.int64).reshape(height, width)
        c.call(make_checkerboard, height, width).gives(board)
    ### END HIDDEN TESTS

# %% [markdown] hints="make_checkerboard"
# 1. Start from a board of zeros. The ones lie on two regular grids: one in the even rows, one in the odd rows.
# 2. `0::2` chooses every second row or column from 0, and `1::2` from 1. You can assign a number to a slice.
# 3. `board = torch.zeros(height, width, dtype=torch.int64)`, then `board[0::2, 1::2] = 1`. One more such line
#    is missing.


# %% mutant="make_checkerboard" name="colours_swapped" says="The colours are swapped"
def make_checkerboard(height, width):
    board = torch.zeros(height, width, dtype=torch.int64)
    board[0::2, 0::2] = 1
    board[1::2, 1::2] = 1
    return board


# %% mutant="make_checkerboard" name="rows_do_not_alternate" says="Every row starts with 0"
def make_checkerboard(height, width):
    board = torch.zeros(height, width, dtype=torch.int64)
    board[:, 1::2] = 1
    return board


# %% mutant="make_checkerboard" name="float_board" says="dtype"
def make_checkerboard(height, width):
    board = torch.zeros(height, width)
    board[0::2, 1::2] = 1
    board[1::2, 0::2] = 1
    return board


# %% mutant="make_checkerboard" name="shape_exchanged" says="Height and width are exchanged"
def make_checkerboard(height, width):
    board = torch.zeros(width, height, dtype=torch.int64)
    board[0::2, 1::2] = 1
    board[1::2, 0::2] = 1
    return board


# %% mutant="make_checkerboard" name="one_size_only" says="does not depend on height and width"
def make_checkerboard(height, width):
    return torch.tensor([[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]])


# %% [markdown]
# **What would break if…** the step were negative? Python lists allow it, PyTorch does not. Use `flip`, which
# makes a copy.

# %%
try:
    torch.arange(4)[::-1]
except ValueError as error:
    print(error)
print(torch.arange(4).flip(0))

# %% [markdown]
# ## 3 · Arithmetic, and choosing by value
#
# Arithmetic works **element by element**: `a * b` multiplies numbers at the same place. A plain number is
# combined with every element. Operators have named twins (`a + b` is `torch.add(a, b)`), and mathematical
# functions work the same way: `torch.sqrt`, `exp`, `sin`, `abs`, `round`, `clamp`, …

# %%
wind = weather[:, 3] / 3.6  # from km/h to m/s
print(wind)
print(weather[:, 1] - weather[:, 0])  # warmest minus coldest
print(torch.clamp(wind, 3, 8))  # cut below 3 and above 8

numbers = torch.arange(1, 8)
print(numbers**2, numbers % 3, numbers // 3)
print(numbers / 2)  # true division gives floating point numbers

# %% [markdown]
# A musical note is a sine wave. One line makes a second of it, with no loop over the 8000 moments.

# %%
sample_rate = 8000
time = torch.arange(sample_rate) / sample_rate
note = 0.5 * torch.sin(2 * torch.pi * 440 * time)
print(note.shape, note[:6])

# %% [markdown]
# ### Masks
#
# A comparison gives a tensor of `True` and `False`: a **mask**. Put a mask into the brackets, and you get the
# places where it is `True`.

# %% library_only=True
viz.masking(weather[:, 2], weather[:, 2] > 0, name="rain")

# %% [markdown]
# > **Predict.** `rainy` below has 7 entries, and 3 of them are `True`. What is the shape of `weather[rainy]`?

# %%
rainy = weather[:, 2] > 0
print(rainy)
print(rainy.sum(), rainy.any(), rainy.all())  # True counts as 1
print(weather[rainy])

# %% [markdown]
# Combine masks with `&` (and), `|` (or), `~` (not), and put **parentheses** around each comparison, because `&`
# binds tighter than `>`.
#
# A **list of places** works too, in any order and with repetition. `torch.where(mask, a, b)` chooses between
# two values at each place.

# %%
windy_and_dry = (weather[:, 3] > 13) & ~rainy
print(weather[windy_and_dry])
print(weather[[6, 0, 0], 1])  # column 1 of days 6, 0 and 0
print(torch.where(rainy, 0.0, wind))  # the wind, but 0 on rainy days

# %% [markdown]
# Masks can also stand on the left. Here each point with much blue becomes orange: one mask over the points,
# three values for each.

# %% library_only=True
blue = picture[..., 2] > 150
painted = picture.clone()  # a copy of its own, see section 4
painted[blue] = torch.tensor([230, 159, 0], dtype=torch.uint8)
viz.image_strip([picture, painted], titles=["picture", "painted"])

# %% [markdown] prompt="select_rows_where"
# ### Exercise 3 · Select rows
#
# Keep the rows of a table whose value in one column is **greater than** a threshold. Keep their order.
#
# ```python
# table = torch.tensor([[9, 5], [2, 8], [3, 6], [4, 7]])
# select_rows_where(table, 1, 6)
# # tensor([[2, 8],
# #         [4, 7]])
# ```


# %% exercise="select_rows_where" kind="use" points=2 minutes=4 difficulty=1
def select_rows_where(table, column, threshold):
    """Return the rows of table whose entry in column is greater than threshold.

    table:     tensor of shape (rows, columns), any real dtype
    column:    int, 0 <= column < columns
    threshold: a Python number
    returns:   tensor of shape (kept rows, columns), dtype of table;
               shape (0, columns) if no row is kept
    """
    ### BEGIN SOLUTION
    return table[table[:, column] > threshold]
    ### END SOLUTION


# %% check="select_rows_where"
with check("select_rows_where") as c:
    table = torch.tensor([[9, 5], [2, 8], [3, 6], [4, 7]])
    c.call(select_rows_where, table, 1, 6).gives(
        table[[1, 3]],
        because={
            "A row whose value equals the threshold was kept. Greater means >, not >=.": table[1:],
            "The mask is as large as the table, so it chose single numbers. Compare one column.": table[table > 6],
            "You chose one column of the kept rows. Keep all their columns.": table[[1, 3], 1],
            "These are the numbers of the rows, not the rows.": torch.tensor([1, 3]),
            "The other rows are still there, filled with zeros.": lambda got: tuple(got.shape) == (4, 2),
        },
        hint="Print the mask alone. It needs one True or False for each row.",
    )
    c.call(select_rows_where, table, 0, 100).gives(torch.zeros(0, 2, dtype=torch.int64))
    ### BEGIN HIDDEN TESTS
    generator = torch.Generator().manual_seed(3)
    shapes = {(6, 3): torch.float64, (3, 5): torch.int32, (1, 4): torch.float32, (0, 2): torch.int64}
    for shape, dtype in shapes.items():
        table = torch.randint(-9, 10, shape, generator=generator).to(dtype)
        for column in range(shape[1]):
            kept = [row for row in range(shape[0]) if table[row, column].item() > 1]
            c.call(select_rows_where, table, column, 1).gives(table[torch.tensor(kept, dtype=torch.int64)])
    ### END HIDDEN TESTS

# %% [markdown] hints="select_rows_where"
# 1. First make a mask with one entry for each row. Then put the mask into the brackets.
# 2. `table[:, column]` is the column. Comparing it with a number gives the mask.
# 3. `mask = table[:, column] > threshold`. Return the table at the places where the mask is true.


# %% mutant="select_rows_where" name="threshold_included" says="Greater means >, not >="
def select_rows_where(table, column, threshold):
    return table[table[:, column] >= threshold]


# %% mutant="select_rows_where" name="mask_of_whole_table" says="The mask is as large as the table"
def select_rows_where(table, column, threshold):
    return table[table > threshold]


# %% mutant="select_rows_where" name="row_instead_of_column" says="The shape of the mask [2] at index 0 does not match"
def select_rows_where(table, column, threshold):
    return table[table[column] > threshold]


# %% mutant="select_rows_where" name="column_only" says="Keep all their columns"
def select_rows_where(table, column, threshold):
    return table[table[:, column] > threshold, column]


# %% mutant="select_rows_where" name="zeros_instead" says="still there, filled with zeros"
def select_rows_where(table, column, threshold):
    selected = torch.zeros_like(table)
    for row in range(len(table)):
        if table[row, column] > threshold:
            selected[row] = table[row]
    return selected


# %% [markdown]
# **What would break if…** you used a mask in an `if`? Python asks for one answer, and the mask has many. Say
# what you mean: `any()` or `all()`.

# %%
try:
    if weather[:, 2] > 0:
        print("it rained")
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## 4 · One memory, many names
#
# The numbers of a tensor lie side by side in one row of memory. A slice does not copy them. It is a new card
# for the same memory: a **view**. That is why slicing a billion numbers is as quick as slicing twelve.
#
# The price: who writes into a view writes into the original.

# %%
x = torch.arange(12).reshape(3, 4)
row = x[1]
row[0] = 99
print(x)

# %% library_only=True
viz.view_or_copy(x, row, names=("x", "row"))

# %% [markdown]
# | always a view | always a copy | a view if possible |
# |---|---|---|
# | numbers and slices: `x[1]`, `x[:, ::2]` | masks and lists: `x[x > 5]`, `x[[0, 2]]` | `x.reshape(…)` |
# | `x.T`, `x.transpose`, `x.permute`, `x.view(…)` | arithmetic: `x + 1` | `x.flatten()` |
# | `x.squeeze`, `x.unsqueeze` | `x.clone()`, `torch.cat` | `x.contiguous()` |
#
# (On the **left** of `=`, masks and lists write into `x` itself: no result is made there, so nothing is
# copied.)
#
# `reshape` keeps the reading order: left to right, then the next row. If regular steps through the old memory
# can do this, it makes a view. If not, it has to copy. `view` never copies: it raises an error instead. One
# size may be `-1`: PyTorch computes it.

# %%
memory = torch.arange(6)
grid = memory.view(2, 3)
grid[0, 0] = 50
print(memory)
print(memory.reshape(3, -1).shape, grid.flatten().shape)

# %% [markdown]
# Go back to the explorer of section 2, choose a block of columns, and then a `reshape` below the result: it
# says whether you got a view or a copy.
#
# ### Writing in place
#
# A method whose name ends in `_` changes its tensor: `add_`, `mul_`, `fill_`, `zero_`, `clamp_`. So do `+=` and
# assignments to an index. All views of this memory see the change.
#
# `x = x + 1` is different. It makes a new tensor and gives it the old name. The old memory stays as it was.
#
# > **Predict.** What do the two `print` lines show?

# %%
a = torch.zeros(3)
b = a
a += 1
print(a, b)

a = a + 1
print(a, b)

# %% [markdown] prompt="view_or_copy"
# ### Exercise 4 · View or copy?
#
# Here `x = torch.arange(12).reshape(3, 4)`. For each expression, decide: if you write into the result, does `x`
# change? Answer `"view"` if it does and `"copy"` if not. Decide **before** you run anything.
#
# ```python
# answer_for_x_plus_1 = "copy"  # an example of an answer
# ```
#
# The check below looks at a to f. Questions g and h are looked at when you submit.

# %% exercise="view_or_copy" kind="predict" points=2 minutes=3 difficulty=2
### BEGIN SOLUTION
answer_a = "view"  # x[1]
answer_b = "view"  # x[:, ::2]
answer_c = "copy"  # x[[0, 2]]
answer_d = "copy"  # x[x > 5]
answer_e = "view"  # x.T
answer_f = "copy"  # x.clone()[0]
answer_g = "view"  # x.reshape(2, 6)
answer_h = "copy"  # x.T.reshape(12)
### END SOLUTION

# %% stub="view_or_copy"
answer_a = None  # x[1]
answer_b = None  # x[:, ::2]
answer_c = None  # x[[0, 2]]
answer_d = None  # x[x > 5]
answer_e = None  # x.T
answer_f = None  # x.clone()[0]
answer_g = None  # x.reshape(2, 6)
answer_h = None  # x.T.reshape(12)

# %% check="view_or_copy"
def truth(make):
    base = torch.arange(12).reshape(3, 4)
    make(base).fill_(-1)  # write into the result, then look at the base
    return "view" if (base == -1).any() else "copy"


with check("view_or_copy") as c:
    words = {'The answer must be "view" or "copy".': lambda got: got not in ("view", "copy")}
    places = words | {"Whole numbers and slices only describe other places in the same memory.": "copy"}
    chosen = words | {"Places chosen by a list or a mask follow no regular step, so they are copied.": "view"}
    turned = words | {"T moves no number. It only reads the memory in another order.": "copy"}
    cloned = words | {"[0] makes a view, but a view of the clone, which has memory of its own.": "view"}
    hint = "Try it in a new cell: write into the result with fill_(-1), then print x."
    c.value("answer_a", answer_a).gives(truth(lambda x: x[1]), because=places, hint=hint)
    c.value("answer_b", answer_b).gives(truth(lambda x: x[:, ::2]), because=places, hint=hint)
    c.value("answer_c", answer_c).gives(truth(lambda x: x[[0, 2]]), because=chosen, hint=hint)
    c.value("answer_d", answer_d).gives(truth(lambda x: x[x > 5]), because=chosen, hint=hint)
    c.value("answer_e", answer_e).gives(truth(lambda x: x.T), because=turned, hint=hint)
    c.value("answer_f", answer_f).gives(truth(lambda x: x.clone()[0]), because=cloned, hint=hint)
    ### BEGIN HIDDEN TESTS
    same_order = words | {"The memory already has this order, so reshape makes a view.": "copy"}
    new_order = words | {"x.T reads the memory in another order, so reshape has to copy.": "view"}
    c.value("answer_g", answer_g).gives(truth(lambda x: x.reshape(2, 6)), because=same_order, hint=hint)
    c.value("answer_h", answer_h).gives(truth(lambda x: x.T.reshape(12)), because=new_order, hint=hint)
    ### END HIDDEN TESTS

# %% [markdown] hints="view_or_copy"
# 1. Ask: can a start and a regular step along each axis describe the chosen places? Then no copy is needed.
# 2. Look at the table above: slices, masks, lists, `T`, `clone` and `reshape` each have their column.
# 3. Lists and masks copy, slices and `T` do not. `reshape` copies only if its input is not in memory order, as
#    after `T`.

# %% mutant="view_or_copy" name="slices_copy" says="Whole numbers and slices only describe other places"
answer_a = answer_b = answer_c = answer_d = answer_f = answer_h = "copy"
answer_e = answer_g = "view"

# %% mutant="view_or_copy" name="lists_are_views" says="chosen by a list or a mask"
answer_a = answer_b = answer_c = answer_d = answer_e = answer_g = "view"
answer_f = answer_h = "copy"

# %% mutant="view_or_copy" name="transpose_copies" says="T moves no number"
answer_a = answer_b = answer_g = "view"
answer_c = answer_d = answer_e = answer_f = answer_h = "copy"

# %% mutant="view_or_copy" name="reshape_never_copies" says="x.T reads the memory in another order"
answer_a = answer_b = answer_e = answer_g = answer_h = "view"
answer_c = answer_d = answer_f = "copy"

# %% mutant="view_or_copy" name="other_words" says="must be"
answer_a = answer_b = answer_e = answer_g = "yes"
answer_c = answer_d = answer_f = answer_h = "no"

# %% [markdown]
# **Run.** Look at g and h yourself: write into the result, then look at `x`.

# %%
x = torch.arange(12).reshape(3, 4)
x.reshape(2, 6).fill_(-1)
print(x[0])

x = torch.arange(12).reshape(3, 4)
x.T.reshape(12).fill_(-1)
print(x[0])

# %% [markdown]
# **What would break if…** you keep "the old values" for later, and change the tensor in place? Then the old
# values change too. Keep a `clone()`, which has memory of its own.

# %%
weights = torch.ones(3)
remembered = weights
saved = weights.clone()
weights.mul_(10)
print(remembered, saved)

# %% [markdown]
# ## 5 · Strides
#
# Memory has no rows and columns: it is one long line. The **stride** of an axis says how many places you move
# along this line when the index grows by one. So the number `x[i, j]` lies at the place
#
# ```python
# storage_offset + i * stride[0] + j * stride[1]
# ```

# %%
x = torch.arange(12).reshape(3, 4)
print(x.stride(), x.storage_offset())

i, j = 2, 1
place = x.storage_offset() + i * x.stride(0) + j * x.stride(1)
print(place, x[i, j])

# %% [markdown]
# > **Predict.** What are the strides of `x.T`? And of `x[:, ::2]`? Where does `x[1:]` start?

# %%
for name, view in {"x": x, "x.T": x.T, "x[:, ::2]": x[:, ::2], "x[1:]": x[1:]}.items():
    print(f"{name:10} shape {tuple(view.shape)}  stride {view.stride()}  offset {view.storage_offset()}")

# %% library_only=True
viz.memory_map(x.T, base=x, name="x.T")

# %% [markdown]
# No number moved. Only the card changed. Now do it yourself. Point at a number to see the walk through the
# memory that finds it. Press a step to change the card.
#
# 1. Press `.T`. Which two pairs of numbers change places?
# 2. Press `[:, ::2]`. Why does one stride double?
# 3. Find steps after which `.view(-1)` is an error. Then press `.contiguous()` first: what happened to the
#    memory?

# %% library_only=True
viz.StrideExplorer(shape=(3, 4))

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. The two sizes, and the two strides.
# 2. The next number of a row is now two places away.
# 3. `.T`, then `.view(-1)`: no single stride reads 0, 4, 8, 1, 5, … With `.contiguous()` in between, the
#    numbers were copied into new memory in this order, so `.view(-1)` works again.
# </details>

# %% [markdown]
# A tensor is **contiguous** if its strides are those of a freshly made tensor: the last axis has stride 1, and
# the memory is read from left to right without jumps. Transposing breaks this. `contiguous()` repairs it with a
# copy, if one is needed.
#
# Strides count elements (NumPy's count bytes). `element_size()` is the size of one number in bytes, and
# `nbytes` that of all of them.

# %%
print(x.is_contiguous(), x.T.is_contiguous(), x.T.contiguous().stride())
print(x.element_size(), x.nbytes)

# %% [markdown]
# **Real data.** A stereo sound file stores left, right, left, right, … Two strides turn it into two channels,
# without a copy.

# %%
left, right = note, 0.2 * note
file = torch.stack([left, right], dim=1).flatten()  # L R L R L R …
channels = file.view(-1, 2).T
print(file.shape, "->", channels.shape, channels.stride())
print((channels[0] == left).all(), (channels[1] == right).all())

# %% [markdown] prompt="strides_of"
# ### Exercise 5 · Compute the strides
#
# `torch.zeros(2, 3, 4).stride()` is `(12, 4, 1)`. Write the function that computes this from the shape alone,
# as PyTorch does when it makes a new tensor.
#
# ```python
# strides_of((2, 3, 4))  # (12, 4, 1)
# strides_of((5,))       # (1,)
# ```


# %% exercise="strides_of" kind="implement" points=3 minutes=6 difficulty=2
def strides_of(shape):
    """Return the strides of a new, contiguous tensor, counted in elements.

    shape:   tuple of int, each at least 1; may be empty
    returns: tuple of int, as long as shape
    """
    ### BEGIN SOLUTION
    strides = []
    step = 1  # the last axis moves by one element
    for size in reversed(shape):
        strides.append(step)
        step *= size  # the axis before it jumps over all of this one
    return tuple(reversed(strides))
    ### END SOLUTION


# %% check="strides_of"
with check("strides_of") as c:
    c.call(strides_of, (2, 3, 4)).gives(
        torch.zeros(2, 3, 4).stride(),
        because={
            "These strides are in bytes. PyTorch counts elements.": (48, 16, 4),
            "Here the first axis has stride 1. In PyTorch the last axis has.": (1, 2, 6),
            "The size of an axis must not count for its own stride, only the sizes after it.": (24, 12, 4),
            "A stride is the product of all sizes after it, not only of the next one.": (3, 4, 1),
            "The order is reversed: the first stride belongs to the first axis.": (1, 4, 12),
            "The result must be a tuple. You returned a list.": lambda got: isinstance(got, list),
        },
        hint="Go from the last axis to the first, and multiply the sizes that you have passed.",
    )
    c.call(strides_of, (5,)).gives((1,))
    c.call(strides_of, (3, 7)).gives((7, 1))
    ### BEGIN HIDDEN TESTS
    two_axes_only = {"The strides are right for two axes only.": lambda got: len(got) == 2}
    for shape in [(), (1,), (4, 1), (1, 6), (5, 1, 2), (2, 3, 1, 5), (3, 2, 4, 1, 2)]:
        c.call(strides_of, shape).gives(torch.empty(shape).stride(), because=two_axes_only)
    ### END HIDDEN TESTS

# %% [markdown] hints="strides_of"
# 1. One step along the last axis moves one element. One step along the axis before it jumps over a whole row.
#    Go on from there.
# 2. Walk through `reversed(shape)` and keep a running product that starts at 1.
# 3. In the loop: `strides.append(step)`, then `step *= size`. At the end, turn the list round and make it a
#    tuple.


# %% mutant="strides_of" name="column_major" says="In PyTorch the last axis has"
def strides_of(shape):
    strides, step = [], 1
    for size in shape:
        strides.append(step)
        step *= size
    return tuple(strides)


# %% mutant="strides_of" name="own_size_included" says="must not count for its own stride"
def strides_of(shape):
    strides, step = [], 1
    for size in reversed(shape):
        step *= size
        strides.append(step)
    return tuple(reversed(strides))


# %% mutant="strides_of" name="next_size_only" says="product of all sizes after it"
def strides_of(shape):
    return tuple(shape[1:]) + (1,)


# %% mutant="strides_of" name="order_reversed" says="The order is reversed"
def strides_of(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(strides)


# %% mutant="strides_of" name="list_returned" says="You returned a list"
def strides_of(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return strides


# %% [markdown]
# **What would break if…** you call `view` on a transposed tensor? No strides can read its numbers in that
# order.

# %%
try:
    x.T.view(12)
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## 6 · Rearranging and joining
#
# Strides make it cheap to turn a tensor: most of these moves write a new card and leave the memory alone.
#
# | you want to | you write | memory |
# |---|---|---|
# | swap two axes | `x.transpose(0, 1)`; `x.T` for a matrix | view |
# | put all axes in a new order | `x.permute(2, 0, 1)` | view |
# | add an axis of size 1, or drop it | `x.unsqueeze(0)`, `x.squeeze(0)` | view |
# | merge axes into one | `x.flatten()`, `x.flatten(start_dim=1)` | view if possible |
# | glue along an axis that exists | `torch.cat([a, b], dim=0)` | copy |
# | put side by side along a **new** axis | `torch.stack([a, b], dim=0)` | copy |
#
# Read `permute(2, 0, 1)` as: the new axes are the old axes 2, 0 and 1, in this order.

# %% [markdown]
# > **Predict.** Write down the five shapes first. `images` has the shape `(6, 48, 64, 3)`.

# %%
print(images.transpose(1, 2).shape)
print(images.permute(3, 0, 1, 2).shape)
print(images.flatten(start_dim=1).shape)
print(images[0].unsqueeze(0).shape)
print(images[:1].squeeze(0).shape)

# %% library_only=True
viz.joining(torch.arange(6).reshape(2, 3), torch.arange(6, 12).reshape(2, 3), dim=0)

# %% [markdown]
# `cat` makes an axis longer. `stack` makes a new one. With `cat`, all the other sizes must agree. With `stack`,
# the shapes must be equal.

# %% library_only=True
wide = torch.cat([images[0], images[1]], dim=1)  # side by side: a longer width
batch = torch.stack([images[0], images[1]])  # a new axis: which picture
print(wide.shape, batch.shape)
viz.image_strip([wide], titles=["cat along dim 1"])

# %% [markdown] prompt="images_to_nchw"
# ### Exercise 6 · Pictures for a model
#
# Turn a batch of picture files into what a vision model eats: axes in the order *(batch N, colour C, height H,
# width W)*, `float32` numbers from 0 to 1, contiguous in memory.
#
# ```python
# images = torch.tensor([[[[255, 0, 51]]]], dtype=torch.uint8)  # shape (1, 1, 1, 3): one picture of one point
# images_to_nchw(images).shape  # (1, 3, 1, 1)
# images_to_nchw(images)[0, :, 0, 0]  # tensor([1.0000, 0.0000, 0.2000])
# ```


# %% exercise="images_to_nchw" kind="use" points=3 minutes=5 difficulty=2
def images_to_nchw(images):
    """Return the pictures with the colours first, as float numbers from 0 to 1.

    images:  tensor of shape (N, H, W, C), dtype torch.uint8, values 0 to 255
    returns: contiguous tensor of shape (N, C, H, W), dtype torch.float32, values 0 to 1
    """
    ### BEGIN SOLUTION
    channels_first = images.permute(0, 3, 1, 2)
    return channels_first.to(torch.float32).contiguous() / 255
    ### END SOLUTION


# %% check="images_to_nchw"
def nchw(images):
    return (images.permute(0, 3, 1, 2).to(torch.float32) / 255).contiguous()


with check("images_to_nchw") as c:
    jumps = "The result is not contiguous: its strides still jump through the memory."
    batch = torch.tensor([[[[0, 51, 102]], [[153, 204, 255]]]], dtype=torch.uint8)  # one picture, 2 × 1 points
    result = c.call(images_to_nchw, batch)
    result.gives(
        nchw(batch),
        tolerance=1e-6,
        because={
            "Red, green and blue are mixed: reshape cannot swap axes.": batch.reshape(1, 3, 2, 1) / 255,
            "Height and width changed places too.": lambda got: tuple(got.shape) == (1, 3, 1, 2),
            "The values go up to 255. Divide by 255.": nchw(batch) * 255,
            "Only 0 and 1 are left: a whole-number division cut off the decimals.": nchw(batch // 255) * 255,
        },
        hint="Do one thing at a time, and print the shape, the dtype and the values after each.",
    )
    c.that(result.value.is_contiguous(), jumps, hint="Call contiguous() after permute.")
    ### BEGIN HIDDEN TESTS
    generator = torch.Generator().manual_seed(6)
    for shape in [(3, 4, 6, 3), (1, 5, 2, 1), (2, 3, 7, 4), (1, 1, 1, 3), (0, 2, 5, 3)]:
        pictures = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        channels_first = c.call(images_to_nchw, pictures).gives(nchw(pictures), tolerance=1e-6)
        c.that(channels_first.value.is_contiguous(), jumps)
    ### END HIDDEN TESTS

# %% [markdown] hints="images_to_nchw"
# 1. Three things have to happen: the axes change places, the numbers become floating point, the memory gets the
#    new order.
# 2. `permute` for the axes, `.to(torch.float32)` and a division for the numbers, `contiguous()` for the memory.
# 3. The new order is batch 0, colour 3, height 1, width 2: `images.permute(0, 3, 1, 2)`. Convert and divide by
#    255.


# %% mutant="images_to_nchw" name="reshape_instead_of_permute" says="reshape cannot swap axes"
def images_to_nchw(images):
    n, h, w, channels = images.shape
    return images.reshape(n, channels, h, w).to(torch.float32) / 255


# %% mutant="images_to_nchw" name="height_and_width_swapped" says="Height and width changed places too"
def images_to_nchw(images):
    return (images.transpose(1, 3).to(torch.float32) / 255).contiguous()


# %% mutant="images_to_nchw" name="not_scaled" says="Divide by 255"
def images_to_nchw(images):
    return images.permute(0, 3, 1, 2).to(torch.float32).contiguous()


# %% mutant="images_to_nchw" name="not_contiguous" says="not contiguous"
def images_to_nchw(images):
    return images.permute(0, 3, 1, 2).to(torch.float32) / 255


# %% mutant="images_to_nchw" name="integer_division" says="Only 0 and 1 are left: a whole-number division"
def images_to_nchw(images):
    return (images.permute(0, 3, 1, 2) // 255).to(torch.float32).contiguous()


# %% [markdown]
# **What would break if…** two tensors that you glue with `cat` had other sizes that do not agree?

# %%
try:
    torch.cat([torch.ones(2, 3), torch.ones(2, 4)], dim=0)
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## 7 · Fewer numbers, and products
#
# A **reduction** makes one number of many: `sum`, `mean`, `max`, `min`, `argmax` (the place of the largest),
# `any`, `all`. With `dim=` it works along one axis. **The axis you name is the axis that disappears.** With
# `keepdim=True` it stays, with size 1.

# %% library_only=True
viz.reduction(torch.arange(12).reshape(3, 4), dim=0, op="sum")

# %% [markdown]
# > **Predict.** `temperature` has a row for each day, and the columns *coldest* and *warmest*. Which of the
# > first two lines below has one result for each day?

# %%
temperature = weather[:, :2]
print(temperature.mean(dim=0))
print(temperature.mean(dim=1))
print(temperature.mean(dim=1, keepdim=True).shape)
print(weather[:, 2].sum().item(), "mm of rain in the week")

# %% [markdown]
# Along an axis, `max` gives two tensors: the values and their places.

# %%
values, places = weather.max(dim=0)
print(values)
print(places)  # the day of each record
print(weather.argmax(dim=0))

# %% [markdown]
# The **matrix product** `a @ b` multiplies the rows of `a` with the columns of `b` and adds up. The inner sizes
# must agree and disappear: (n, **k**) @ (**k**, m) → (n, m). The star `*` is something else: element by
# element.

# %% library_only=True
viz.matrix_product(torch.arange(6).reshape(2, 3), torch.arange(12).reshape(3, 4), cell=(1, 2))

# %% [markdown]
# | product | shapes | named function |
# |---|---|---|
# | two vectors | (k) · (k) → () | `torch.dot` |
# | a matrix and a vector | (n, k) · (k) → (n) | `torch.mv` |
# | two matrices | (n, k) · (k, m) → (n, m) | `torch.mm` |
# | a batch of matrices | (b, n, k) · (b, k, m) → (b, n, m) | `torch.bmm` |
#
# `@` and `torch.matmul` do all of these, by the number of axes. The named ones refuse other shapes, which can
# save you from a mistake.

# %%
baskets = torch.tensor([[2, 0, 1], [0, 3, 0], [1, 1, 4], [0, 0, 2]])  # 4 customers, 3 goods
prices = torch.tensor([3, 5, 2])
print(torch.mv(baskets, prices), baskets @ prices)
print(torch.dot(baskets[2], prices))
print((baskets @ baskets.T).shape, torch.bmm(torch.ones(8, 4, 3), torch.ones(8, 3, 5)).shape)

# %% [markdown]
# **Real data.** The eye is most sensitive to green. So a grey picture is a weighted sum of its colours, and a
# weighted sum along the last axis is a matrix product.

# %% library_only=True
weights = torch.tensor([0.299, 0.587, 0.114])
grey = images.to(torch.float32) @ weights / 255
print(images.shape, "@", weights.shape, "->", grey.shape)
viz.image_strip(torch.stack([grey, grey, grey], dim=-1)[:3])

# %% [markdown]
# **What would break if…** the inner sizes did not agree?

# %%
try:
    torch.ones(2, 3) @ torch.ones(2, 3)
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## 8 · dtypes
#
# All numbers of a tensor have one type, the **dtype**. It decides how many bytes a number takes, which values
# it can hold, and how exactly. Python's floats become `float32`, its whole numbers `int64`.

# %% library_only=True
viz.compare_dtypes(["bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64"])

# %%
print(torch.tensor([1, 2]).dtype, torch.tensor([1.0, 2.0]).dtype, torch.tensor([True]).dtype)
for dtype in [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32]:
    print(dtype, torch.ones(1000, dtype=dtype).nbytes, "bytes for 1000 numbers")
print(torch.iinfo(torch.uint8).max, torch.finfo(torch.float16).max)
print(torch.tensor(0.1).item())  # float32 keeps about 7 digits of 0.1

# %% [markdown]
# **Casting.** `x.to(torch.int64)` converts, and `x.float()`, `x.long()`, `x.bool()` are shorthands. From
# floating point to whole numbers the decimals are cut off, not rounded.
#
# **Promotion.** When two dtypes meet, the result has a dtype that suits both. There are kinds, in this order:
# bool, whole number, floating point, complex. The higher kind wins. Among tensors of one kind, the result is
# wide enough for both. A plain Python number can raise the kind, but it never makes a dtype of its own kind
# wider.

# %%
whole = torch.tensor([1, 2, 3])
half = torch.tensor([0.5], dtype=torch.float16)
print(torch.tensor([1.9, -1.9]).to(torch.int64))
print((whole * 2).dtype, (whole * 2.5).dtype, (whole / 3).dtype)
print((whole + half).dtype, (half + 2.5).dtype, (half + torch.ones(1)).dtype)

# %% [markdown]
# > **Predict.** A `uint8` holds 0 to 255. What is `200 + 100` in `uint8`: an error, 255, or something else?

# %%
level = torch.tensor([10, 200], dtype=torch.uint8)
print(level + 100)
print(level - 20)

# %% library_only=True
viz.wrap_around(start=200, step=100, dtype="uint8")

# %% [markdown]
# The value wraps around, silently. Whole numbers of every width do this at their ends; floating point numbers
# go to `inf`. `sum` protects you: it adds whole numbers up in `int64`. `mean` refuses whole numbers, because a
# mean is rarely whole.

# %%
print(level.sum(), level.to(torch.float32).mean())
try:
    level.mean()
except RuntimeError as error:
    print(error)

# %% [markdown] prompt="fix_dtype_overflow"
# ### Exercise 7 · Debug: the dark sun
#
# `brighten` should make a picture lighter, or darker if the amount is negative. Values that would leave the
# range 0 … 255 must stop at its ends. The author even thought of `clamp`. Yet the brightest places come out
# nearly black. Find out why, and repair it.
#
# ```python
# brighten(torch.tensor([10, 250], dtype=torch.uint8), 60)
# # now:    tensor([70, 54], dtype=torch.uint8)
# # wanted: tensor([ 70, 255], dtype=torch.uint8)
# ```


# %% exercise="fix_dtype_overflow" kind="debug" points=3 minutes=4 difficulty=2
def brighten(images, amount):
    """Add amount to every value and stop at 0 and 255.

    images:  tensor of any shape, dtype torch.uint8
    amount:  int, from -255 to 255
    returns: new tensor of the same shape, dtype torch.uint8
    """
    ### BEGIN SOLUTION
    wide = images.to(torch.int16) + amount  # int16 has room for -255 to 510
    return wide.clamp(0, 255).to(torch.uint8)
    ### END SOLUTION


# %% stub="fix_dtype_overflow"
def brighten(images, amount):
    """Add amount to every value and stop at 0 and 255.

    images:  tensor of any shape, dtype torch.uint8
    amount:  int, from -255 to 255
    returns: new tensor of the same shape, dtype torch.uint8
    """
    brighter = images + amount
    return brighter.clamp(0, 255)


# %% check="fix_dtype_overflow"
with check("fix_dtype_overflow") as c:
    levels = torch.tensor([[10, 100, 190], [220, 250, 0]], dtype=torch.uint8)
    c.call(brighten, levels, 60).gives(
        torch.tensor([[70, 160, 250], [255, 255, 60]], dtype=torch.uint8),
        because={
            "The sum wrapped around at 256 before clamp saw it: 250 + 60 became 54.": levels + 60,
            "The result must be uint8 again, like the input.": lambda got: got.dtype != torch.uint8,
        },
        hint="Give the sum room: convert to a wider dtype first, clamp, and convert back last.",
    )
    c.call(brighten, levels, -60).gives(
        torch.tensor([[0, 40, 130], [160, 190, 0]], dtype=torch.uint8),
        because={"Values below 0 wrapped around: 10 - 60 became 206.": levels - 60},
        hint="Clamp at both ends, while the numbers can still be negative.",
    )
    ### BEGIN HIDDEN TESTS
    generator = torch.Generator().manual_seed(7)
    for shape, amount in [((2, 3, 5, 3), 255), ((4, 7), -255), ((1,), 1), ((3, 2), 0), ((0, 4), 9), ((), 200)]:
        levels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        expected = (levels.to(torch.int64) + amount).clamp(0, 255).to(torch.uint8)
        c.call(brighten, levels, amount).gives(
            expected,
            because={"A dtype of 8 bits has no room for the sum.": lambda got: (got != expected).any()},
        )
    ### END HIDDEN TESTS

# %% [markdown] hints="fix_dtype_overflow"
# 1. Print `images + amount` for the small example. Is the damage done before or after `clamp`?
# 2. Use `.to(...)` twice: first to a dtype with room for −255 … 510, and at the end back to `torch.uint8`.
# 3. Begin with `wide = images.to(torch.int16) + amount`. Clamp `wide`, then convert the result back.


# %% mutant="fix_dtype_overflow" name="converted_back_too_early" says="The sum wrapped around at 256"
def brighten(images, amount):
    return (images.to(torch.int16) + amount).to(torch.uint8).clamp(0, 255)


# %% mutant="fix_dtype_overflow" name="float_result" says="must be uint8 again"
def brighten(images, amount):
    return (images.float() + amount).clamp(0, 255)


# %% mutant="fix_dtype_overflow" name="upper_end_only" says="Values below 0 wrapped around"
def brighten(images, amount):
    return (images.to(torch.int16) + amount).clamp(max=255).to(torch.uint8)


# %% mutant="fix_dtype_overflow" name="input_modified" says="the input was changed"
def brighten(images, amount):
    wide = images.to(torch.int16) + amount
    images.copy_(wide.clamp(0, 255))
    return images


# %% [markdown]
# **What would break if…** you add a fraction to whole numbers in place? The result would need another dtype,
# but the memory of `x` has room for whole numbers only. So PyTorch refuses. `x = x + 0.5` works: it makes a new
# tensor.

# %%
x = torch.tensor([1, 2, 3])
try:
    x += 0.5
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## 9 · NumPy and devices
#
# `torch.from_numpy(a)` and `t.numpy()` copy nothing: array and tensor use the same memory. `torch.tensor(a)`
# always copies. `torch.as_tensor(a)` shares if it can. The dtype comes along, so NumPy's floats become
# `float64`.
#
# > **Predict.** What do the two tensors show after the array changed?

# %%
import numpy as np

array = np.array([1.0, 2.0, 3.0])
shared = torch.from_numpy(array)
copied = torch.tensor(array)
array[0] = 100
print(shared)
print(copied)

shared.mul_(2)
print(array)

# %% [markdown]
# A tensor also knows its **device**, the place where its memory is. Here it is the `cpu`. On a machine with a
# graphics card, `x.to("cuda")` makes a copy there. The operands of one operation must be on one device, and
# `numpy()` works for `cpu` tensors only. Chapter 09 is about that. This line works everywhere:

# %% tags=["nbval-ignore-output"]
device = "cuda" if torch.cuda.is_available() else "cpu"
on_device = weather.to(device)
print(weather.device, on_device.device)

# %% [markdown] prompt="shared_memory_bug"
# ### Exercise 8 · Debug: the walk that stands still
#
# `walk` should record the position after each step. But all rows of its result are equal, and the caller
# complains that the array `start` was changed as well. Both have the same cause. Repair the function.
#
# ```python
# walk(np.array([0.0, 10.0]), torch.tensor([1.0, -2.0]), 3)
# # now:    [[3, 4], [3, 4], [3, 4]]
# # wanted: [[1, 8], [2, 6], [3, 4]]
# ```


# %% exercise="shared_memory_bug" kind="debug" points=3 minutes=5 difficulty=2
def walk(start, step, count):
    """Return the positions after 1, 2, …, count steps.

    start:   NumPy array of shape (d,); must not change
    step:    tensor of shape (d,), with the same dtype as start
    count:   int, at least 1
    returns: tensor of shape (count, d), dtype of step; row k is start + (k + 1) * step
    """
    ### BEGIN SOLUTION
    position = torch.from_numpy(start)
    path = []
    for _ in range(count):
        position = position + step  # a new tensor: neither start nor the earlier positions change
        path.append(position)
    return torch.stack(path)
    ### END SOLUTION


# %% stub="shared_memory_bug"
def walk(start, step, count):
    """Return the positions after 1, 2, …, count steps.

    start:   NumPy array of shape (d,); must not change
    step:    tensor of shape (d,), with the same dtype as start
    count:   int, at least 1
    returns: tensor of shape (count, d), dtype of step; row k is start + (k + 1) * step
    """
    position = torch.from_numpy(start)
    path = []
    for _ in range(count):
        position += step
        path.append(position)
    return torch.stack(path)


# %% check="shared_memory_bug"
with check("shared_memory_bug") as c:
    import numpy as np

    step = torch.tensor([1.0, -2.0], dtype=torch.float64)
    wanted = torch.tensor([[1.0, 8.0], [2.0, 6.0], [3.0, 4.0]], dtype=torch.float64)
    c.call(walk, np.array([0.0, 10.0]), step, 3).gives(
        wanted,
        because={
            "All rows are the last position: the list holds the same tensor three times.": wanted[[2, 2, 2]],
            "The path begins at the start. Its first row must be the position after one step.": wanted - step,
        },
        hint="After each round, say which memory start, position and the entries of path use.",
    )
    ### BEGIN HIDDEN TESTS
    sizes = {torch.float32: (3, 4), torch.int64: (1, 5), torch.float64: (4, 1), torch.int32: (2, 6)}
    for dtype, (size, count) in sizes.items():
        start, step = torch.arange(size).to(dtype) * 3 - 4, torch.arange(size).to(dtype) * 2 + 1
        rows = [start + (k + 1) * step for k in range(count)]
        c.call(walk, start.numpy(), step, count).gives(torch.stack(rows))
    ### END HIDDEN TESTS

# %% [markdown] hints="shared_memory_bug"
# 1. How many memories are there? Follow `start`, `position` and the entries of `path`: who shares with whom?
# 2. `position += step` works in place. `position + step` makes a new tensor. `clone()` makes a copy.
# 3. Change one line: `position = position + step`. Say to yourself why this repairs both faults.


# %% mutant="shared_memory_bug" name="cloned_at_the_start_only" says="the same tensor three times"
def walk(start, step, count):
    position = torch.from_numpy(start).clone()
    path = []
    for _ in range(count):
        position += step
        path.append(position)
    return torch.stack(path)


# %% mutant="shared_memory_bug" name="cloned_in_the_list_only" says="the input was changed"
def walk(start, step, count):
    position = torch.from_numpy(start)
    path = []
    for _ in range(count):
        position += step
        path.append(position.clone())
    return torch.stack(path)


# %% mutant="shared_memory_bug" name="one_step_late" says="The path begins at the start"
def walk(start, step, count):
    position = torch.from_numpy(start)
    path = []
    for _ in range(count):
        path.append(position)
        position = position + step
    return torch.stack(path)


# %% mutant="shared_memory_bug" name="dtype_lost" says="dtype"
def walk(start, step, count):
    position = torch.from_numpy(start)
    path = []
    for _ in range(count):
        position = position + step
        path.append(position.float())
    return torch.stack(path)


# %% [markdown]
# **What would break if…** you hand `t.numpy()` to a friend's function that sorts its array in place? Your
# tensor is sorted too. Hand over `t.clone().numpy()`.

# %%
t = torch.tensor([3, 1, 2])
t.numpy().sort()
print(t)

# %% [markdown]
# ## The question, answered
#
# Why was one picture ruined? Take a picture of 2 × 2 points whose numbers are their places in memory. The red
# values are 0, 3, 6, 9.

# %%
tiny = torch.arange(12).reshape(2, 2, 3)
print(tiny.reshape(3, 2, 2)[0])
print(tiny.permute(2, 0, 1)[0])
print(tiny.reshape(3, 2, 2).stride(), tiny.permute(2, 0, 1).stride())

# %% [markdown]
# `permute` keeps the meaning of each axis and carries the strides along: its red plane takes every third
# number.
#
# `reshape` keeps the reading order and cuts the same row of numbers into three blocks. So its "red plane" is
# the first third of the memory, and that is the top third of the picture with all its colours. Here are the
# three planes of `one_way`, read the right way. Nothing was lost: the picture was only cut in the wrong places.

# %% library_only=True
planes = one_way.reshape(3, 16, 64, 3)
print((one_way[0].flatten() == picture[:16].flatten()).all())
viz.image_strip(planes, titles=["one_way[0]", "one_way[1]", "one_way[2]"])

# %% [markdown]
# The rule to remember: **`reshape` cuts anew, `permute` turns. When axes should change places, never use
# `reshape`.**

# %% [markdown]
# ## Checkpoint
#
# Five quick questions. Answer each before you open it.
#
# **1.** `x` has the shape `(5, 1, 3)`. What shapes have `x[0]`, `x[:1]` and `x.squeeze(1)`?
#
# <details><summary>Answer</summary>
#
# `(1, 3)`, `(1, 1, 3)` and `(5, 3)`. A whole number removes its axis, a slice keeps it, and `squeeze(1)` drops
# axis 1 of size 1.
# </details>
#
# **2.** `x` has the shape `(4, 6)`. You run `y = x[:, 2]` and then `y.zero_()`. Does `x` change?
#
# <details><summary>Answer</summary>
#
# Yes. Column 2 of `x` is now zero: a slice is a view, and `zero_` works in place.
# </details>
#
# **3.** `x` is a new tensor of the shape `(2, 5)`. What are the strides of `x.T`, and is it contiguous?
#
# <details><summary>Answer</summary>
#
# `(1, 5)`, and no. The strides of `x` are `(5, 1)`, and the transpose swaps them.
# </details>
#
# **4.** `torch.zeros(8, 3)` and `torch.zeros(8, 3)`: which shapes do `cat` along `dim=0` and `stack` give?
#
# <details><summary>Answer</summary>
#
# `(16, 3)` and `(2, 8, 3)`. `cat` makes an axis longer, `stack` makes a new one.
# </details>
#
# **5.** `x` is `uint8`. What dtypes have `x + 1`, `x + 1.0`, `x / 2` and `x.sum()`?
#
# <details><summary>Answer</summary>
#
# `uint8` (it may wrap around), `float32`, `float32`, `int64`.
# </details>

# %% [markdown]
# ## Where you stand

# %% progress=True library_only=True

# %% [markdown]
# ## You can now …
#
# | you can now … | with |
# |---|---|
# | read and predict shapes | `shape`, `ndim`, `numel`, `size` |
# | make tensors, also random ones that you can repeat | `tensor`, `zeros`, `arange`, `randn`, `manual_seed` |
# | choose numbers by place and by value | `x[1:3, ::2]`, `x[mask]`, `x[[2, 0]]`, `where` |
# | say who shares memory | `view`, `reshape`, `clone`, in-place `_`, `from_numpy` |
# | explain a tensor by its strides | `stride`, `storage_offset`, `is_contiguous`, `contiguous` |
# | turn, join, reduce, multiply | `permute`, `unsqueeze`, `cat`, `stack`, `sum(dim=…)`, `@` |
# | choose a dtype and avoid overflow | `to`, `dtype`, `element_size`, `clamp` |
#
# **The same in PyTorch.** Only the first line changes: write `import torch` instead of `import course_lib as
# torch`. Each cell that uses no helper of this course prints the same there, random numbers included.
#
# **Where to look in `course_lib`.** `tensor.py` holds the card: shape, strides, dtype, and the memory behind
# it. `ops/views.py` shows that `transpose` and `permute` only write a new card. `dtypes.py` has the promotion
# rules, and `random.py` the recipe behind `manual_seed`.
#
# **Next.** Chapter 02 · Broadcasting: what happens when tensors of different shapes meet.
