// Activations and their gradients, fused: one pass over memory where a formula in array operations makes one each step.
//
// All have the shape out = f(x) or, backward, out = g · f'(x): flat arrays of n elements, any launch size.
#include "activations.cuh"
#include "elementwise.cuh"

#define ACTIVATION(name)                                                                                      \
    extern "C" __global__ void name##_forward(const T* x, T* out, int n)                                      \
    {                                                                                                         \
        each([](Acc x) { return name::value(x); }, n, out, x);                                                \
    }                                                                                                         \
    extern "C" __global__ void name##_backward(const T* g, const T* x, T* out, int n)                         \
    {                                                                                                         \
        each([](Acc g, Acc x) { return g * name::slope(x); }, n, out, g, x);                                  \
    }

ACTIVATION(relu)
ACTIVATION(gelu)
ACTIVATION(gelu_tanh)
ACTIVATION(silu)
ACTIVATION(sigmoid)
ACTIVATION(hyperbolic)

// x + factor · y · z: what Adagrad-like formulas, gates and residual connections are made of.
extern "C" __global__ void add_product(const T* x, const T* y, const T* z, T* out, Acc factor, int n)
{
    each([=](Acc x, Acc y, Acc z) { return x + factor * y * z; }, n, out, x, y, z);
}
