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
# # Chapter 00 · Start here
#
# **Time** about 15 minutes · **Before this** nothing but Python
#
# In this course you learn PyTorch by using it, and by building pieces of it. You write real PyTorch from the
# first line. This short chapter shows how the notebooks work. Its only point is for practice: it counts
# nowhere.
#
# After it you can
#
# 1. run and edit cells in JupyterLab, and repair the most common trouble;
# 2. check an answer, read the message of a check, and open hints;
# 3. validate a notebook and hand it in.

# %%
import course_lib as torch
from course_lib import viz

# %% library_only=True
from course_lib.classroom import check, progress

# %% library_only=True
viz.course_map(0)

# %% [markdown]
# ## A question to carry along
#
# Below you will write a function that doubles a tensor. How can a notebook know that your function is right,
# although there are infinitely many tensors? You can answer at the end of the page.
#
# ## 1 · JupyterLab in five minutes
#
# A notebook is a column of **cells**. Some hold text, like this one. The others hold Python.
#
# | you want to | you press |
# |---|---|
# | run a cell and go to the next | <kbd>Shift</kbd> + <kbd>Enter</kbd> |
# | edit a cell; stop editing | <kbd>Enter</kbd>; <kbd>Esc</kbd> |
# | add a cell of your own below | <kbd>Esc</kbd>, then <kbd>B</kbd> |
# | undo while editing | <kbd>Ctrl</kbd> + <kbd>Z</kbd> (on a Mac <kbd>⌘</kbd> + <kbd>Z</kbd>) |
# | see what a function does | cursor behind its name, <kbd>Shift</kbd> + <kbd>Tab</kbd> |
# | make a text that you double-clicked look right again | <kbd>Shift</kbd> + <kbd>Enter</kbd> |
# | save | <kbd>Ctrl</kbd> + <kbd>S</kbd> (on a Mac <kbd>⌘</kbd> + <kbd>S</kbd>) |
#
# Click into the next cell and press <kbd>Shift</kbd> + <kbd>Enter</kbd>. Then change `[1, 2, 3]` to other
# numbers and run it again.

# %%
numbers = torch.tensor([1, 2, 3])
print(numbers * 10)

# %% [markdown]
# The number in brackets left of a cell, as in `[3]`, says in which order the cells ran. A star `[*]` means:
# still running.
#
# Python runs in a program of its own, the **kernel**. It remembers every variable until it is restarted. So the
# order in which you run the cells matters, not their place on the page.
#
# > **Predict.** What does the next cell print if you run it three times?

# %%
try:
    visits += 1
except NameError:  # the first run: the kernel does not know the name yet
    visits = 1
print(visits)

# %% [markdown]
# Run it three times now: the kernel remembers.
#
# **When something is strange**, use the menu *Kernel → Restart Kernel and Run All Cells…* It forgets everything
# and runs the page from the top to the bottom. If a cell never ends, use *Kernel → Interrupt Kernel*.
#
# > **What would break if…** you ran a cell before the `import` cell at the top? Python would say `NameError:
# > name 'torch' is not defined`. Run the cells above it first: *Run → Run All Above Selected Cell*.

# %% [markdown]
# ## 2 · Checks
#
# Each exercise has a cell for your answer and, below it, a cell with a **check**. A check runs your code on
# small examples and says what it found. You can run it as often as you like.
#
# This check passes:

# %% library_only=True
def area(width, height):
    return width * height


with check("area") as c:
    c.call(area, 3, 5).gives(15)

# %% [markdown]
# The next one **fails on purpose**. Read its message from the top to the bottom:
#
# - *Called* shows the call. You can copy it into a cell of your own.
# - *Expected* and *Got* show what should have come, and what came. *Difference* says where they part.
# - *Likely cause* and *Try* say where to look.

# %% library_only=True tags=["raises-exception"]
def area(width, height):
    return width + height  # a plus where a times belongs


