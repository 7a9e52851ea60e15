// Activation functions: the value at x and the slope there.
#ifndef ACTIVATIONS_CUH
#define ACTIVATIONS_CUH

#include "numbers.cuh"

struct relu {
    static __device__ Acc value(Acc x) { return x <= 0 ? Acc(0) : x; }  // NaN stays NaN
    static __device__ Acc slope(Acc x) { return x <= 0 ? Acc(0) : Acc(1); }
};

struct sigmoid {
    static __device__ Acc value(Acc x) { return Acc(1) / (Acc(1) + exp(-x)); }
    static __device__ Acc slope(Acc x) { return value(x) * (Acc(1) - value(x)); }
};

struct hyperbolic {
    static __device__ Acc value(Acc x) { return tanh(x); }
    static __device__ Acc slope(Acc x) { return Acc(1) - value(x) * value(x); }
};

struct silu {
    static __device__ Acc value(Acc x) { return x * sigmoid::value(x); }
    static __device__ Acc slope(Acc x)
    {
        Acc s = sigmoid::value(x);
        return s * (Acc(1) + x * (Acc(1) - s));
    }
};

// x · Φ(x), Φ being the normal distribution function.
struct gelu {
    static __device__ Acc below(Acc x) { return Acc(0.5) * (Acc(1) + erf(x * Acc(0.70710678118654752))); }
    static __device__ Acc value(Acc x) { return x * below(x); }
    static __device__ Acc slope(Acc x)
    {
        return below(x) + x * Acc(0.39894228040143268) * exp(Acc(-0.5) * x * x);  // 1 / √(2π)
    }
};

// The same with a tanh in place of Φ.
struct gelu_tanh {
    static __device__ Acc inner(Acc x) { return Acc(0.79788456080286536) * (x + Acc(0.044715) * x * x * x); }
    static __device__ Acc value(Acc x) { return Acc(0.5) * x * (Acc(1) + tanh(inner(x))); }
    static __device__ Acc slope(Acc x)
    {
        Acc t = tanh(inner(x)), inner_slope = Acc(0.79788456080286536) * (Acc(1) + Acc(3 * 0.044715) * x * x);
        return Acc(0.5) * (Acc(1) + t) + Acc(0.5) * x * (Acc(1) - t * t) * inner_slope;
    }
};

#endif
