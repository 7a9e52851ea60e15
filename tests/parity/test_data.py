"""torch.utils.data against PyTorch: what every case returns, raises and warns of is equal on both libraries."""

from __future__ import annotations

import array
import collections
import inspect
import os
import random
import warnings

import numpy as np
import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

Point = collections.namedtuple("Point", "x y")


def plain(value):
    """Tensors of either library as (dtype, values), inside any container."""
    if isinstance(value, (torch.Tensor, course_lib.Tensor)):
        return (str(value.dtype), list(value.shape), value.tolist())
    if isinstance(value, dict):
        return (type(value).__name__, {key: plain(part) for key, part in value.items()})
    if isinstance(value, (list, tuple, collections.UserList, collections.deque)):
        return (type(value).__name__, [plain(part) for part in value])
    if isinstance(value, collections.UserDict):
        return (type(value).__name__, {key: plain(part) for key, part in value.items()})
    return value


def outcome(case, T):
    """(what a case returns or raises, what it warns of)."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = plain(case(T))
        except Exception as error:
            result = (type(error).__name__, str(error))
    return result, [(each.category.__name__, _without_address(each.message)) for each in seen]


def _without_address(message) -> str:
    return " ".join(word for word in str(message).split() if "object" not in word and "0x" not in word)


def check(case):
    assert outcome(case, course_lib) == outcome(case, torch)


def generator(T, seed=3):
    return T.Generator().manual_seed(seed)


def squares(T, n=10):
    """A map-style dataset."""

    class Squares(T.utils.data.Dataset):
        def __len__(self):
            return n

        def __getitem__(self, i):
            return i * i, float(i)

    return Squares()


def stream(T, n=5, length=None):
    """An iterable dataset of 0 … n-1 that says its length is `length`."""

    class Stream(T.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(n))

    if length is not None:
        Stream.__len__ = lambda self: length
    return Stream()


def test_signatures():
    for name in course_lib.utils.data.__all__:
        ours, theirs = getattr(course_lib.utils.data, name), getattr(torch.utils.data, name)
        if name not in {"Dataset", "IterableDataset", "Sampler"}:
            ours, theirs = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
            assert [(p.name, p.kind) for p in ours.values()] == [(p.name, p.kind) for p in theirs.values()], name


def test_modules_import_as_in_pytorch():
    from course_lib.utils.data._utils.collate import default_collate, default_collate_fn_map  # noqa: F401
    from course_lib.utils.data.dataloader import DataLoader  # noqa: F401
    from course_lib.utils.data.dataloader import default_collate as same
    from course_lib.utils.data.dataset import IterableDataset, TensorDataset, random_split  # noqa: F401
    from course_lib.utils.data.distributed import DistributedSampler  # noqa: F401
    from course_lib.utils.data.sampler import Sampler, SubsetRandomSampler  # noqa: F401

    assert default_collate is same


# ---- orders ------------------------------------------------------------------------------------------------------

LOADERS = {
    "sequential": {"batch_size": 3},
    "shuffled": {"batch_size": 3, "shuffle": True},
    "shuffled, single samples": {"batch_size": None, "shuffle": True},
    "drop_last": {"batch_size": 4, "shuffle": True, "drop_last": True},
    "batches from a sampler": {"batch_sampler": [[1, 2], [0], [4, 3, 9]]},
    "batches from an eager sampler": {"batch_size": None, "sampler": "eager"},
    "shuffled by a generator": {"batch_size": 3, "shuffle": True, "generator": "generator"},
    "own collate_fn": {"batch_size": 4, "collate_fn": list},
}


@pytest.mark.parametrize("title", LOADERS)
@pytest.mark.parametrize("workers", [0, 2])
def test_order_and_later_random_numbers(title, workers):
    def case(T):
        class Eager(T.utils.data.Sampler):  # draws when its iterator is made, not when it is first asked
            def __iter__(self):
                return iter(T.randperm(10).tolist())

        settings = dict(LOADERS[title])
        if "sampler" in settings:
            settings["sampler"] = Eager()
        if "generator" in settings:
            settings["generator"] = generator(T)
        T.manual_seed(7)
        loader = T.utils.data.DataLoader(squares(T), num_workers=workers, **settings)
        epochs = [list(loader), list(loader)]
        return epochs, T.rand(2), "generator" in settings and T.rand(1, generator=settings["generator"])

    check(case)


@pytest.mark.parametrize("settings", [{}, {"persistent_workers": True}, {"prefetch_factor": 1}])
@pytest.mark.parametrize("batch_size", [None, 2, 3])
@pytest.mark.parametrize("iterable", [False, True])
def test_epochs_of_workers(settings, batch_size, iterable):
    def case(T):
        T.manual_seed(1)
        dataset = stream(T, 7) if iterable else squares(T)
        shuffle = None if iterable else True
        loader = T.utils.data.DataLoader(dataset, batch_size, shuffle, num_workers=2, **settings)
        unfinished = iter(loader)
        first = next(unfinished)
        del unfinished
        return first, list(loader), list(loader), T.rand(1)

    check(case)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_when_a_sampler_draws(workers):
    """A sampler that draws for each index shares the generator with the program: they take turns as in PyTorch."""

    def case(T):
        class Drawing(T.utils.data.Sampler):
            def __iter__(self):
                for _ in range(12):
                    yield T.randint(0, 10, (1,)).item()

            def __len__(self):
                return 12

        T.manual_seed(0)
        loader = T.utils.data.DataLoader(squares(T), sampler=Drawing(), num_workers=workers, batch_size=2)
        return [(batch, T.rand(1)) for batch in loader]

    check(case)


def test_shares_of_an_iterable_dataset():
    def case(T):
        class Share(T.utils.data.IterableDataset):
            def __iter__(self):
                info = T.utils.data.get_worker_info()
                return iter(range(info.id, 11 if info.id else 4, info.num_workers))

        return list(T.utils.data.DataLoader(Share(), batch_size=2, num_workers=2))

    check(case)


def test_random_numbers_in_workers():
    def case(T):
        class Draws(T.utils.data.Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                info = T.utils.data.get_worker_info()
                return (info.id, info.num_workers, info.seed, T.initial_seed(), T.get_num_threads(), T.rand(2),
                        random.random(), float(np.random.rand()))  # fmt: skip

        T.manual_seed(5)
        return list(T.utils.data.DataLoader(Draws(), batch_size=None, num_workers=2)), T.rand(1)

    check(case)


def test_worker_init_fn():
    def case(T):
        def prepare(worker_id):
            T.utils.data.get_worker_info().dataset.offset = 100 * (worker_id + 1)

        class Offset(T.utils.data.Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                return i + self.offset

        return list(T.utils.data.DataLoader(Offset(), num_workers=2, worker_init_fn=prepare))

    check(case)


SAMPLERS = {
    "random": lambda T: T.utils.data.RandomSampler(range(11), generator=generator(T)),
    "random, fewer": lambda T: T.utils.data.RandomSampler(range(11), num_samples=4, generator=generator(T)),
    "random, more": lambda T: T.utils.data.RandomSampler(range(11), num_samples=30, generator=generator(T)),
    "random, whole rounds": lambda T: T.utils.data.RandomSampler(range(5), num_samples=10, generator=generator(T)),
    "replacement": lambda T: T.utils.data.RandomSampler(range(11), True, generator=generator(T)),
    "replacement, more": lambda T: T.utils.data.RandomSampler(range(11), True, 75, generator=generator(T)),
    "random, default generator": lambda T: T.utils.data.RandomSampler(range(11)),
    "subset": lambda T: T.utils.data.SubsetRandomSampler([5, 6, 9], generator=generator(T)),
    "subset, default generator": lambda T: T.utils.data.SubsetRandomSampler([5, 6, 9]),
    "weights": lambda T: T.utils.data.WeightedRandomSampler([1, 2, 3.5], 9, generator=generator(T)),
    "weights, no replacement": lambda T: T.utils.data.WeightedRandomSampler([1, 2, 3.5], 3, False),
    "weights, too many": lambda T: T.utils.data.WeightedRandomSampler([1, 2, 3.5], 4, False),
    "sequential": lambda T: T.utils.data.SequentialSampler("abc"),
    "batches": lambda T: T.utils.data.BatchSampler(range(7), 3, False),
    "batches, drop_last": lambda T: T.utils.data.BatchSampler(range(7), 3, True),
    "replacement no bool": lambda T: T.utils.data.RandomSampler(range(3), 1),
    "no samples": lambda T: T.utils.data.RandomSampler(range(3), num_samples=0),
    "half a sample": lambda T: T.utils.data.RandomSampler(range(3), num_samples=1.5),
    "nothing to sample": lambda T: T.utils.data.RandomSampler([]),
    "weights, bool as number": lambda T: T.utils.data.WeightedRandomSampler([1], True),
    "weights, replacement no bool": lambda T: T.utils.data.WeightedRandomSampler([1], 1, 1),
    "weights, two rows": lambda T: T.utils.data.WeightedRandomSampler([[1], [1]], 1),
    "batches of none": lambda T: T.utils.data.BatchSampler([1], 0, False),
    "batches, bool as number": lambda T: T.utils.data.BatchSampler([1], True, False),
    "batches, drop_last no bool": lambda T: T.utils.data.BatchSampler([1], 1, 0),
    "base class": lambda T: T.utils.data.Sampler(),
    "base class with an argument": lambda T: T.utils.data.Sampler([1]),
}


@pytest.mark.parametrize("title", SAMPLERS)
def test_samplers(title):
    def case(T):
        T.manual_seed(2)
        sampler = SAMPLERS[title](T)
        return list(sampler), list(sampler), len(sampler), T.rand(1)

    check(case)


@pytest.mark.parametrize("n", [1, 2, 5, 12])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
def test_distributed_sampler(n, shuffle, drop_last):
    def case(T):
        found = []
        for rank in range(5):
            sampler = T.utils.data.DistributedSampler(range(n), 5, rank, shuffle, seed=4, drop_last=drop_last)
            found.append((list(sampler), len(sampler)))
            sampler.set_epoch(2)
            found.append(list(sampler))
        return found

    check(case)


# ---- datasets ----------------------------------------------------------------------------------------------------

DATASETS = {
    "rows": lambda T, D: list(D.TensorDataset(T.arange(6.0).view(3, 2), T.arange(3))),
    "rows by a slice": lambda T, D: D.TensorDataset(T.arange(3))[1:],
    "rows by a list": lambda T, D: D.TensorDataset(T.arange(3))[[2, 0]],
    "rows out of bounds": lambda T, D: D.TensorDataset(T.arange(3))[3],
    "rows of different lengths": lambda T, D: D.TensorDataset(T.arange(3), T.arange(4)),
    "rows of nothing": lambda T, D: len(D.TensorDataset()),
    "rows of no tensor": lambda T, D: D.TensorDataset(np.ones(2)),
    "stacked": lambda T, D: D.StackDataset([1, 2], "ab")[1],
    "stacked by name": lambda T, D: D.StackDataset(a=[1, 2], b="ab")[0],
    "stacked, batch": lambda T, D: D.StackDataset([1, 2, 3], "abc").__getitems__([2, 0]),
    "stacked by name, batch": lambda T, D: D.StackDataset(a=[1, 2, 3], b="abc").__getitems__([2, 0]),
    "stacked both ways": lambda T, D: D.StackDataset([1], a=[1]),
    "stacked none": lambda T, D: D.StackDataset(),
    "stacked, different lengths": lambda T, D: D.StackDataset([1], [1, 2]),
    "stacked, different lengths by name": lambda T, D: D.StackDataset(a=[1], b=[1, 2]),
    "concatenated": lambda T, D: [D.ConcatDataset(["ab", "c", "de"])[i] for i in range(-5, 5)],
    "concatenated, lengths": lambda T, D: D.ConcatDataset(["ab", "c"]).cumulative_sizes,
    "concatenated, old name": lambda T, D: D.ConcatDataset(["ab", "c"]).cummulative_sizes,
    "concatenated, before the start": lambda T, D: D.ConcatDataset(["ab"])[-3],
    "concatenated, after the end": lambda T, D: D.ConcatDataset(["ab"])[2],
    "concatenated none": lambda T, D: D.ConcatDataset([]),
    "concatenated stream": lambda T, D: D.ConcatDataset([stream(T)]),
    "sum of datasets": lambda T, D: list(squares(T, 2) + squares(T, 3)),
    "sum of streams": lambda T, D: list(stream(T) + stream(T)),
    "length of a sum of streams": lambda T, D: len(stream(T, 5, 5) + stream(T, 5, 2)),
    "chain of no streams": lambda T, D: list(D.ChainDataset([[1]])),
    "base class": lambda T, D: D.Dataset()[0],
    "base class, length": lambda T, D: len(D.Dataset()),
    "stream without __iter__": lambda T, D: D.IterableDataset(),
    "subset": lambda T, D: list(D.Subset(squares(T), [5, 2])),
    "subset, batch": lambda T, D: D.Subset(squares(T), [5, 2, 7]).__getitems__([2, 0]),
    "subset by a list": lambda T, D: D.Subset(T.arange(9), [5, 2, 7])[[2, 0]],
    "split": lambda T, D: [p.indices for p in D.random_split(range(10), [3, 7], generator(T))],
    "split by fractions": lambda T, D: [p.indices for p in D.random_split(range(10), [0.35, 0.4, 0.25], generator(T))],
    "split, default generator": lambda T, D: [p.indices for p in D.random_split(range(10), [0.5, 0.5])],
    "split, empty part": lambda T, D: [p.indices for p in D.random_split(range(1), [0.5, 0.5], generator(T))],
    "split, wrong sum": lambda T, D: D.random_split(range(10), [3, 6]),
    "split, wrong fractions": lambda T, D: D.random_split(range(10), [0.5, 0.6]),
    "split, negative fraction": lambda T, D: D.random_split(range(10), [1.5, -0.5]),
}  # fmt: skip


@pytest.mark.parametrize("title", DATASETS)
def test_datasets(title):
    def case(T):
        T.manual_seed(4)
        return DATASETS[title](T, T.utils.data)

    check(case)


def test_subset_that_overrides_one_method_only():
    def case(T):
        class Half(T.utils.data.Subset):
            def __getitem__(self, i):
                return 7

        return Half([1], [0])

    check(case)


def test_nested_batch_of_another_length():
    def case(T):
        class Short(T.utils.data.Dataset):
            def __len__(self):
                return 3

            def __getitem__(self, i):
                return i

            def __getitems__(self, indices):
                return indices[:1]

        return T.utils.data.StackDataset(Short(), Short()).__getitems__([0, 1])

    check(case)


# ---- batches -----------------------------------------------------------------------------------------------------

BATCHES = {
    "ints": [1, 2],
    "floats": [1.0, 2.0],
    "bools": [True, False],
    "int and bool": [1, True],
    "float and int": [1.0, 2],
    "int and float": [1, 2.5],
    "int and text": [1, "a"],
    "big int": [2**70],
    "text": ["a", "b"],
    "bytes": [b"a"],
    "text and int": ["a", 1],
    "complex": [1j],
    "none": [None],
    "set": [{1}],
    "empty": [],
    "tuples": [(1, 2.0), (3, 4.0)],
    "lists": [[1, 2], [3, 4]],
    "empty lists": [[], []],
    "empty tuple": [()],
    "empty dict": [{}],
    "uneven": [(1, 2), (1,)],
    "named tuples": [Point(1, "a"), Point(3, "b")],
    "nested": [Point([1], {"a": (1, 2)}), Point([2], {"a": (3, 4)})],
    "dicts": [{"a": 1, "b": "x"}, {"b": "y", "a": 2}],
    "missing key": [{"a": 1}, {"b": 1}],
    "ordered dict": [collections.OrderedDict(a=1)],
    "default dict": [collections.defaultdict(int, a=1)],
    "user dict": [collections.UserDict(a=1)],
    "user list": [collections.UserList([1, 2]), collections.UserList([3, 4])],
    "range": [range(2), range(2)],
    "deque": [collections.deque([1, 2])],
    "typed array": [array.array("d", [1, 2])],
    "arrays": [np.ones(2), np.zeros(2)],
    "arrays of different shapes": [np.ones(2), np.ones(3)],
    "0-d arrays": [np.ones(()), np.ones(())],
    "int16 array": [np.ones(2, np.int16)],
    "reversed array": [np.ones(2)[::-1]],
    "array of text": [np.array(["a"])],
    "array of objects": [np.array(None)],
    "float64": [np.float64(1), np.float64(2)],
    "float32": [np.float32(1)],
    "int16": [np.int16(3), np.int16(4)],
    "bool_": [np.bool_(True)],
    "str_": [np.str_("a")],
    "datetime64": [np.datetime64("2020")],
}


@pytest.mark.parametrize("title", BATCHES)
def test_default_collate(title):
    check(lambda T: T.utils.data.default_collate(BATCHES[title]))


@pytest.mark.parametrize("title", [title for title in BATCHES if title != "typed array"])
def test_default_convert(title):
    check(lambda T: [T.utils.data.default_convert(sample) for sample in BATCHES[title]])


def test_default_convert_names_the_dtypes_it_takes():
    check(lambda T: T.utils.data.default_convert(np.datetime64("2020")))


TENSOR_BATCHES = {
    "same shapes": lambda T: [T.ones(2), T.zeros(2)],
    "different shapes": lambda T: [T.ones(2), T.zeros(3)],
    "different dtypes": lambda T: [T.ones(2), T.zeros(2, dtype=T.int64)],
    "0-d": lambda T: [T.tensor(1), T.tensor(2)],
    "tensor and int": lambda T: [T.tensor(1), 2],
    "int and tensor": lambda T: [1, T.tensor(2)],
    "bfloat16": lambda T: [T.ones(2, dtype=T.bfloat16)],
    "with gradient": lambda T: [T.ones(2, requires_grad=True) * 2],
    "no elements": lambda T: [T.ones(0, 3), T.ones(0, 3)],
}


@pytest.mark.parametrize("title", TENSOR_BATCHES)
def test_default_collate_of_tensors(title):
    check(lambda T: T.utils.data.default_collate(TENSOR_BATCHES[title](T)))


def test_collate_with_a_table_of_one_s_own():
    def case(T):
        collate = T.utils.data._utils.collate

        def union(batch, *, collate_fn_map=None):
            return sorted(set().union(*batch))

        table = {**collate.default_collate_fn_map, set: union}
        return collate.collate([({1}, 2), ({3}, 4)], collate_fn_map=table)

    check(case)


@pytest.mark.parametrize("indices", [[0, 2], [-1, 0], [3], [-4], [True, False], []])
@pytest.mark.parametrize("in_subset", [False, True])
def test_batches_of_rows(indices, in_subset):
    def case(T):
        dataset = T.utils.data.TensorDataset(T.arange(6.0).view(3, 2), T.arange(3))
        if in_subset:
            dataset = T.utils.data.Subset(dataset, [2, 1, 0])
        return list(T.utils.data.DataLoader(dataset, batch_sampler=[indices]))

    check(case)


def test_rows_that_need_a_gradient():
    def case(T):
        x = T.arange(3.0, requires_grad=True)
        (batch,) = next(iter(T.utils.data.DataLoader(T.utils.data.TensorDataset(x), batch_size=2)))
        batch.sum().backward()
        return x.grad

    check(case)


# ---- settings ----------------------------------------------------------------------------------------------------

REFUSED = {
    "negative workers": {"num_workers": -1},
    "negative timeout": {"timeout": -1},
    "prefetch without workers": {"prefetch_factor": 2},
    "negative prefetch": {"prefetch_factor": -1, "num_workers": 1},
    "no prefetch": {"prefetch_factor": 0, "num_workers": 1},
    "persistent without workers": {"persistent_workers": True},
    "sampler and shuffle": {"sampler": [1], "shuffle": True},
    "batch_sampler and batch_size": {"batch_sampler": [[1]], "batch_size": 2},
    "batch_sampler and shuffle": {"batch_sampler": [[1]], "shuffle": True},
    "batch_sampler and sampler": {"batch_sampler": [[1]], "sampler": [1]},
    "batch_sampler and drop_last": {"batch_sampler": [[1]], "drop_last": True},
    "drop_last without batches": {"batch_size": None, "drop_last": True},
    "context without workers": {"multiprocessing_context": "spawn"},
    "unknown context": {"multiprocessing_context": "thread", "num_workers": 1},
    "no context": {"multiprocessing_context": 3, "num_workers": 1},
    "empty batches": {"batch_size": 0},
    "fraction of a batch": {"batch_size": 2.5},
    "timeout without workers": {"timeout": 3},
    "too many workers": {"num_workers": 1000, "batch_size": 0},
    "pin_memory": {"pin_memory": True},
    "pin_memory_device": {"pin_memory_device": "cuda"},
    "pin_memory and device": {"pin_memory": True, "pin_memory_device": "cuda"},
    "pin_memory in workers": {"pin_memory": True, "pin_memory_device": "cuda", "num_workers": 1},
    "several mistakes": {"num_workers": -1, "timeout": -1},
    "several others": {"sampler": [1], "shuffle": True, "batch_size": None, "drop_last": True},
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyTorch's half-made iterator
@pytest.mark.parametrize("title", REFUSED)
def test_settings_that_contradict_each_other(title):
    check(lambda T: list(T.utils.data.DataLoader(squares(T), **REFUSED[title])))


@pytest.mark.parametrize("name", ["shuffle", "sampler", "batch_sampler"])
@pytest.mark.parametrize("value", [False, True, [[0]]])
def test_settings_refused_for_streams(name, value):
    check(lambda T: list(T.utils.data.DataLoader(stream(T), **{name: value})))


def test_more_workers_than_cores():
    check(lambda T: len(T.utils.data.DataLoader(squares(T), num_workers=1000)))
    one_more = len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else os.cpu_count() + 1
    check(lambda T: list(T.utils.data.DataLoader(squares(T), num_workers=one_more)))


FIXED = ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]


@pytest.mark.parametrize("name", [*FIXED, "num_workers", "collate_fn", "timeout", "anything"])
def test_attributes_that_are_fixed(name):
    def case(T):
        loader = T.utils.data.DataLoader(squares(T))
        setattr(loader, name, None)

    check(case)


def test_attributes():
    def case(T):
        loader = T.utils.data.DataLoader(squares(T), batch_size=3, num_workers=1)
        names = sorted(name for name in vars(loader) if not name.startswith("_"))
        objects = {"dataset", "sampler", "batch_sampler", "collate_fn"}
        values = [getattr(loader, name) for name in names if name not in objects]
        return names, values, loader.multiprocessing_context, type(loader.sampler).__name__, loader.collate_fn.__name__

    check(case)


@pytest.mark.parametrize(("length", "batch_size", "drop_last"), [(3, 1, 0), (5, 2, 0), (5, 2, 1), (2, None, 0)])
@pytest.mark.parametrize("workers", [0, 1])
def test_length_of_a_stream(length, batch_size, drop_last, workers):
    def case(T):
        dataset = stream(T, 5, length)
        loader = T.utils.data.DataLoader(dataset, batch_size, drop_last=bool(drop_last), num_workers=workers)
        return len(loader), list(loader), len(iter(loader))

    check(case)


def test_length_of_a_stream_without_one():
    check(lambda T: len(T.utils.data.DataLoader(stream(T))))