with check("area") as c:
    c.call(area, 3, 5).gives(
        15,
        because={"The sides were added. An area is a product.": 8},
        hint="Multiply width and height.",
    )

# %% [markdown]
# A failed check costs nothing, and it does not stop the notebook. Change `+` to `*` in the cell above and run
# it again: it passes.
#
# ## 3 · Your first exercise
#
# There are five kinds of exercises. You meet the first four in chapter 01.
#
# | kind | what you do |
# |---|---|
# | predict | say what a line gives, before you run it |
# | use | solve a small task with PyTorch |
# | implement | build a piece of PyTorch yourself |
# | debug | find out why a program is wrong, and repair it |
# | milestone | finish a small project |
#
# Every exercise runs along the same road.

# %% library_only=True
viz.exercise_cycle()

# %% [markdown] prompt="double"
# ### Exercise · Double a tensor
#
# Return a tensor in which every number is twice as large. Replace the line `raise NotImplementedError…` by your
# answer.
#
# ```python
# double(torch.tensor([1, 5, 2]))
# # tensor([ 2, 10,  4])
# ```
#
# The check lies below the answer, folded to one line. <kbd>Shift</kbd> + <kbd>Enter</kbd> in the answer cell runs
# your answer and goes to the check; pressed once more, it runs the check. Do this before you start: the check
# says *not attempted yet*. That is not a failure. It only waits for you.


# %% exercise="double" kind="use" points=1 minutes=2 difficulty=1
def double(x):
    """Return a new tensor with every number of x twice as large.

    x:       tensor of any shape
    returns: tensor of the same shape and dtype
    """
    ### BEGIN SOLUTION
    return x * 2
    ### END SOLUTION


# %% check="double"
with check("double") as c:
    c.call(double, torch.tensor([1, 5, 2])).gives(
        torch.tensor([2, 10, 4]),
        because={
            "The numbers were squared: ** is a power. Twice as large is * 2.": torch.tensor([1, 25, 4]),
            "2 was added to each number. Twice as large is * 2.": torch.tensor([3, 7, 4]),
        },
        hint="x * 2 multiplies every number of x.",
    )
    ### BEGIN HIDDEN TESTS
    c.call(double, torch.tensor([[0.5, -1.0, 3.0], [0.0, 2.5, -4.0]])).gives(
        torch.tensor([[1.0, -2.0, 6.0], [0.0, 5.0, -8.0]])
    )
    c.call(double, torch.zeros(0, 3)).gives(torch.zeros(0, 3))
    c.call(double, torch.tensor(7)).gives(torch.tensor(14))
    ### END HIDDEN TESTS

# %% [markdown] hints="double"
# 1. Arithmetic with a tensor works on all of its numbers at once. You need no loop.
# 2. The operator is `*`, and the other operand is the plain number 2.
# 3. Write `return x * …` and put a number in place of the dots.


# %% mutant="double" name="squared" says="The numbers were squared"
def double(x):
    return x**2


# %% mutant="double" name="two_added" says="2 was added"
def double(x):
    return x + 2


# %% mutant="double" name="input_modified" says="the input was changed"
def double(x):
    x *= 2
    return x


# %% [markdown]
# **Folded checks.** A check names the values that it expects, and some of them are answers. So it is folded, and
# it runs and speaks all the same: its message tells you what you need. To read it, click on its line, which
# unfolds it. *View → Collapse Selected Code* folds it again.
#
# **Hints.** Each exercise has three: the idea, the tool, and almost the line. Think for some minutes before you
# open the first. Opening hints costs no points.
#
# **Hidden checks.** Your instructor's copy of the notebook holds more checks, with other inputs: other shapes,
# other dtypes, empty tensors. A function that does what its docstring says passes them. A function that only
# fits the example does not.
#
# **Progress.** This table shows which exercises of the page you have solved.

# %% progress=True library_only=True

