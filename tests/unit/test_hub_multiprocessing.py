"""torch.hub with what lies on this machine, and torch.multiprocessing."""

import os
import pickle
import sys

import pytest
from spawned_functions import fail, work

import course_lib as torch
from course_lib import multiprocessing as mp

# ---- hub ---------------------------------------------------------------------------------------------------------


def test_weights_that_were_downloaded_before(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert torch.hub.get_dir() == os.path.join(str(tmp_path), "hub")
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save({"weight": torch.ones(2)}, tmp_path / "hub" / "checkpoints" / "net-1234.pth")
    url = "https://example.org/models/net-1234.pth?x=1"
    assert torch.hub.load_state_dict_from_url(url)["weight"].tolist() == [1, 1]
    assert torch.hub.load_state_dict_from_url("https://e.org/x", file_name="net-1234.pth")["weight"].shape == (2,)


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"get https://e.org/net.pth with a browser and save it as .*net.pth"):
        torch.hub.load_state_dict_from_url("https://e.org/net.pth", model_dir=tmp_path)
    with pytest.raises(FileNotFoundError, match="downloads nothing"):
        torch.hub.download_url_to_file("https://e.org/net.pth", tmp_path / "net.pth")


def test_a_model_of_a_folder(tmp_path):
    (tmp_path / "parts.py").write_text("SIZE = 3\n")
    (tmp_path / "hubconf.py").write_text(
        "from parts import SIZE\ndef net(out=1):\n    'A small net.'\n    return [SIZE, out]\n"
    )
    assert torch.hub.load(str(tmp_path), "net", source="local", out=2) == [3, 2]
    assert torch.hub.list(tmp_path) == ["net"]
    assert torch.hub.help(tmp_path, "net") == "A small net."
    assert str(tmp_path) not in sys.path
    with pytest.raises(RuntimeError, match="Cannot find callable other in hubconf"):
        torch.hub.load(tmp_path, "other", source="local")
    with pytest.raises(RuntimeError, match="get https://github.com/pytorch/vision with git"):
        torch.hub.load("pytorch/vision", "resnet18")


# ---- multiprocessing ---------------------------------------------------------------------------------------------


def test_spawn_runs_a_function_in_processes():
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(work, (queue, torch.zeros(2)), nprocs=2)
    assert sorted((i, x.tolist()) for i, x in (queue.get(), queue.get())) == [(0, [0, 0]), (1, [1, 1])]


@pytest.mark.parametrize(("what", "error", "text"), [
    ("raise", mp.ProcessRaisedException, "-- Process 1 terminated with the following error:\n.*ValueError: wrong"),
    ("exit", mp.ProcessExitedException, "process 1 terminated with exit code 3"),
])  # fmt: skip
def test_an_error_stops_all_processes(what, error, text):
    context = mp.spawn(fail, (what,), nprocs=2, join=False)
    with pytest.raises(error, match=f"(?s){text}") as caught:
        while not context.join():
            pass
    assert caught.value.error_index == 1
    assert not any(process.is_alive() for process in context.processes)
    assert type(pickle.loads(pickle.dumps(caught.value))) is error


def test_sharing_strategies_are_accepted():
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    mp.set_sharing_strategy("file_descriptor")
    assert mp.get_all_sharing_strategies() == {"file_descriptor", "file_system"}
    with pytest.raises(AssertionError, match="invalid sharing strategy 'x'"):
        mp.set_sharing_strategy("x")
    assert mp.Queue is not None
    assert mp.cpu_count() > 0
