"""Each entry of PyTorch's operator database behaves as status.json records: nothing worse, nothing silently better."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: its operator database cannot be run")
pytest.importorskip("expecttest", reason="the operator database of PyTorch needs the package expecttest")

from op_db import samples
from op_db.status import DATABASE

NAMES = [name for name, _ in samples.variants()]
ENTRIES = [pytest.param(name, op, id=name) for name, op in samples.variants() if DATABASE.out_of_scope(name) is None]
RECORDED = DATABASE.recorded()


@pytest.mark.parametrize(("name", "op"), ENTRIES)
def test_entry(name, op):
    changes = DATABASE.compare(name, samples.check(op), RECORDED.get(name, {}))
    assert not changes, "\n".join(changes)


def test_coverage_page_is_made_from_the_status():
    assert DATABASE.is_on_page(NAMES)


def test_every_recorded_entry_exists():
    assert set(RECORDED) <= {param.id for param in ENTRIES}