# %% [markdown]
# ## 4 · Validate and hand in
#
# 1. **Save** the notebook.
# 2. Press **Validate** in the bar above the notebook. It runs the whole page in a fresh kernel and names the
#    exercises whose visible checks do not pass. Nothing is sent anywhere.
# 3. **Hand in** the file as your instructor tells you, usually by uploading the `.ipynb` file to your course
#    page. Keep its name: the grader finds the chapter by it.
#
# Three rules keep your work safe:
#
# - Write your answers into the answer cells. Cells that you add are welcome, but they are not graded.
# - Do not delete, copy or edit the cells with checks. (If it happened: the grader uses its own copy of them.)
# - Your answer must not depend on a cell that you have deleted, or on a file on your computer. *Validate* finds
#   this out.
#
# If you learn on your own, there is nothing to hand in. The checks and the progress table are all you need.

# %% [markdown]
# ## 5 · Your machine
#
# The next cell says what this machine has. No chapter needs a graphics card: the GPU chapter runs on a
# simulator as well. A line with ✗ tells you what to do.

# %% library_only=True tags=["nbval-ignore-output"]
from course_lib.classroom.doctor import examine

for finding in examine():
    if finding.name in ("Course folder", "Sandbox", "Chromium", "Port 8888"):
        continue  # these matter to instructors; the command `classroom doctor` shows them
    sign = {"ok": "✓", "warn": "!", "missing": "✗"}[finding.status]
    print(f"{sign} {finding.name}: {finding.found}")
    if finding.advice and finding.status != "ok":
        print(f"    {finding.advice}")

# %% [markdown]
# ## The question, answered
#
# A check cannot try infinitely many tensors. It tries a few, chosen to tell right from wrong: a plain one, one
# with another shape, one with another dtype, an empty one, a single number. And it looks whether your function
# changed its input. You will learn to choose such examples yourself. It is half of the art of programming.
#
# ## Checkpoint
#
# **1.** You edited a cell far up the page, and now a cell below behaves strangely. What do you do first?
#
# <details><summary>Answer</summary>
#
# *Kernel → Restart Kernel and Run All Cells…* Then the page runs from a clean start, in order.
# </details>
#
# **2.** A check says *not attempted yet*. Did you lose points?
#
# <details><summary>Answer</summary>
#
# No. The answer cell is still as it was handed to you. Write your answer and run both cells.
# </details>
#
# **3.** All visible checks pass. Do you get all points?
#
# <details><summary>Answer</summary>
#
# Not for certain. The hidden checks use other inputs. Read the docstring again: does your function keep each of
# its promises?
# </details>
#
# **4.** Which line of a failing check shows what you can copy into a cell of your own?
#
# <details><summary>Answer</summary>
#
# The line *Called*.
# </details>
#
# **5.** A cell shows `[*]` for minutes. What now?
#
# <details><summary>Answer</summary>
#
# *Kernel → Interrupt Kernel*. Then look for a loop that does not end.
# </details>

# %% [markdown]
# ## You can now …
#
# | you can now … | with |
# |---|---|
# | run, edit and add cells | <kbd>Shift</kbd> + <kbd>Enter</kbd>, <kbd>Enter</kbd>, <kbd>Esc</kbd> <kbd>B</kbd> |
# | start afresh | *Restart Kernel and Run All Cells…* |
# | check an answer and read the message | the cell below the answer |
# | get help | three hints |
# | hand in your work | *Validate*, then upload the file |
#
# **The same in PyTorch.** `course_lib` has the names of PyTorch, and in the cells of this course its answers
# too. To run your code with PyTorch, write `import torch` in place of `import course_lib as torch`.
#
# **Where to look in `course_lib`.** The folder `course_lib` is the library itself, in plain Python, written to
# be read. Its `tensor.py` is a good place to start looking around. `course_lib/classroom/check.py` is the code
# behind the checks.
#
# **Next.** [Chapter 01 · Tensors](../01_tensors/01_tensors.ipynb)
