"""GPT-2 (tests/programs/gpt2.py) with weights that Hugging Face's transformers saved: equal logits, loss, continuation.

The checkpoint is randomly initialised, so nothing is downloaded. It is read by course_lib itself, as .pt and as
safetensors, and what course_lib saves is read by PyTorch and transformers again.
"""

from __future__ import annotations

import numpy as np
import pytest
from gpt2 import Config, define

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")
transformers = pytest.importorskip("transformers", reason="transformers is not installed (extra `parity`)")

SIZES = {"vocab_size": 101, "n_positions": 24, "n_embd": 32, "n_layer": 3, "n_head": 4}


@pytest.fixture(scope="module")
def theirs():
    """transformers' model, its weights enlarged so that logits differ clearly."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(**SIZES, bos_token_id=None, eos_token_id=None)
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape), alpha=0.15)
    return model


@pytest.fixture(scope="module", params=["pt", "safetensors"])
def checkpoint(request, theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("gpt2") / f"weights.{request.param}"
    if request.param == "pt":
        torch.save(theirs.state_dict(), path)
    else:
        safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
        safetensors.save_model(theirs, str(path))  # of the tied weight it keeps one name
    return path


def model_with(library, path):
    model = define(library)(Config(**SIZES))
    missing, unexpected = model.load_state_dict(library.load(path), strict=path.suffix == ".pt")
    assert not unexpected and set(missing) < {"lm_head.weight", "transformer.wte.weight"}  # one tensor by two names
    return model.eval()


IDS = np.random.default_rng(0).integers(0, SIZES["vocab_size"], (2, 16))


@pytest.mark.parametrize("library", [course_lib, torch], ids=["course_lib", "torch"])
def test_logits_and_loss(library, theirs, checkpoint):
    expected = theirs(torch.from_numpy(IDS), labels=torch.from_numpy(IDS))
    ids = library.from_numpy(IDS)
    logits, loss = model_with(library, checkpoint)(ids, labels=ids)
    assert expected.logits.std() > 0.5  # there is something to compare
    np.testing.assert_allclose(logits.detach().numpy(), expected.logits.detach().numpy(), rtol=1e-4, atol=1e-4)
    assert loss.item() == pytest.approx(expected.loss.item(), rel=1e-4)


def test_gradients(theirs, checkpoint):
    ids = torch.from_numpy(IDS)
    theirs.zero_grad()
    theirs(ids, labels=ids).loss.backward()
    ours = model_with(course_lib, checkpoint)
    ours(course_lib.from_numpy(IDS), labels=course_lib.from_numpy(IDS))[1].backward()
    expected = {name: weight.grad.numpy() for name, weight in theirs.named_parameters()}
    found = {name: weight.grad.numpy() for name, weight in ours.named_parameters()}
    assert found.keys() == expected.keys()
    for name, grad in found.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-3, atol=1e-4 * abs(expected[name]).max(), err_msg=name)


def test_continuation(theirs, checkpoint):
    prompt = IDS[:1, :5]
    expected = theirs.generate(torch.from_numpy(prompt), max_new_tokens=12, do_sample=False)
    got = model_with(course_lib, checkpoint).generate(course_lib.from_numpy(prompt), 12)
    assert got.tolist() == expected.tolist()


def test_saved_by_course_lib(theirs, checkpoint, tmp_path):
    """Keys, shapes and numbers survive the way there and back."""
    ours = model_with(course_lib, checkpoint)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    course_lib.save(ours.state_dict(), tmp_path / "ours.pt")
    again = transformers.GPT2LMHeadModel(theirs.config).eval()
    again.load_state_dict(torch.load(tmp_path / "ours.pt"))
    ids = torch.from_numpy(IDS)
    assert torch.equal(again(ids).logits, theirs(ids).logits)
