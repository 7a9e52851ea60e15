// Activations and their gradients, and what is made of two or three tensors, fused: one pass over memory where a formula
// in array operations makes one each step. Any launch size.
//
// Every activation makes four kernels: `_forward` out = f(x) and `_backward` out = g · f'(x), for operands that lie in
// memory alike, and `_apart` for others; every other function makes two. A program needs few of all these, so the
// loader asks for one function (FUNCTIONS) and has nothing else compiled.
#include "activations.cuh"
#include "elementwise.cuh"

// A number times, or under, all elements: half precision meets it before anything is rounded.
struct times : Curve {
    Acc number;
    __device__ explicit times(Acc number) : number(number) {}
    __device__ Acc value(Acc x) const { return x * number; }
    __device__ Acc slope(Acc) const { return number; }
};

struct divided : Curve {
    Acc number;
    __device__ explicit divided(Acc number) : number(number) {}
    __device__ Acc value(Acc x) const { return x / number; }
    __device__ Acc slope(Acc) const { return Acc(1) / number; }
};

struct plus_number : Curve {
    Acc number;
    __device__ explicit plus_number(Acc number) : number(number) {}
    __device__ Acc value(Acc x) const { return x + number; }
    __device__ Acc slope(Acc) const { return 1; }
};

struct minus_number : Curve {
    Acc number;
    __device__ explicit minus_number(Acc number) : number(number) {}
    __device__ Acc value(Acc x) const { return x - number; }
    __device__ Acc slope(Acc) const { return 1; }
};

// The slope takes the result.
struct exponential : Curve {
    static __device__ Acc value(Acc x) { return exp(x); }
    static __device__ Acc slope(Acc y) { return y; }
};

// Slopes of functions that CuPy computes itself; all but the logarithm's take the result.
struct logarithm : Curve {
    static __device__ Acc value(Acc x) { return log(x); }
    static __device__ Acc slope(Acc x) { return 1 / x; }
};

struct root : Curve {
    static __device__ Acc value(Acc x) { return sqrt(x); }
    static __device__ Acc slope(Acc y) { return 1 / (2 * y); }
};

struct inverse_root : Curve {
    static __device__ Acc value(Acc x) { return 1 / sqrt(x); }
    static __device__ Acc slope(Acc y) { return Acc(-0.5) * y * y * y; }
};

struct inverse : Curve {
    static __device__ Acc value(Acc x) { return 1 / x; }
    static __device__ Acc slope(Acc y) { return -y * y; }
};

// ---- one operand ----------------------------------------------------------------------------------------------------

#define CONSTANTS_0
#define CONSTANTS_1 Acc a,
#define CONSTANTS_2 Acc a, Acc b,
#define CONSTANTS_3 Acc a, Acc b, Acc c,
#define MADE_0(name) name()
#define MADE_1(name) name(a)
#define MADE_2(name) name(a, b)
#define MADE_3(name) name(a, b, c)

#define ACTIVATION(name, constants)                                                                           \
    extern "C" __global__ void name##_forward(const T* x, T* out, CONSTANTS_##constants int n)                \
    {                                                                                                         \
        auto f = MADE_##constants(name);                                                                      \
        each([=](Acc x) { return f.value(x); }, n, out, x);                                                   \
    }                                                                                                         \
    extern "C" __global__ void name##_forward_apart(const T* x, T* out, CONSTANTS_##constants Layout layout, int n) \
    {                                                                                                         \
        auto f = MADE_##constants(name);                                                                      \
        each_apart([=](Acc x) { return f.value(x); }, n, out, layout, Operand{x, layout.of[0]});              \
    }                                                                                                         \
    extern "C" __global__ void name##_backward(const T* g, const T* x, T* out, CONSTANTS_##constants int n)   \
    {                                                                                                         \
        auto f = MADE_##constants(name);                                                                      \
        each([=](Acc g, Acc x) { return f.passed(g, f.slope(x)); }, n, out, g, x);                            \
    }                                                                                                         \
    extern "C" __global__ void name##_backward_apart(const T* g, const T* x, T* out, CONSTANTS_##constants    \
                                                     Layout layout, int n)                                    \
    {                                                                                                         \
        auto f = MADE_##constants(name);                                                                      \
        each_apart([=](Acc g, Acc x) { return f.passed(g, f.slope(x)); }, n, out, layout,                     \
                   Operand{g, layout.of[0]}, Operand{x, layout.of[1]});                                       \
    }

// ---- two and three operands -----------------------------------------------------------------------------------------

// What CuPy computes, too, but a number at a time: large arrays go faster in packs of 16 bytes.
struct plus { __device__ Acc operator()(Acc x, Acc y) const { return x + y; } };
struct minus { __device__ Acc operator()(Acc x, Acc y) const { return x - y; } };
struct product_of { __device__ Acc operator()(Acc x, Acc y) const { return x * y; } };
struct quotient_of { __device__ Acc operator()(Acc x, Acc y) const { return x / y; } };

// x + factor · y · z, and x + factor · y / z: addcmul and addcdiv.
struct add_product {
    Acc factor;
    __device__ explicit add_product(Acc factor) : factor(factor) {}
    __device__ Acc operator()(Acc x, Acc y, Acc z) const { return x + factor * y * z; }
};

struct add_quotient {
    Acc factor;
    __device__ explicit add_quotient(Acc factor) : factor(factor) {}
    __device__ Acc operator()(Acc x, Acc y, Acc z) const { return x + factor * y / z; }
};

