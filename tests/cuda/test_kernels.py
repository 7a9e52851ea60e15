"""The tests of all kernels' values (tests/cuda_kernels), on a real GPU."""

import test_values

make = test_values.make  # the fixture
globals().update({name: value for name, value in vars(test_values).items() if name.startswith("test_")})
