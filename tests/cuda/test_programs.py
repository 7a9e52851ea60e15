"""The programs of tests/programs on a real GPU: the tests of tests/cuda_stand_in, with CuPy itself."""

import test_programs_on_device

globals().update({name: value for name, value in vars(test_programs_on_device).items() if name.startswith("test_")})
