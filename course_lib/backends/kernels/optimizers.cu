// Optimizer steps: one pass over parameter, gradient and state, where array operations would make a dozen.
//
// The template reads a parameter and its gradient, turns the gradient around to maximize, adds weight decay, and leaves
// the rest to the rule. What is the same for all elements comes in as a constant, computed on the host in float64:
// 1 - β₁ᵗ of Adam, for example. Arrays are flat; they are changed in place.
#include "numbers.cuh"

template <class Rule> __device__ void step(T* p, const T* g, int n, Acc weight_decay, bool maximize, Rule rule)
{
    for (int i = thread_number(); i < n; i += thread_count()) {
        Acc value = Acc(p[i]), slope = maximize ? -Acc(g[i]) : Acc(g[i]);
        if (weight_decay != 0) slope += weight_decay * value;
        p[i] = T(rule(i, value, slope));
    }
}

extern "C" __global__ void sgd(T* p, const T* g, int n, Acc lr, Acc weight_decay, bool maximize)
{
    step(p, g, n, weight_decay, maximize, [=](int, Acc value, Acc slope) { return value - lr * slope; });
}

// share: how much of the gradient goes into the buffer, 1 - dampening, or 1 at the first step.
extern "C" __global__ void sgd_momentum(T* p, const T* g, T* buffer, int n, Acc lr, Acc weight_decay, bool maximize,
                                        Acc momentum, Acc share, bool nesterov)
{
    step(p, g, n, weight_decay, maximize, [=](int i, Acc value, Acc slope) {
        Acc moved = Acc(buffer[i]) * momentum + share * slope;
        buffer[i] = T(moved);
        return value - lr * (nesterov ? slope + momentum * moved : moved);
    });
}

// size: lr / (1 - β₁ᵗ); gain: 1 - β; keep2: β₂; root: √(1 - β₂ᵗ); shrink: 1 - lr · weight decay where that is decoupled
// (AdamW), which then is not part of the slope.
extern "C" __global__ void adam(T* p, const T* g, T* average, T* squares, int n, Acc size, Acc gain1, Acc keep2,
                                Acc gain2, Acc root, Acc eps, Acc shrink, Acc weight_decay, bool maximize)
{
    step(p, g, n, weight_decay, maximize, [=](int i, Acc value, Acc slope) {
        Acc m = Acc(average[i]), v = Acc(squares[i]) * keep2 + gain2 * slope * slope;
        m += (slope - m) * gain1;
        average[i] = T(m);
        squares[i] = T(v);
        return value * shrink - size * m / (sqrt(v) / root + eps);
    });
}
