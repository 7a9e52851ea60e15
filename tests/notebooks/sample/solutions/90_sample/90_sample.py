# ---
# jupyter:
#   ruff: noqa
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A sample
#
# A small chapter for the tests: one exercise of each shape that a chapter can have.

# %%
import numpy as np

# %% library_only=True
from course_lib.classroom import check, progress

# %%
table = np.loadtxt("numbers.csv", delimiter=",")
print(table)

# %% tags=["raises-exception"]
table.reshape(4, 4)

# %% tags=["nbval-ignore-output"]
import time

print(time.time())

# %% [markdown] prompt="predict_sum"
# ## The sum
#
# What is `1 + 2 + 3`?

# %% exercise="predict_sum" kind="predict" points=1 minutes=1 difficulty=1
### BEGIN SOLUTION
total = 6
### END SOLUTION

# %% stub="predict_sum"
total = None  # 1 + 2 + 3

# %% check="predict_sum"
with check("predict_sum") as c:
    c.value("total", total).gives(6, because={"The last number was forgotten.": 3})
    ### BEGIN HIDDEN TESTS
    c.that(total > 5, "A secret condition of the sum does not hold.")
    ### END HIDDEN TESTS

# %% [markdown] hints="predict_sum"
# 1. Add.
# 2. Use your fingers,
#    all of them.
# 3. `3 + 3`.

# %% mutant="predict_sum" name="forgot_last" says="The last number was forgotten."
total = 3

# %% mutant="predict_sum" name="as_text" says="a string, expected an int"
total = "6"

# %% [markdown] prompt="row_sums"
# Add the numbers of each row.


# %% exercise="row_sums" kind="use" points=2.5 minutes=5 difficulty=2
def row_sums(table):
    """Return the sums of the rows of a table, as an array of its dtype."""
    ### BEGIN SOLUTION
    sums_of_all_rows = table.sum(axis=1)
    return sums_of_all_rows
    ### END SOLUTION


# %% check="row_sums"
with check("row_sums") as c:
    c.call(row_sums, np.array([[1, 2, 3], [4, 5, 6]])).gives(np.array([6, 15]))
    ### BEGIN HIDDEN TESTS
    hidden_table_for_grading = np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]])
    c.call(row_sums, hidden_table_for_grading).gives(np.array([0.75, 3.0, 7.0]))
    c.call(row_sums, np.zeros((0, 3))).gives(np.zeros(0))
    ### END HIDDEN TESTS

# %% [markdown] hints="row_sums"
# 1. A sum along one axis.
# 2. `sum` takes `axis`.
# 3. `return table.sum(axis=…)`


# %% mutant="row_sums" name="columns" says="The wrong dimension was reduced"
def row_sums(table):
    return table.sum(axis=0)


# %% mutant="row_sums" name="whole_numbers_only" says="The fractions are lost"
def row_sums(table):
    return table.astype(int).sum(axis=1).astype(table.dtype)


# %% mutant="row_sums" name="in_place" says="Your function changed its input"
def row_sums(table):
    table[:, 0] += table[:, 1:].sum(axis=1)
    return table[:, 0].copy()


# %% [markdown] prompt="repair"
# ### Repair
#
# This function forgets the first number.


# %% exercise="repair" kind="debug" points=1 minutes=3 difficulty=3
def total_of(numbers):
    ### BEGIN SOLUTION
    return sum(numbers)
    ### END SOLUTION


# %% stub="repair"
def total_of(numbers):
    return sum(numbers[1:])


# %% check="repair"
with check("repair") as c:
    c.call(total_of, [1, 2, 3]).gives(6, because={"The first number is left out.": 5})
    ### BEGIN HIDDEN TESTS
    c.call(total_of, []).gives(0)
    ### END HIDDEN TESTS

# %% [markdown] hints="repair"
# 1. Which number is missing?
# 2. Slices.
# 3. `sum(numbers)`


# %% mutant="repair" name="last_left_out" says="the values are not right yet"
def total_of(numbers):
    return sum(numbers[:-1])


# %% mutant="repair" name="needs_one" says="IndexError"
def total_of(numbers):
    return numbers[0] + sum(numbers[1:])


# %% progress=True

# %% [markdown]
# The end.
