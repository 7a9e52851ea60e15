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

# %%
import course_lib as torch

# %% library_only=True
from course_lib import viz
from course_lib.classroom import check, progress

# %% [markdown] prompt="make_checkerboard"
# ### Exercise: a checkerboard
#
# Build a board of zeros and ones whose colours alternate along both axes.
#
# ```python
# make_checkerboard(2, 5)
# # tensor([[0, 1, 0, 1, 0],
# #         [1, 0, 1, 0, 1]])
# ```
#
# The top left cell is 0. The numbers are whole numbers (`torch.int64`).
# No loop is needed: two slice assignments do it.

# %% exercise="make_checkerboard" kind="use" points=2 minutes=5 difficulty=1
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
    c.call(make_checkerboard, 2, 5).gives(
        torch.tensor([[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]]),
        because={
            "The colours are swapped: the top left cell must be 0.": torch.tensor([[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]),
            "Every row starts with 0. The odd rows must start with 1.": torch.tensor([[0, 1, 0, 1, 0]] * 2),
            "Height and width are exchanged.": lambda got: tuple(got.shape) == (5, 2),
        },
        hint="Even rows have ones in the columns 1, 3, 5, …; odd rows have ones in the columns 0, 2, 4, …",
    )
    c.call(make_checkerboard, 3, 2).gives(torch.tensor([[0, 1], [1, 0], [0, 1]]))
    ### BEGIN HIDDEN TESTS
    for height, width in [(4, 7), (6, 3), (1, 4), (5, 1), (1, 1), (0, 3)]:
        board = torch.tensor([(row + column) % 2 for row in range(height) for column in range(width)], dtype=torch.int64)
        c.call(make_checkerboard, height, width).gives(
            board.reshape(height, width),
            because={"The function works only for one size of board.": lambda got: tuple(got.shape) == (2, 5)},
        )
    ### END HIDDEN TESTS


# %% [markdown] hints="make_checkerboard"
# 1. Start from a board of zeros. The ones lie on two regular grids: one grid in the even rows, one in the odd rows.
# 2. A slice with a step chooses every second row or column, for example `0::2` or `1::2`. You can assign a number to a slice.
# 3. `board = torch.zeros(height, width, dtype=torch.int64)`, then `board[0::2, 1::2] = 1`. One more assignment is missing.


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


# %% mutant="make_checkerboard" name="one_size_only" says="works only for one size of board"
def make_checkerboard(height, width):
    return torch.tensor([[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]])
