// A layer's bias, for all rows of its result: alone, and with the activation behind it in one pass.
//
//     out[r, c] = bias[c]        what cuBLAS then adds a product to, while it writes it
//     out[r, c] = f(x[r, c] + bias[c])
//
// Backward needs x + bias once more; it is cheaper to add it again than to have stored it.
//
// As in elementwise.cuh threads move 16 bytes at once, where no such piece reaches over the end of a row. The bias is
// read again for every row, but it is small and stays in the caches: memory sees x and out only.
#include "activations.cuh"
#include "elementwise.cuh"

template <class F, class... Inputs>
__device__ void with_bias(F f, const T* bias, T* out, int n, int columns, const Inputs*... in)
{
    bool wide = columns % PACK == 0 && starts_well(bias) && starts_well(out) && (starts_well(in) && ...);
    int packs = wide ? n / PACK : 0, packs_of_row = columns / PACK;
    for (int p = thread_number(); p < packs; p += thread_count())
        ((Pack*)out)[p] = applied(f, ((const Pack*)bias)[p % packs_of_row], ((const Pack*)in)[p]...);
    for (int i = packs * PACK + thread_number(); i < n; i += thread_count())
        out[i] = T(f(Acc(bias[i % columns]), Acc(in[i])...));
}

struct Itself {
    __device__ Acc operator()(Acc bias) const { return bias; }
};

template <class Function> struct Value {
    __device__ Acc operator()(Acc bias, Acc x) const { return Function::value(x + bias); }
};

template <class Function> struct Gradient {
    __device__ Acc operator()(Acc bias, Acc g, Acc x) const { return Function::passed(g, Function::slope(x + bias)); }
};

extern "C" __global__ void bias_rows(const T* bias, T* out, int n, int columns)
{
    with_bias(Itself(), bias, out, n, columns);
}

#define WITH_BIAS(name)                                                                                              \
    extern "C" __global__ void bias_##name##_forward(const T* x, const T* bias, T* out, int n, int columns)          \
    {                                                                                                                \
        with_bias(Value<name>(), bias, out, n, columns, x);                                                          \
    }                                                                                                                \
    extern "C" __global__ void bias_##name##_backward(const T* g, const T* x, const T* bias, T* out, int n,          \
                                                      int columns)                                                   \
    {                                                                                                                \
        with_bias(Gradient<name>(), bias, out, n, columns, g, x);                                                    \
    }

WITH_BIAS(relu)
WITH_BIAS(gelu)
WITH_BIAS(gelu_tanh)
WITH_BIAS(silu)
