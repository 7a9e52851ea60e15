// Activation functions: the value at x, and the slope, by which backward multiplies.
//
// `slope` takes the x of forward, or where the comment says so, the result y, which is cheaper and is what forward
// keeps. Constants such as the slope of leaky_relu are members. Two families differ in what backward does with a slope
// of 0: a function of straight pieces lets nothing through, not even an infinite or undefined gradient.
#ifndef ACTIVATIONS_CUH
#define ACTIVATIONS_CUH

#include "numbers.cuh"

struct Pieces {
    static __device__ Acc passed(Acc g, Acc slope) { return slope == 0 ? Acc(0) : g * slope; }
};

struct Curve {
    static __device__ Acc passed(Acc g, Acc slope) { return g * slope; }
};

// ---- straight pieces ------------------------------------------------------------------------------------------------

struct relu : Pieces {
    static __device__ Acc value(Acc x) { return x <= 0 ? Acc(0) : x; }  // NaN stays NaN
    static __device__ Acc slope(Acc x) { return x <= 0 ? Acc(0) : Acc(1); }
};

struct leaky_relu : Pieces {
    Acc below;
    __device__ explicit leaky_relu(Acc below) : below(below) {}
    __device__ Acc value(Acc x) const { return x > 0 ? x : x * below; }
    __device__ Acc slope(Acc x) const { return x > 0 ? Acc(1) : below; }
};

struct hardtanh : Pieces {
    Acc low, high;
    __device__ hardtanh(Acc low, Acc high) : low(low), high(high) {}
    __device__ Acc value(Acc x) const { return x < low ? low : x > high ? high : x; }
    __device__ Acc slope(Acc x) const { return x <= low || x >= high ? Acc(0) : Acc(1); }
};

// The same limits, but at a limit itself the gradient passes. With low > high everything becomes high.
struct clamp : Pieces {
    Acc low, high;
    __device__ clamp(Acc low, Acc high) : low(low), high(high) {}
    __device__ Acc value(Acc x) const
    {
        Acc above = x < low ? low : x;
        return above > high ? high : above;
    }
    __device__ Acc slope(Acc x) const { return x >= low && x <= high ? Acc(1) : Acc(0); }
};

struct threshold : Pieces {
    Acc limit, otherwise;
    __device__ threshold(Acc limit, Acc otherwise) : limit(limit), otherwise(otherwise) {}
    __device__ Acc value(Acc x) const { return x <= limit ? otherwise : x; }
    __device__ Acc slope(Acc x) const { return x <= limit ? Acc(0) : Acc(1); }
};

struct hardshrink : Pieces {
    Acc limit;
    __device__ explicit hardshrink(Acc limit) : limit(limit) {}
    __device__ Acc value(Acc x) const { return x >= -limit && x <= limit ? Acc(0) : x; }
    __device__ Acc slope(Acc x) const { return x >= -limit && x <= limit ? Acc(0) : Acc(1); }
};

struct softshrink : Pieces {
    Acc limit;
    __device__ explicit softshrink(Acc limit) : limit(limit) {}
    __device__ Acc value(Acc x) const { return x > limit ? x - limit : x < -limit ? x + limit : x * Acc(0); }
    __device__ Acc slope(Acc x) const { return x >= -limit && x <= limit ? Acc(0) : Acc(1); }
};

struct hardsigmoid : Pieces {
    static __device__ Acc value(Acc x)
    {
        Acc moved = x + Acc(3);
        return (moved < 0 ? Acc(0) : moved > 6 ? Acc(6) : moved) / Acc(6);
    }
    static __device__ Acc slope(Acc x) { return x <= -3 || x >= 3 ? Acc(0) : Acc(1) / Acc(6); }
};

struct hardswish : Pieces {
    static __device__ Acc value(Acc x) { return x * hardsigmoid::value(x); }
    static __device__ Acc slope(Acc x) { return x <= -3 ? Acc(0) : x < 3 ? x / Acc(3) + Acc(0.5) : Acc(1); }
};

