"""torch.nn.functional: behaviour of losses that PyTorch's operator database does not show."""

import math

import pytest


def test_cross_entropy_where_every_target_is_ignored_is_nan(torch):
    loss = torch.nn.functional.cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100]))
    assert math.isnan(loss.item())


def test_cross_entropy_of_class_numbers_and_of_one_hot_probabilities_agree(torch):
    functional = torch.nn.functional
    torch.manual_seed(0)
    scores, classes = torch.randn(4, 3, 2), torch.tensor([[0, 2], [1, 1], [2, 0], [0, 1]])
    chances = functional.one_hot(classes, 3).permute(0, 2, 1).float()
    for smoothing in (0.0, 0.2):
        by_number = functional.cross_entropy(scores, classes, label_smoothing=smoothing)
        by_chance = functional.cross_entropy(scores, chances, label_smoothing=smoothing)
        assert math.isclose(by_number.item(), by_chance.item(), rel_tol=1e-5)


def test_extreme_logits_give_finite_losses(torch):
    functional = torch.nn.functional
    logits = torch.tensor([1000.0, -1000.0], requires_grad=True)
    loss = functional.binary_cross_entropy_with_logits(logits, torch.tensor([0.0, 1.0]))
    loss.backward()
    assert loss.item() == 1000 and logits.grad.tolist() == [0.5, -0.5]
    assert functional.cross_entropy(torch.tensor([[1e4, -1e4]]), torch.tensor([1])).item() == 2e4


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda f, t: f.cross_entropy(t.ones(2, 3), t.tensor([1, 3])), IndexError, "Target 3 is out of bounds."),
        (lambda f, t: f.mse_loss(t.ones(1), t.ones(1), reduction="max"), ValueError, "max is not a valid value"),
        (lambda f, t: f.binary_cross_entropy(t.tensor([2.0]), t.tensor([1.0])), RuntimeError, "between 0 and 1"),
        (lambda f, t: f.linear(t.ones(2, 3), t.ones(4, 5)), RuntimeError, "cannot be multiplied (2x3 and 5x4)"),
        (lambda f, t: f.conv2d(t.ones(1, 3, 5, 5), t.ones(4, 2, 3, 3)), RuntimeError, "to have 2 channels, but got 3"),
        (lambda f, t: f.layer_norm(t.ones(2, 3), (4,)), RuntimeError, "Given normalized_shape=[4], expected input"),
        (lambda f, t: f.embedding(t.tensor([5]), t.ones(3, 2)), IndexError, "index out of range in self"),
        (lambda f, t: f.max_pool2d(t.ones(1, 3, 5, 5), 6), RuntimeError, "Output size is too small"),
        (lambda f, t: f.softmax(t.ones(3).long(), 0), NotImplementedError, "not implemented for 'Long'"),
    ],
)
def test_mistakes_are_named_as_pytorch_names_them(torch, call, error, text):
    with pytest.raises(error) as caught:
        call(torch.nn.functional, torch)
    assert text in str(caught.value)


def test_ctc_loss_counts_every_alignment(torch):
    chances = torch.tensor([[[0.4, 0.6]], [[0.3, 0.7]]])  # two steps, one sample, blank and one label
    loss = torch.nn.functional.ctc_loss(chances.log(), torch.tensor([[1]]), (2,), (1,), reduction="sum")
    ways = 0.6 * 0.7 + 0.6 * 0.3 + 0.4 * 0.7  # aa, a-, -a
    assert math.isclose(loss.item(), -math.log(ways), rel_tol=1e-5)
