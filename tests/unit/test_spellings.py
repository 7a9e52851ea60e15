"""Older spellings of calls warn where they are written."""

from __future__ import annotations

import pytest

import course_lib as torch


@pytest.mark.parametrize("call", ["p.add_(-1, p)", "torch.sub(p, 2, p)", "p.addcmul_(2.0, p, p)", "p.addcdiv(2, p, p)"])
def test_the_factor_second_warns_where_it_stands(call):
    with pytest.warns(UserWarning, match="This overload of add|This overload of sub") as caught:
        exec(compile(call, "<the program>", "exec"), {"torch": torch, "p": torch.ones(2)})
    assert [warning.filename for warning in caught] == ["<the program>"]
