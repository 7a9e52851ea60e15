"""Running the statements of a kernel for all lanes at once, with a mask of those that take part.

Where threads disagree about an `if` or leave a loop at different times, both ways are run one after the other, each
with the lanes that go it: this is what a warp does too. `run` functions take the active lanes and return those that
go on behind the statement (None: nobody does).
"""

from __future__ import annotations

import ast

import numpy as np

from .errors import KernelError, KernelTypeError, StepLimit, UnsupportedSyntax
from .expressions import Expressions, is_varying
from .memory import KernelArray
from .source import assigned


class Frame:
    """The variables of one running function."""

    def __init__(self, function, names: dict, active):
        self.function, self.names = function, names
        self.partial: dict[str, np.ndarray] = {}  # variables that only some lanes have set: which
        self.everyone = active  # the lanes that have not returned
        self.loops: list[_Loop] = []
        self.result = None  # the value a device function returns
        self.result_for = None  # the lanes that have one
        self.return_line: np.ndarray | None = None  # for each lane the line at which it returned, 0 where it has not


class _Loop:
    """What left a loop or its body early: the lanes of `break` and of `continue`."""

    def __init__(self):
        self.broken = self.continued = None


def _join(a, b):
    """The lanes of both masks; None is nobody."""
    return b if a is None else a if b is None else a | b


def never_changed(loop: ast.While) -> list[str] | None:
    """The names in a loop's condition if the loop cannot change any of them, nor be left otherwise; None if it can."""
    for part in ast.walk(loop.test):
        if isinstance(part, (ast.Call, ast.Subscript)):
            return None
    names = {part.id for part in ast.walk(loop.test) if isinstance(part, ast.Name)}
    inside = [part for statement in loop.body for part in ast.walk(statement)]
    if any(isinstance(part, (ast.Break, ast.Return)) for part in inside) or names & assigned(loop.body):
        return None
    whole = {id(part.value) for part in ast.walk(loop.test) if isinstance(part, ast.Attribute)}  # the x of x.size
    return sorted({part.id for part in ast.walk(loop.test) if isinstance(part, ast.Name) and id(part) not in whole})


