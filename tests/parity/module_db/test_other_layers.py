"""Layers that PyTorch's module database leaves out, compared in the same way."""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: there is nothing to compare with")
pytest.importorskip("expecttest", reason="the module database of PyTorch needs the package expecttest")
common_modules = pytest.importorskip("torch.testing._internal.common_modules")
samples = pytest.importorskip("module_db.samples")


def numbers(*shape, low=-2.0, high=2.0):
    return lambda dtype: (torch.rand(shape, dtype=torch.float64) * (high - low) + low).to(dtype).requires_grad_()


def whole(*shape, below):
    return lambda dtype: torch.randint(below, shape)


def make_sample(args, kwargs, values):
    function_input = common_modules.FunctionInput
    return common_modules.ModuleInput(function_input(*args, **kwargs), function_input(*values))


def signs(*shape):
    return lambda dtype: (torch.randint(2, shape) * 2 - 1).to(dtype)


def given(value):
    return lambda dtype: value


CASES = [  # (the layer, its inputs)
    ("Identity(3)", numbers(2, 3)),
    ("Dropout(0.3)", numbers(5, 7)),
    ("Dropout(1.0)", numbers(5, 7)),
    ("Dropout1d(0.4)", numbers(3, 4, 2)),
    ("Dropout1d(0.4)", numbers(4, 2)),
    ("Dropout2d(0.4)", numbers(3, 4, 2, 2)),
    ("Dropout3d(0.4)", numbers(3, 4, 2, 2, 1)),
    ("Dropout3d(0.4)", numbers(4, 2, 2, 1)),
    ("AlphaDropout(0.4)", numbers(5, 7)),
    ("FeatureAlphaDropout(0.4)", numbers(3, 5, 2)),
    ("RReLU(0.1, 0.4)", numbers(4, 5)),
    ("Hardsigmoid()", numbers(4, 5, low=-5, high=5)),
    ("Softmax2d()", numbers(3, 4, 5)),
    ("GELU('tanh')", numbers(4, 5)),
    ("SyncBatchNorm(4)", numbers(5, 4)),
    ("SyncBatchNorm(4, momentum=None, bias=False)", numbers(2, 4, 3, 3, 2)),
    ("BatchNorm2d(4, momentum=None)", numbers(2, 4, 3, 3)),
    ("BatchNorm1d(4, track_running_stats=False)", numbers(3, 4)),
    ("LazyBatchNorm1d()", numbers(5, 4)),
    ("LazyBatchNorm3d(affine=False)", numbers(2, 4, 3, 2, 2)),
    ("LazyInstanceNorm2d()", numbers(2, 4, 3, 3)),
    ("LazyInstanceNorm1d(track_running_stats=False)", numbers(2, 4, 3)),
    ("LazyLinear(5)", numbers(2, 4)),
    ("InstanceNorm1d(4, affine=True, track_running_stats=True)", numbers(4, 6)),
    ("LocalResponseNorm(4, 0.1, 0.5, 2.0)", numbers(2, 6, 3)),
    ("RMSNorm((3, 4), 0.1)", numbers(2, 3, 4)),
    ("MaxPool2d(2, return_indices=True)", numbers(2, 3, 5, 6)),
    ("MaxPool3d((1, 2, 2), (2, 1, 1), (0, 1, 1), ceil_mode=True)", numbers(2, 3, 4, 5, 5)),
    ("MaxUnpool1d(2)", numbers(1, 2, 3), given(torch.tensor([[[0, 3, 4], [1, 2, 5]]]))),
    ("MaxUnpool2d(2)", numbers(1, 1, 2, 2), given(torch.tensor([[[[0, 3], [9, 14]]]]))),
    ("MaxUnpool3d((1, 2, 2))", numbers(1, 1, 1, 2, 2), given(torch.tensor([[[[[0, 3], [9, 14]]]]]))),
    ("AdaptiveMaxPool2d((3, None), True)", numbers(2, 3, 7, 4)),
    ("AdaptiveAvgPool3d((2, None, 3))", numbers(2, 3, 5, 4, 4)),
    ("FractionalMaxPool2d(2, output_size=3)", numbers(2, 3, 7, 8)),
    ("FractionalMaxPool3d(2, output_ratio=0.5)", numbers(2, 3, 6, 7, 8)),
    ("LPPool3d(3, 2)", numbers(2, 3, 4, 4, 4, low=0.1)),
    ("Fold((4, 5), 2)", numbers(2, 12, 12)),
    ("Fold(5, (2, 3), 1, 1, 2)", numbers(12, 9)),
    ("Unfold((2, 3), 1, 1, 2)", numbers(2, 3, 4, 5)),
    ("Flatten(0, 1)", numbers(2, 3, 4)),
    ("Unflatten(1, (2, -1))", numbers(3, 4)),
    ("PixelShuffle(2)", numbers(2, 8, 3, 2)),
    ("PixelUnshuffle(2)", numbers(2, 2, 4, 6)),
    ("ChannelShuffle(3)", numbers(2, 6, 3)),
    ("Upsample(5)", numbers(1, 2, 3)),
    ("Upsample(scale_factor=(1.5, 2.0), mode='bilinear')", numbers(1, 2, 3, 4)),
    ("Upsample(scale_factor=1.7, mode='bicubic', recompute_scale_factor=True)", numbers(1, 2, 4, 4)),
    ("Upsample((2, 3, 4), mode='trilinear', align_corners=True)", numbers(1, 2, 3, 3, 3)),
    ("UpsamplingNearest2d(scale_factor=2)", numbers(1, 2, 3, 3)),
    ("UpsamplingBilinear2d((5, 7))", numbers(1, 2, 3, 3)),
    ("Embedding(7, 3, padding_idx=2)", whole(4, 5, below=7)),
    ("Embedding(7, 3, max_norm=1.0, norm_type=1.0)", whole(4, 5, below=7)),
    ("Embedding(7, 3, scale_grad_by_freq=True)", whole(4, 5, below=7)),
    ("EmbeddingBag(7, 3)", whole(4, 5, below=7)),
    ("EmbeddingBag(7, 3, mode='sum', max_norm=1.0)", whole(4, 5, below=7)),
    ("EmbeddingBag(7, 3, mode='max', padding_idx=1)", whole(9, below=7), given(torch.tensor([0, 2, 2, 7]))),
    ("EmbeddingBag(7, 3, mode='sum')", whole(4, below=7), given(torch.tensor([0, 1])), numbers(4)),
    ("PairwiseDistance(1.0, keepdim=True)", numbers(4, 5), numbers(4, 5)),
    ("PairwiseDistance()", numbers(5), numbers(5)),
    ("CosineSimilarity()", numbers(4, 5, 2), numbers(4, 5, 2)),
    ("CosineSimilarity(0, 0.1)", numbers(4, 5), numbers(4, 1)),
    ("TripletMarginLoss(swap=True)", numbers(4, 5), numbers(4, 5), numbers(4, 5)),
    ("TripletMarginLoss(2.0, 1, reduction='none')", numbers(5), numbers(5), numbers(5)),
    ("TripletMarginWithDistanceLoss(swap=True)", numbers(4, 5), numbers(4, 5), numbers(4, 5)),
    ("GaussianNLLLoss(full=True)", numbers(4, 5), numbers(4, 5), numbers(4, 1, low=0.1)),
    ("GaussianNLLLoss()", numbers(4, 5), numbers(4, 5), given(0.5)),
    ("PoissonNLLLoss(False, True)", numbers(4, 5, low=0.1), numbers(4, 5, low=0.1, high=4)),
    ("KLDivLoss(reduction='batchmean', log_target=True)", numbers(4, 5), numbers(4, 5)),
    ("CrossEntropyLoss(label_smoothing=0.1, ignore_index=1)", numbers(6, 4), whole(6, below=4)),
    ("CrossEntropyLoss(label_smoothing=0.1)", numbers(6, 4), numbers(6, 4, low=0.1)),
    ("CosineEmbeddingLoss(0.1)", numbers(6, 4), numbers(6, 4), signs(6)),
    ("HingeEmbeddingLoss(0.5, reduction='sum')", numbers(6, 4), signs(6, 4)),
    ("AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], 2.0)", numbers(9, 8), given(torch.tensor([1, 2, 9, 3, 0, 5, 6, 7, 3]))),
    ("AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], 2.0, True)", numbers(8), given(torch.tensor(4))),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
@pytest.mark.filterwarnings("ignore")
def test_layer(case):
    call, *inputs = case
    name, _, arguments = call.partition("(")
    args, kwargs = eval(f"(lambda *args, **kwargs: (args, kwargs))({arguments}")
    found = samples.Findings()
    for dtype in (torch.float32, torch.float64):
        for training in (True, False):
            torch.manual_seed(3)
            values = [make(dtype) for make in inputs]
            sample = make_sample(args, kwargs, values)
            torch_class, twin_class = getattr(torch.nn, name), getattr(samples.course_lib.nn, name)
            samples.check_sample(torch_class, twin_class, sample, dtype, training, found)
    assert found.summary() == {}
    assert found.looked["forward[float32]"] == found.looked["gradient[float64]"] == 2


def test_log_probabilities_of_the_adaptive_softmax():
    results = []
    for library in (torch, samples.course_lib):
        library.manual_seed(0)
        layer = library.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 6], 2.0, True)
        x = library.randn(20, 8) * 3
        results.append((layer.log_prob(x), layer.predict(x), layer.predict(x[:1]), layer.predict(x[3:5])))
    assert samples.difference(*results) is None


def test_old_arguments_of_losses_warn():
    for name in ("MSELoss", "CrossEntropyLoss", "BCELoss", "KLDivLoss", "TripletMarginLoss"):
        for named in ({"size_average": False}, {"reduce": False}, {"size_average": True, "reduce": True}):
            seen = []
            for library in (torch, samples.course_lib):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    reduction = getattr(library.nn, name)(**named).reduction
                seen.append((reduction, [(w.category, str(w.message)) for w in caught]))
            assert seen[0] == seen[1]
