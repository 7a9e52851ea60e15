// A layer's bias and its activation in one pass: out[r, c] = f(x[r, c] + bias[c]).
//
// Backward needs x + bias once more; it is cheaper to add it again than to have stored it.
#include "activations.cuh"

template <class F>
__device__ void forward(const T* x, const T* bias, T* out, int n, int columns)
{
    for (int i = thread_number(); i < n; i += thread_count()) out[i] = T(F::value(Acc(x[i]) + Acc(bias[i % columns])));
}

template <class F>
__device__ void backward(const T* g, const T* x, const T* bias, T* out, int n, int columns)
{
    for (int i = thread_number(); i < n; i += thread_count())
        out[i] = T(Acc(g[i]) * F::slope(Acc(x[i]) + Acc(bias[i % columns])));
}

#define WITH_BIAS(name)                                                                                              \
    extern "C" __global__ void bias_##name##_forward(const T* x, const T* bias, T* out, int n, int columns)         \
    {                                                                                                               \
        forward<name>(x, bias, out, n, columns);                                                                    \
    }                                                                                                               \
    extern "C" __global__ void bias_##name##_backward(const T* g, const T* x, const T* bias, T* out, int n,         \
                                                      int columns)                                                  \
    {                                                                                                               \
        backward<name>(g, x, bias, out, n, columns);                                                                \
    }

WITH_BIAS(relu)
WITH_BIAS(gelu)
WITH_BIAS(gelu_tanh)
WITH_BIAS(silu)
