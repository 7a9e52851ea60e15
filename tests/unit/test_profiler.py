"""torch.profiler: what is listed, in which order, and that nothing is left behind."""

import json
import sys
import threading

import pytest

import course_lib as torch
from course_lib import nn
from course_lib.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule


def keys(prof) -> dict:
    return {event.key: event for event in prof.key_averages()}


def test_ops_are_counted():
    x = torch.randn(20, 20)
    with profile(activities=[ProfilerActivity.CPU]) as prof:
        for _ in range(3):
            y = (x @ x).relu()
        y += 1
        torch.nn.functional.linear(x, x)
    found = keys(prof)
    assert found["aten::relu"].count == 3
    assert found["aten::add_"].count == 1
    assert found["aten::linear"].count == 1
    assert found["aten::matmul"].count >= 3
    assert found["aten::relu"].cpu_time_total > 0


def test_gradients_are_listed_by_node():
    x = torch.randn(3, requires_grad=True)
    with profile() as prof:
        x.exp().sum().backward()
    assert {"ExpBackward0", "SumBackward0"} <= keys(prof).keys()


def test_times_add_up():
    with profile() as prof, record_function("outer"):
        for _ in range(5):
            with record_function("inner"):
                torch.randn(10, 10).softmax(0)
    found = keys(prof)
    outer, inner = found["outer"], found["inner"]
    assert inner.count == 5
    assert outer.cpu_time_total >= inner.cpu_time_total >= found["aten::softmax"].cpu_time_total
    assert sum(e.self_cpu_time_total for e in prof.events()) == pytest.approx(outer.cpu_time_total)
    assert [e.name for e in prof.events() if e.cpu_parent is None] == ["outer"]


def test_table():
    with profile(record_shapes=True, profile_memory=True) as prof:
        torch.ones(8, 8) @ torch.ones(8, 8)
    table = prof.key_averages(group_by_input_shape=True).table(sort_by="cpu_time_total", row_limit=2)
    lines = table.splitlines()
    titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "CPU Mem", "Self CPU Mem",
              "# of Calls", "Input Shapes"]  # fmt: skip
    assert [t.strip() for t in lines[1].split("  ") if t.strip()] == titles
    assert len(lines) == 7
    assert lines[5][:4] == "----"
    assert table.endswith(("us\n", "ms\n"))
    assert "Self CPU time total: " in table
    assert "[[8, 8], [8, 8]]" in prof.key_averages(group_by_input_shape=True).table()
    assert keys(prof)["aten::matmul"].cpu_memory_usage == 256


def test_sorting():
    with profile() as prof:
        torch.ones(3).add(1).add(1).mul(2)
    rows = prof.key_averages().table(sort_by="count").splitlines()
    assert "aten::add" in rows[3]
    assert [row.split()[0] for row in rows[3:6]] != sorted(row.split()[0] for row in rows[3:6])
    with pytest.raises(AttributeError, match="nope"):
        prof.key_averages().table(sort_by="nope")


def test_chrome_trace(tmp_path):
    with profile() as prof, record_function("mine"):
        torch.ones(2).exp()
    prof.export_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    by_name = {event["name"]: event for event in events}
    assert by_name["mine"]["cat"] == "user_annotation"
    inner, outer = by_name["aten::exp"], by_name["mine"]
    assert outer["ts"] <= inner["ts"]
    assert inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"]


def test_schedule():
    plan = schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    idle, warm, record, save = ProfilerAction
    assert [plan(i) for i in range(11)] == [idle, idle, warm, record, save, idle, warm, record, save, idle, idle]
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=0, warmup=0, active=0)


def test_steps():
    ready = []

    def note(prof):
        ready.append((prof.step_num, keys(prof)["aten::add"].count))

    with profile(schedule=schedule(wait=1, warmup=1, active=2, repeat=2), on_trace_ready=note) as prof:
        for _ in range(10):
            torch.ones(1) + 1
            prof.step()
    assert ready == [(4, 2), (8, 2)]


def test_tensorboard_handler(tmp_path):
    with profile(on_trace_ready=torch.profiler.tensorboard_trace_handler(str(tmp_path / "log"), "me")):
        torch.ones(1) + 1
    (file,) = (tmp_path / "log").iterdir()
    assert file.name.startswith("me.")
    assert file.name.endswith(".pt.trace.json")


def test_older_spelling():
    with torch.autograd.profiler.profile() as prof:
        torch.ones(2) + 1
    assert "aten::add" in str(prof)
    assert prof.self_cpu_time_total > 0
    assert "aten::add" in prof.key_averages().table(sort_by="self_cpu_time_total")
    with torch.autograd.profiler.profile(enabled=False):
        torch.ones(2) + 1


def test_decorator_and_other_threads():
    @record_function("decorated")
    def work():
        return torch.ones(2) * 2

    with profile() as prof:
        other = threading.Thread(target=work)
        other.start()
        other.join()
        work()
    assert keys(prof)["decorated"].count == 1


def test_nothing_stays_behind():
    before = sys.getprofile()
    with pytest.raises(ValueError, match="inside"), profile() as prof:
        torch.ones(1) + 1
        raise ValueError("inside")
    assert sys.getprofile() is before
    torch.ones(1) * 2
    assert keys(prof).keys() == {"aten::ones", "aten::add"}


def test_not_started():
    with pytest.raises(AssertionError, match="must be initialized"):
        profile().key_averages()
    with profile() as prof:
        pass
    assert prof.key_averages().table() == ""


def test_a_model():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    with profile() as prof:
        model(torch.ones(1, 1, 4, 4)).sum().backward()
    assert {"aten::conv2d", "aten::relu", "aten::flatten", "aten::linear"} <= keys(prof).keys()