// The way from x to y; counted from the nearer end, so that weight 1 gives y exactly.
struct between {
    __device__ Acc operator()(Acc x, Acc y, Acc weight) const
    {
        return fabs(weight) < Acc(0.5) ? x + weight * (y - x) : y - (y - x) * (Acc(1) - weight);
    }
};

struct part_of_the_way {
    Acc weight;
    __device__ explicit part_of_the_way(Acc weight) : weight(weight) {}
    __device__ Acc operator()(Acc x, Acc y) const { return between()(x, y, weight); }
};

// x where x > 0, else weight · x, and both gradients.
struct sloped {
    __device__ Acc operator()(Acc x, Acc weight) const { return x > 0 ? x : x * weight; }
};

struct sloped_by_x {
    __device__ Acc operator()(Acc g, Acc x, Acc weight) const { return x > 0 ? g : g * weight; }
};

struct sloped_by_weight {
    __device__ Acc operator()(Acc g, Acc x) const { return x > 0 ? Acc(0) : g * x; }
};

// The gradient of the larger of x and y by x; equal ones share it.
struct by_larger {
    __device__ Acc operator()(Acc g, Acc x, Acc y) const { return x < y ? Acc(0) : x == y ? g / 2 : g; }
};

// The first half of a tensor times the sigmoid of the second.
struct gated {
    __device__ Acc operator()(Acc first, Acc second) const { return first / (exp(-second) + Acc(1)); }
};

#define OPERATION_2(name, constants)                                                                          \
    extern "C" __global__ void name##_forward(const T* x, const T* y, T* out, CONSTANTS_##constants int n)    \
    {                                                                                                         \
        each(MADE_##constants(name), n, out, x, y);                                                           \
    }                                                                                                         \
    extern "C" __global__ void name##_forward_apart(const T* x, const T* y, T* out, CONSTANTS_##constants     \
                                                    Layout layout, int n)                                     \
    {                                                                                                         \
        each_apart(MADE_##constants(name), n, out, layout, Operand{x, layout.of[0]}, Operand{y, layout.of[1]}); \
    }

#define OPERATION_3(name, constants)                                                                          \
    extern "C" __global__ void name##_forward(const T* x, const T* y, const T* z, T* out,                     \
                                              CONSTANTS_##constants int n)                                    \
    {                                                                                                         \
        each(MADE_##constants(name), n, out, x, y, z);                                                        \
    }                                                                                                         \
    extern "C" __global__ void name##_forward_apart(const T* x, const T* y, const T* z, T* out,               \
                                                    CONSTANTS_##constants Layout layout, int n)               \
    {                                                                                                         \
        each_apart(MADE_##constants(name), n, out, layout, Operand{x, layout.of[0]}, Operand{y, layout.of[1]}, \
                   Operand{z, layout.of[2]});                                                                 \
    }

// The gradient of `gated` for both halves, which lie `inner` apart in x and out; n elements of g.
#define GATE(name)                                                                                            \
    extern "C" __global__ void name##_backward(const T* g, const T* x, T* out, int inner, int n)              \
    {                                                                                                         \
        for (int i = thread_number(); i < n; i += thread_count()) {                                           \
            int at = i / inner * 2 * inner + i % inner;                                                       \
            Acc gate = sigmoid::value(Acc(x[at + inner])), passed = Acc(g[i]) * gate;                         \
            out[at] = T(passed);                                                                              \
            out[at + inner] = T(passed * Acc(x[at]) * (Acc(1) - gate));                                       \
        }                                                                                                     \
    }

// ---- the table ------------------------------------------------------------------------------------------------------

#ifndef FUNCTIONS
#define FUNCTIONS                                                                                             \
    ACTIVATION(relu, 0) ACTIVATION(leaky_relu, 1) ACTIVATION(hardtanh, 2) ACTIVATION(clamp, 2)                \
    ACTIVATION(threshold, 2) ACTIVATION(hardshrink, 1) ACTIVATION(softshrink, 1) ACTIVATION(hardsigmoid, 0)   \
    ACTIVATION(hardswish, 0) ACTIVATION(sigmoid, 0) ACTIVATION(hyperbolic, 0) ACTIVATION(silu, 0)             \
    ACTIVATION(elu, 3) ACTIVATION(softplus, 2) ACTIVATION(logsigmoid, 0) ACTIVATION(mish, 0)                  \
    ACTIVATION(gelu, 0) ACTIVATION(gelu_tanh, 0) ACTIVATION(logarithm, 0) ACTIVATION(root, 0)                 \
    ACTIVATION(inverse_root, 0) ACTIVATION(inverse, 0)                                                        \
    ACTIVATION(plus_number, 1) ACTIVATION(minus_number, 1) ACTIVATION(exponential, 0)                         \
    OPERATION_2(plus, 0) OPERATION_2(minus, 0) OPERATION_2(product_of, 0) OPERATION_2(quotient_of, 0)         \
    ACTIVATION(times, 1) ACTIVATION(divided, 1) OPERATION_2(part_of_the_way, 1) OPERATION_2(sloped, 0)      \
    OPERATION_2(sloped_by_weight, 0) OPERATION_2(gated, 0) GATE(gated) OPERATION_3(sloped_by_x, 0)                        \
    OPERATION_3(by_larger, 0) OPERATION_3(between, 0) OPERATION_3(add_product, 1) OPERATION_3(add_quotient, 1)
#endif

FUNCTIONS