// ---- curves ---------------------------------------------------------------------------------------------------------

// The slope takes the result.
struct sigmoid : Curve {
    static __device__ Acc value(Acc x) { return Acc(1) / (Acc(1) + exp(-x)); }
    static __device__ Acc slope(Acc y) { return (Acc(1) - y) * y; }
};

// The slope takes the result.
struct hyperbolic : Curve {
    static __device__ Acc value(Acc x) { return tanh(x); }
    static __device__ Acc slope(Acc y) { return Acc(1) - y * y; }
};

struct silu : Curve {
    static __device__ Acc value(Acc x) { return x / (Acc(1) + exp(-x)); }
    static __device__ Acc slope(Acc x)
    {
        Acc s = sigmoid::value(x);
        return s * (Acc(1) + x * (Acc(1) - s));
    }
};

// The family of elu: `above` · x, and below 0 `below` · (exp(rate · x) - 1).
struct elu : Curve {
    Acc below, above, rate;
    __device__ elu(Acc below, Acc above, Acc rate) : below(below), above(above), rate(rate) {}
    __device__ Acc value(Acc x) const { return x > 0 ? x * above : expm1(x * rate) * below; }
    __device__ Acc slope(Acc x) const { return x > 0 ? above : exp(x * rate) * (below * rate); }
};

// log(1 + exp(beta · x)) / beta, and x itself where beta · x is beyond the limit.
struct softplus : Curve {
    Acc beta, limit;
    __device__ softplus(Acc beta, Acc limit) : beta(beta), limit(limit) {}
    static __device__ Acc log_of_one_more(Acc z)  // log(1 + exp(z)), whose exponential must not overflow
    {
        return (z > 0 ? z : z != z ? z : Acc(0)) + log1p(exp(-fabs(z)));
    }
    __device__ Acc value(Acc x) const { return x * beta > limit ? x : log_of_one_more(x * beta) / beta; }
    __device__ Acc slope(Acc x) const { return x * beta > limit ? Acc(1) : sigmoid::value(x * beta); }
};

struct logsigmoid : Curve {
    static __device__ Acc value(Acc x) { return -softplus::log_of_one_more(-x); }
    static __device__ Acc slope(Acc x) { return sigmoid::value(-x); }
};

struct mish : Curve {
    static __device__ Acc gate(Acc x) { return tanh(softplus::log_of_one_more(x)); }
    static __device__ Acc value(Acc x) { return x * gate(x); }
    static __device__ Acc slope(Acc x)
    {
        Acc t = gate(x);
        return t + x * sigmoid::value(x) * (Acc(1) - t * t);
    }
};

// x · Φ(x), Φ being the normal distribution function.
struct gelu : Curve {
    static __device__ Acc below(Acc x) { return Acc(0.5) * (Acc(1) + erf(x * Acc(0.70710678118654752))); }
    static __device__ Acc value(Acc x) { return x * below(x); }
    static __device__ Acc slope(Acc x)
    {
        return below(x) + x * Acc(0.39894228040143268) * exp(Acc(-0.5) * x * x);  // 1 / √(2π)
    }
};

// The same with a tanh in place of Φ.
struct gelu_tanh : Curve {
    static __device__ Acc inner(Acc x) { return Acc(0.79788456080286536) * (x + Acc(0.044715) * x * x * x); }
    static __device__ Acc value(Acc x) { return Acc(0.5) * x * (Acc(1) + tanh(inner(x))); }
    static __device__ Acc slope(Acc x)
    {
        Acc t = tanh(inner(x)), inner_slope = Acc(0.79788456080286536) * (Acc(1) + Acc(3 * 0.044715) * x * x);
        return Acc(0.5) * (Acc(1) + t) + Acc(0.5) * x * (Acc(1) - t * t) * inner_slope;
    }
};

#endif
