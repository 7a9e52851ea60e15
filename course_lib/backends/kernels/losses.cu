// Losses of two tensors, element by element: the sum over all elements in one pass over both, and the gradient in one.
//
// `value` is the loss of one element and `slope` its derivative by the first operand; by the second it is minus that,
// or `other_slope`. Every loss makes three kernels: `_each` keeps all elements, `_shares` adds them up, each block a
// share (total_of_shares in reductions.cu adds those), `_backward` multiplies the slope with the gradient that arrives,
// one number or one for each element. The loader asks for one loss (FUNCTIONS).
#include "block.cuh"
#include "elementwise.cuh"

struct squared_error {
    static __device__ Acc value(Acc a, Acc b, Acc) { return (a - b) * (a - b); }
    static __device__ Acc slope(Acc a, Acc b, Acc) { return 2 * (a - b); }
    static __device__ Acc other_slope(Acc a, Acc b, Acc c) { return -slope(a, b, c); }
};

struct huber_error {
    static __device__ Acc value(Acc a, Acc b, Acc delta)
    {
        Acc distance = fabs(a - b), half = Acc(0.5);
        return distance < delta ? half * distance * distance : delta * (distance - half * delta);
    }
    static __device__ Acc slope(Acc a, Acc b, Acc delta)
    {
        Acc x = a - b;
        return x < -delta ? -delta : x > delta ? delta : x;
    }
    static __device__ Acc other_slope(Acc a, Acc b, Acc delta) { return -slope(a, b, delta); }
};

struct smooth_absolute_error {
    static __device__ Acc value(Acc a, Acc b, Acc beta)
    {
        Acc distance = fabs(a - b), half = Acc(0.5);
        return distance < beta ? half * distance * distance / beta : distance - half * beta;
    }
    static __device__ Acc slope(Acc a, Acc b, Acc beta)
    {
        Acc x = (a - b) / beta;
        return x < -1 ? Acc(-1) : x > 1 ? Acc(1) : x;
    }
    static __device__ Acc other_slope(Acc a, Acc b, Acc beta) { return -slope(a, b, beta); }
};

// -b log a - (1 - b) log(1 - a), each logarithm at least -100.
struct bernoulli_surprise {
    static __device__ Acc floored(Acc x) { return x < -100 ? Acc(-100) : x; }
    static __device__ Acc value(Acc a, Acc b, Acc) { return (b - 1) * floored(log1p(-a)) - b * floored(log(a)); }
    static __device__ Acc slope(Acc a, Acc b, Acc)
    {
        Acc spread = (1 - a) * a, least = Acc(1e-12);
        return (a - b) / (spread < least ? least : spread);
    }
    static __device__ Acc other_slope(Acc a, Acc, Acc) { return floored(log(1 - a)) - floored(log(a)); }
};

// The same of a = sigmoid(x): (1 - t) x - log sigmoid(x), where an exponential cannot overflow.
struct logit_surprise {
    static __device__ Acc value(Acc x, Acc t, Acc)
    {
        Acc log_share = (x < 0 ? x : x != x ? x : Acc(0)) - log1p(exp(-fabs(x)));
        return (1 - t) * x - log_share;
    }
    static __device__ Acc slope(Acc x, Acc t, Acc) { return 1 / (1 + exp(-x)) - t; }
    static __device__ Acc other_slope(Acc x, Acc, Acc) { return -x; }
};

// Sums of packs in as many numbers as a pack has, so that an addition need not wait for the one before.
template <class F> __device__ Acc sum_of(F f, const T* a, const T* b, int n)
{
    int packs = starts_well(a) && starts_well(b) ? n / PACK : 0;
    Acc sums[PACK] = {};
#pragma unroll 2
    for (int p = thread_number(); p < packs; p += thread_count()) {
        Pack one = ((const Pack*)a)[p], other = ((const Pack*)b)[p];
        for (int k = 0; k < PACK; ++k) sums[k] += f(Acc(one.at[k]), Acc(other.at[k]));
    }
    for (int i = packs * PACK + thread_number(); i < n; i += thread_count()) sums[0] += f(Acc(a[i]), Acc(b[i]));
    for (int k = 1; k < PACK; ++k) sums[0] += sums[k];
    return sums[0];
}

// With one block the share is the result.
template <class F> __device__ void add_up(F f, const T* a, const T* b, Acc* shares, T* out, Acc divisor, int n)
{
    Acc all = block_sum(sum_of(f, a, b, n));
    if (threadIdx.x > 0) return;
    if (gridDim.x == 1) *out = T(all / divisor);
    else shares[blockIdx.x] = all;
}

// g is one number for all elements, or has one for each.
template <class F>
__device__ void backward(F f, const T* g, bool single, const T* a, const T* b, T* out, int n)
{
    if (single) {
        Acc all = Acc(*g);
        each([=](Acc a, Acc b) { return all * f(a, b); }, n, out, a, b);
    } else {
        each([=](Acc g, Acc a, Acc b) { return g * f(a, b); }, n, out, g, a, b);
    }
}

#define LOSS(name)                                                                                              \
    extern "C" __global__ void name##_each(const T* a, const T* b, T* out, Acc c, int n)                        \
    {                                                                                                           \
        each([=](Acc a, Acc b) { return name::value(a, b, c); }, n, out, a, b);                                 \
    }                                                                                                           \
    extern "C" __global__ void name##_shares(const T* a, const T* b, unsigned char* shares, T* out, Acc c,      \
                                             Acc divisor, int n)                                                \
    {                                                                                                           \
        add_up([=](Acc a, Acc b) { return name::value(a, b, c); }, a, b, (Acc*)shares, out, divisor, n);        \
    }                                                                                                           \
    extern "C" __global__ void name##_backward(const T* g, bool single, const T* a, const T* b, T* out, Acc c,  \
                                               Acc share, int n)                                                \
    {                                                                                                           \
        backward([=](Acc a, Acc b) { return share * name::slope(a, b, c); }, g, single, a, b, out, n);          \
    }                                                                                                           \
    extern "C" __global__ void name##_backward_other(const T* g, bool single, const T* a, const T* b, T* out,   \
                                                     Acc c, Acc share, int n)                                   \
    {                                                                                                           \
        backward([=](Acc a, Acc b) { return share * name::other_slope(a, b, c); }, g, single, a, b, out, n);    \
    }

#ifndef FUNCTIONS
#define FUNCTIONS                                                                                               \
    LOSS(squared_error) LOSS(huber_error) LOSS(smooth_absolute_error) LOSS(bernoulli_surprise) LOSS(logit_surprise)
#endif

FUNCTIONS