class Statements(Expressions):
    """Runs statements; a part of `Run`."""

    def block(self, statements: list[ast.stmt], active):
        """Run one statement after the other, as long as there are lanes that go on."""
        for statement in statements:
            if active is None:
                return None
            self.steps += 1
            if self.steps > self.step_limit:
                raise self._too_long(statement)
            self.active = active
            self.line = statement.lineno + self.frame.function.first_line
            try:
                run = _RUN[type(statement)]
            except KeyError:
                raise self.unsupported(statement) from None
            active = run(self, statement, active)
        return active

    def _too_long(self, statement) -> StepLimit:
        lane = int(np.argmax(self.active))
        self.line = statement.lineno + self.frame.function.first_line
        return self.error(
            StepLimit,
            f"the kernel was stopped after {self.step_limit} steps; {self.who(lane)} was still running here. Most "
            "often a loop never ends: look at its condition, and at what it waits for. A kernel that is right and long "
            "needs @cuda.jit(step_limit=…)",
            lane,
        )

    def _never_ends(self, loop, names=()) -> StepLimit:
        lane = int(np.argmax(self.active))
        self.line = loop.lineno + self.frame.function.first_line
        what = " or ".join(f"`{name}`" for name in names) or "what its condition looks at"
        waiting = (
            "" if names else ". Waiting for another thread does not work either, because nothing makes that one go on "
            "meanwhile"
        )  # fmt: skip
        return self.error(
            StepLimit, f"this loop never ends for {self.who(lane)}: nothing in it changes {what}{waiting}", lane
        )

    def _settled(self, active):
        """The same lanes; the very object `everyone` if that is what they are, so that assignments stay cheap."""
        if active is None or active is self.frame.everyone:
            return active
        if np.array_equal(active, self.frame.everyone):
            return self.frame.everyone
        return active if active.any() else None

    # -- assignments --------------------------------------------------------------------------------------------

    def _assign(self, node: ast.Assign, active):
        value = self.value(node.value)
        for target in node.targets:
            self._store(target, value, node)
        return active

    def _annotated(self, node: ast.AnnAssign, active):
        if node.value is not None:
            self._store(node.target, self.value(node.value), node)
        return active

    def _store(self, target: ast.expr, value, node) -> None:
        if isinstance(target, ast.Name):
            self.set_name(target.id, value)
        elif isinstance(target, ast.Tuple):
            if not isinstance(value, tuple) or len(value) != len(target.elts):
                raise self.type_error(f"cannot unpack this into {len(target.elts)} variables")
            for part, each in zip(target.elts, value, strict=True):
                self._store(part, each, node)
        elif isinstance(target, ast.Subscript):
            held = self.value(target.value)
            index = self.index(target.slice)
            self.at(target)
            if not isinstance(held, KernelArray):
                raise self.type_error("only elements of arrays can be assigned")
            held.store(self, index, self.number(value), self.active)
        else:
            raise self.error(UnsupportedSyntax, f"a kernel cannot assign to `{ast.unparse(target)}`")

    def set_name(self, name: str, value) -> None:
        """Give the active lanes a new value of a variable; the others keep theirs."""
        frame, active = self.frame, self.active
        self.changes += 1
        if isinstance(value, KernelArray) and name not in frame.names:
            value.name = name if value.name == "" else value.name
        defined = frame.partial.get(name)
        if active is frame.everyone or name not in frame.names or defined is active:
            frame.names[name] = value
            if active is frame.everyone:
                frame.partial.pop(name, None)
            else:
                frame.partial[name] = active
            return
        frame.names[name] = self.merged(frame.names[name], value, name)
        if defined is not None:
            frame.partial[name] = defined | active

    def merged(self, old, new, name: str):
        """`new` for the active lanes, `old` for the others."""
        if isinstance(old, np.ndarray | np.generic) and isinstance(new, np.ndarray | np.generic):
            return np.where(self.active, new, old)
        if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
            return tuple([self.merged(a, b, name) for a, b in zip(old, new, strict=True)])
        if old is new:
            return old
        raise self.type_error(f"`{name}` would be a different kind of thing in different threads")

    def _augmented(self, node: ast.AugAssign, active):
        target = node.target
        if isinstance(target, ast.Name):
            self.set_name(target.id, self.operate(node.op, self._name(target), self.value(node.value)))
            return active
        if not isinstance(target, ast.Subscript):
            raise self.unsupported(node)
        held, index = self.value(target.value), self.index(target.slice)
        if not isinstance(held, KernelArray):
            raise self.type_error("only elements of arrays can be assigned")
        self.at(target)
        old = held.load(self, index, self.active)
        new = self.operate(node.op, old, self.value(node.value))
        self.at(target)
        held.store(self, index, new, self.active)
        return active

    # -- branches -----------------------------------------------------------------------------------------------

    def _if(self, node: ast.If, active):
        condition = self.truth(self.value(node.test))
        line = node.lineno + self.frame.function.first_line
        if not is_varying(condition):
            return self.block(node.body if condition else node.orelse, active)
        yes, no = active & condition, active & ~condition
        self.counts.branch(self, line, yes, no)
        if not no.any():
            return self.block(node.body, active)
        if not yes.any():
            return self.block(node.orelse, active)
        self.branches.append((line, "the `if`"))
        after_yes, after_no = self.block(node.body, yes), self.block(node.orelse, no)
        self.branches.pop()
        if after_yes is yes and after_no is no:
            return active
        return self._settled(_join(after_yes, after_no))

    # -- loops --------------------------------------------------------------------------------------------------

    def _while(self, node: ast.While, active):
        line = node.lineno + self.frame.function.first_line
        self._refuse_else(node)

        def more(active):
            self.active, self.line = active, line
            return self.truth(self.value(node.test))

        fixed = never_changed(node)
        if fixed is not None:
            going = more(active)
            if (active & going).any():
                self.active = active & going
                raise self._never_ends(node, fixed)
        return self._loop(node, active, more, lambda _: None)

    def _for(self, node: ast.For, active):
        self._refuse_else(node)
        call = node.iter
        if not (isinstance(call, ast.Call) and self.value(call.func) is range and not call.keywords):
            return self._for_each(node, active)
        bounds = [self.number(self.value(part)) for part in call.args]
        if any(bound.dtype.kind not in "iu" for bound in bounds):
            raise self.type_error("range() needs integers")
        if not 1 <= len(bounds) <= 3:
            raise self.type_error("range() takes one, two or three numbers")
        start, stop, step = (np.int64(0), bounds[0], np.int64(1)) if len(bounds) == 1 else (*bounds, np.int64(1))[:3]
        if np.any(step == 0):
            raise self.error(KernelError, "range() must not have a step of 0")
        counter = [start]

        def more(active):
            self.active = active
            return np.where(step > 0, counter[0] < stop, counter[0] > stop)[()]

        def advance(active):
            counter[0] = counter[0] + step

        return self._loop(node, active, more, advance, lambda: self._store(node.target, counter[0], node))

    def _for_each(self, node: ast.For, active):
        """Over a tuple, which has the same length for all threads."""
        items = self.value(node.iter)
        if not isinstance(items, tuple):
            raise self.error(UnsupportedSyntax, "a kernel loops over `range(…)` or a tuple only")
        position = [0]

        def more(active):
            return np.bool_(position[0] < len(items))

        def advance(active):
            position[0] += 1

        return self._loop(node, active, more, advance, lambda: self._store(node.target, items[position[0]], node))

    def _refuse_else(self, node) -> None:
        if node.orelse:
            raise self.error(UnsupportedSyntax, "a loop in a kernel cannot have an `else`")

    def _loop(self, node, active, more, advance, begin=None):
        """Repeat the body while `more(active)`; lanes that are done wait for the others behind the loop."""
        line = node.lineno + self.frame.function.first_line
        entered, loop, done, returned = active, _Loop(), None, self.frame.everyone
        self.frame.loops.append(loop)
        self.branches.append((line, "the loop"))
        while active is not None:
            self.line = line
            going = more(active)
            if not is_varying(going):
                if not going:
                    done = _join(done, active)
                    break
            else:
                stay, leave = active & going, active & ~going
                self.counts.branch(self, line, stay, leave)
                if leave.any():
                    done = _join(done, leave)
                    active = stay if stay.any() else None
                    if active is None:
                        break
            self.active = active
            if begin is not None:
                begin()
            loop.continued, before, changes = None, active, self.changes
            after = self.block(node.body, active)
            active = self._settled(_join(after, loop.continued))
            if begin is None and self.changes == changes and active is before:
                raise self._never_ends(node)
            if active is not None:
                advance(active)
            self.steps += 1
            if self.steps > self.step_limit:
                self.active = entered if active is None else active
                raise self._too_long(node)
        self.branches.pop()
        self.frame.loops.pop()
        if self.frame.everyone is returned:
            return entered  # nobody returned inside, so all come out
        return self._settled(_join(done, loop.broken))

    def _break(self, node, active):
        loop = self.frame.loops[-1]
        loop.broken = _join(loop.broken, active)
        return None

    def _continue(self, node, active):
        loop = self.frame.loops[-1]
        loop.continued = _join(loop.continued, active)
        return None

    # -- the rest -----------------------------------------------------------------------------------------------

    def _return(self, node: ast.Return, active):
        frame = self.frame
        if node.value is not None:
            value = self.value(node.value)
            frame.result = value if frame.result_for is None else self.merged(frame.result, value, "the result")
            frame.result_for = _join(frame.result_for, active)
        if frame.return_line is None:
            frame.return_line = np.zeros(self.lanes.count, dtype=np.int64)
        frame.return_line[active] = node.lineno + frame.function.first_line
        frame.everyone = frame.everyone & ~active
        return None

    def _expression(self, node: ast.Expr, active):
        self.statement_only = node.value  # an atomic whose result nobody wants can be done at once
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.value(node.value)
        self.statement_only = None
        return active

    def _pass(self, node, active):
        return active

    def _assert(self, node: ast.Assert, active):
        holds = self.truth(self.value(node.test))
        failed = active & ~holds
        if failed.any():
            lane = int(np.argmax(failed))
            raise self.error(KernelError, f"the assertion does not hold for {self.who(lane)}", lane)
        return active

    def call_device(self, function, args, named):
        """Run a device function for the active lanes and give its result."""
        source = function.source
        if any(frame.function is source for frame in self.frames):
            raise self.error(UnsupportedSyntax, f"`{source.name}` calls itself; a device function cannot")
        names = {name: self.known(value) for name, value in source.bind(self, args, named).items()}
        outer, active, line = self.frame, self.active, self.line
        self.frame = Frame(source, names, active)
        self.frames.append(self.frame)
        self.block(source.body, active)
        made, answered = self.frame.result, self.frame.result_for
        self.frames.pop()
        self.frame, self.active, self.line = outer, active, line
        if answered is not None and (active & ~answered).any():
            lane = int(np.argmax(active & ~answered))
            raise self.error(
                KernelTypeError,
                f"`{source.name}` returns a value for some threads, but nothing for {self.who(lane)}: let every way "
                "through it end with a `return` of a value",
                lane,
            )
        return made


_RUN = {
    ast.Assign: Statements._assign, ast.AnnAssign: Statements._annotated, ast.AugAssign: Statements._augmented,
    ast.If: Statements._if, ast.While: Statements._while, ast.For: Statements._for, ast.Break: Statements._break,
    ast.Continue: Statements._continue, ast.Return: Statements._return, ast.Expr: Statements._expression,
    ast.Pass: Statements._pass, ast.Assert: Statements._assert,
}  # fmt: skip
