"""Each entry of PyTorch's module database behaves as status.json records: nothing worse, nothing silently better."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: its module database cannot be run")
pytest.importorskip("expecttest", reason="the module database of PyTorch needs the package expecttest")

from module_db import samples
from module_db.status import DATABASE

NAMES = [name for name, _ in samples.variants()]
ENTRIES = [pytest.param(name, info, id=name) for name, info in samples.variants() if not DATABASE.out_of_scope(name)]
RECORDED = DATABASE.recorded()


@pytest.mark.parametrize(("name", "info"), ENTRIES)
def test_entry(name, info):
    changes = DATABASE.compare(name, samples.check(info), RECORDED.get(name, {}))
    assert not changes, "\n".join(changes)


def test_coverage_page_is_made_from_the_status():
    assert DATABASE.is_on_page(NAMES)


def test_every_recorded_entry_exists():
    assert set(RECORDED) <= {param.id for param in ENTRIES}
