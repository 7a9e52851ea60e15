"""Each entry of PyTorch's optimizer database behaves as status.json records: nothing worse, nothing silently better."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: its optimizer database cannot be run")
pytest.importorskip("expecttest", reason="the optimizer database of PyTorch needs the package expecttest")

from optim_db import samples
from optim_db.status import DATABASE

ENTRIES = [pytest.param(name, entry, id=name) for name, entry in samples.variants()]
RECORDED = DATABASE.recorded()


@pytest.mark.parametrize(("name", "entry"), ENTRIES)
def test_entry(name, entry):
    changes = DATABASE.compare(name, samples.check(entry), RECORDED.get(name, {}))
    assert not changes, "\n".join(changes)


def test_coverage_page_is_made_from_the_status():
    assert DATABASE.is_on_page([param.id for param in ENTRIES])


def test_every_recorded_entry_exists():
    assert set(RECORDED) <= {param.id for param in ENTRIES}
