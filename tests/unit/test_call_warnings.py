"""Calls that PyTorch warns about warn at the line that makes them."""

from __future__ import annotations

import pytest

import course_lib as torch

CALLS = {
    "p.add_(-1, p)": "This overload of add_ is deprecated",
    "torch.sub(p, 2, p)": "This overload of sub is deprecated",
    "p.addcmul_(2.0, p, p)": "This overload of addcmul_ is deprecated",
    "p.addcdiv(2, p, p)": "This overload of addcdiv is deprecated",
    "float(p[0].requires_grad_())": "Converting a tensor with requires_grad=True to a scalar",
    "torch.ones(3, 3)[[[0, 1], [0, 1]]]": "Using a non-tuple sequence for multidimensional indexing",
    "p.T": "The use of `x.T` on tensors of dimension other than 2",
    "torch.tensor(1.0).mT": "Tensor.mT is deprecated on 0-D tensors",
    "torch.tensor([p.numpy()])": "Creating a tensor from a list of numpy.ndarrays is extremely slow",
    "p.new_tensor(p)": "To copy construct from a tensor",
    "torch.nn.functional.mse_loss(p, p[None])": "Using a target size",
    "torch.nn.MSELoss()(p, p[None])": "Using a target size",
    "torch.nn.functional.kl_div(p, p)": "'mean' divides the total loss by both",
    "torch.nn.functional.grid_sample(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 1, 2))": "Default grid_sample",
    "torch.meshgrid(p, p)": "required to pass the indexing argument",
    "torch.cross(torch.ones(3), torch.ones(3))": "without specifying the dim arg is deprecated",
    "torch.chain_matmul(torch.ones(2, 2), torch.ones(2, 2))": "torch.chain_matmul is deprecated",
    "torch.set_default_tensor_type(torch.FloatTensor)": "deprecated as of PyTorch 2.1",
    "torch.where(p.byte(), p, p)": "where received a uint8 condition tensor",
    "p[p.byte()]": "indexing with dtype torch.uint8 is now deprecated",
    "torch.range(0, 3)": "torch.range is deprecated",
    "p[:1].var()": "degrees of freedom is <= 0",
    "torch.add(p, p, out=torch.ones(3))": "An output with one or more elements was resized",
}


@pytest.mark.parametrize(("call", "text"), CALLS.items())
def test_the_warning_names_the_line_of_the_call(call, text):
    with pytest.warns(UserWarning, match=text) as caught:
        exec(compile(call, "<the program>", "exec"), {"torch": torch, "p": torch.ones(2)})
    assert [w.filename for w in caught if w.category is UserWarning] == ["<the program>"]
