"""The programs of tests/programs with a GPU as default device say what PyTorch says on the CPU."""

import re

import pytest
from program_cases import cases, outcome

import course_lib

NO_LOOK = "on a GPU nobody waits to see that a divisor is zero"
# What is different on a GPU, in PyTorch too.
DIFFERENT = {
    "amp: checkpointing computes again as it was": "uses the autocast of the CPU",
    "amp: decorators": "uses the autocast of the CPU",
    "amp: dtypes of results": "uses the autocast of the CPU",
    "amp: the mode": "asks for the autocast of the CPU",
    "amp: training a step": "uses the autocast of the CPU",
    "containers: ParameterDict": "prints the device of each parameter",
    "containers: ParameterList": "prints the device of each parameter",
    "layers: initial weights of a seed": "reads the weights with numpy()",
    "layers: refusals of losses": "on a GPU nobody waits to see that a number is outside 0 and 1",
    "custom_ops: an operation of one's own": "computes with NumPy",
    "custom_ops: operations that are defined by their schema": "implements an operation for the CPU only",
    "meta_device: tensors without numbers": "prints devices",
    "meta_device: what has no numbers cannot be read": "names the CPU as the other device",
    "objects: older constructors": "prints types, which name the device",
    "optim: settings outside their range": "capturable works on a GPU",
    "packed_sequences: PackedSequence by hand": "makes batch_sizes, which must lie on the CPU",
    "python_protocols: NumPy's functions give tensors back": "NumPy refuses tensors of a GPU",
    "tensors: torch.tensor(5)%0": NO_LOOK,
    "tensors: torch.tensor([1.,float('nan'),float('inf')]).isnan(), torch.tensor(...": NO_LOOK,
    "tensors: torch.zeros(2).requires_grad_().numpy()": "numpy() refuses tensors of a GPU",
}


def without_device(text: str) -> str:
    """The text without the device in it, and with one blank for each gap: a device changes where lines break."""
    text = re.sub(r",\s*device='cuda:0'", "", text)
    return re.sub(r"\s+", " ", text).replace("cuda:0", "cpu").replace("cuda", "cpu").replace("torch.cpu.", "torch.")


@pytest.mark.usefixtures("numbers_of_the_cpu")
@pytest.mark.parametrize(("program", "text"), [pytest.param(program, text, id=name) for name, program, text in cases()
                                               if name not in DIFFERENT])  # fmt: skip
def test_program_says_the_same_on_a_gpu(program, text):
    with course_lib.device("cuda"):
        said = outcome(course_lib, program)
    assert without_device(said) == without_device(text)


def test_no_exception_is_out_of_date():
    assert DIFFERENT.keys() <= {name for name, _, _ in cases()}
