// Optimizer steps: one pass over parameters, gradients and state, where array operations would make a dozen, and one
// launch for all parameters of a network (many.cuh).
//
// The template reads a parameter and its gradient, turns the gradient around to maximize, adds weight decay, and leaves
// the rest to the rule: x[0] is the parameter, x[2], x[3], … its state in the order of the optimizer's `arrays`. What is
// the same for all elements comes in as a constant, computed on the host in float64: 1 - β₁ᵗ of Adam, for example.
// Half precision is computed with in float32 and rounded once.
//
// found_inf: a number on the GPU, which GradScaler has made 1 if a gradient was inf or nan; then nothing is done. So
// the host need not know, and does not wait for the GPU. May be null.
#include "many.cuh"

template <int ROWS, class Rule>
__device__ void step(const Table<ROWS>& table, const float* found_inf, Acc weight_decay, bool maximize, Rule rule)
{
    if (found_inf != nullptr && *found_inf != 0) return;
    each_of_many(table, stretch_of_block(table), [=](Acc* x) {
        Acc slope = maximize ? -x[1] : x[1];
        if (weight_decay != 0) slope += weight_decay * x[0];
        rule(x, slope);
    });
}

extern "C" __global__ void sgd(const Table<2> table, const float* found_inf, Acc weight_decay, bool maximize, Acc lr)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) { x[0] -= lr * slope; });
}

// State: the buffer. share: how much of the gradient goes into it, 1 - dampening, or 1 at the first step.
extern "C" __global__ void sgd_momentum(const Table<3> table, const float* found_inf, Acc weight_decay, bool maximize,
                                        Acc lr, Acc momentum, Acc share, bool nesterov)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] = x[2] * momentum + share * slope;
        x[0] -= lr * (nesterov ? slope + momentum * x[2] : x[2]);
    });
}

// ---- Adam -----------------------------------------------------------------------------------------------------------

// What of Adam's constants changes from step to step. size: lr / (1 - β₁ᵗ); root: √(1 - β₂ᵗ); shrink: 1 - lr · weight
// decay where that is decoupled (AdamW), which then is not part of the slope.
struct Moments { Acc size, root, shrink; };

// With `fused` or `capturable` the number of steps t is counted on the GPU, because a step that found_inf leaves out
// does not count, and the host does not know. Then this small kernel runs in front, a thread for each parameter, and
// `moments` says for each what the host would have computed. lr_at: a learning rate that lies on the GPU, or null.
extern "C" __global__ void adam_moments(const Table<1> steps, const float* found_inf, Acc* moments,
                                        const float* lr_at, double lr, double beta1, double beta2, double decoupled)
{
    int i = thread_number();
    if (i >= steps.count) return;
    float* step = (float*)steps.at[0][i];
    if (found_inf == nullptr || *found_inf == 0) *step += 1;
    double rate = lr_at != nullptr ? *lr_at : lr, t = *step;
    ((Moments*)moments)[i] = {Acc(rate / (1 - pow(beta1, t))), Acc(sqrt(1 - pow(beta2, t))), Acc(1 - rate * decoupled)};
}

// State: the averages of the gradient and of its square, and with amsgrad the largest such square. gain: 1 - β.
template <int ROWS>
__device__ void adam_step(const Table<ROWS>& table, const float* found_inf, Acc weight_decay, bool maximize,
                          const Acc* of_group, Moments now, Acc gain1, Acc keep2, Acc gain2, Acc eps)
{
    if (of_group != nullptr) now = ((const Moments*)of_group)[stretch_of_block(table).group];
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] += (slope - x[2]) * gain1;
        x[3] = x[3] * keep2 + gain2 * slope * slope;
        Acc square = x[3];
        if constexpr (ROWS == 5) square = x[4] = larger(x[4], square);
        x[0] = x[0] * now.shrink - now.size * x[2] / (sqrt(square) / now.root + eps);
    });
}

extern "C" __global__ void adam(const Table<4> table, const float* found_inf, Acc weight_decay, bool maximize,
                                const Acc* moments, Acc size, Acc root, Acc shrink, Acc gain1, Acc keep2, Acc gain2,
                                Acc eps)
{
    adam_step(table, found_inf, weight_decay, maximize, moments, {size, root, shrink}, gain1, keep2, gain2, eps);
}

extern "C" __global__ void adam_amsgrad(const Table<5> table, const float* found_inf, Acc weight_decay, bool maximize,
                                        const Acc* moments, Acc size, Acc root, Acc shrink, Acc gain1, Acc keep2,
                                        Acc gain2, Acc eps)
{
    adam_step(table, found_inf, weight_decay, maximize, moments, {size, root, shrink}, gain1, keep2, gain2, eps);
}

// ---- Adam's relatives -----------------------------------------------------------------------------------------------

// State: the average gradient, the largest one. size: lr / (1 - β₁ᵗ).
extern "C" __global__ void adamax(const Table<4> table, const float* found_inf, Acc weight_decay, bool maximize,
                                  Acc size, Acc gain1, Acc keep2, Acc eps)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] += (slope - x[2]) * gain1;
        x[3] = larger(keep2 * x[3], fabs(slope) + eps);
        x[0] -= size * x[2] / x[3];
    });
}

// State: as Adam's. by_slope, by_average: how far the step follows this gradient and the average; bias: 1 - β₂ᵗ.
extern "C" __global__ void nadam(const Table<4> table, const float* found_inf, Acc weight_decay, bool maximize,
                                 Acc by_slope, Acc by_average, Acc bias, Acc shrink, Acc gain1, Acc keep2, Acc gain2,
                                 Acc eps)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] += (slope - x[2]) * gain1;
        x[3] = x[3] * keep2 + gain2 * slope * slope;
        x[0] = x[0] * shrink - (by_slope * slope + by_average * x[2]) / (sqrt(x[3] / bias) + eps);
    });
}

// State: as Adam's. size: lr / (1 - β₁ᵗ); rectified: what 1 / (√v + eps) is multiplied with, 0 while v is uncertain.
extern "C" __global__ void radam(const Table<4> table, const float* found_inf, Acc weight_decay, bool maximize,
                                 Acc size, Acc rectified, Acc shrink, Acc gain1, Acc keep2, Acc gain2, Acc eps)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] += (slope - x[2]) * gain1;
        x[3] = x[3] * keep2 + gain2 * slope * slope;
        x[0] = x[0] * shrink - size * x[2] * (rectified != 0 ? rectified / (sqrt(x[3]) + eps) : Acc(1));
    });
}

// ---- gradients divided by their size --------------------------------------------------------------------------------

// State: the average square; the buffer, with momentum; the average gradient, if centered.
template <int ROWS, bool MOMENTUM, bool CENTERED>
__device__ void rmsprop_step(const Table<ROWS>& table, const float* found_inf, Acc weight_decay, bool maximize, Acc lr,
                             Acc keep, Acc gain, Acc eps, Acc momentum)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] = x[2] * keep + gain * slope * slope;
        Acc square = x[2];
        if constexpr (CENTERED) {
            Acc& average = x[ROWS - 1];
            average += (slope - average) * gain;
            square -= average * average;
        }
        Acc change = slope / (sqrt(square) + eps);
        if constexpr (MOMENTUM) change = x[3] = x[3] * momentum + change;
        x[0] -= lr * change;
    });
}

#define RMSPROP(name, rows, with_momentum, centered) \
    extern "C" __global__ void name(const Table<rows> table, const float* found_inf, Acc weight_decay, bool maximize, \
                                    Acc lr, Acc keep, Acc gain, Acc eps, Acc momentum) \
    { \
        rmsprop_step<rows, with_momentum, centered>(table, found_inf, weight_decay, maximize, lr, keep, gain, eps, \
                                                    momentum); \
    }

RMSPROP(rmsprop, 3, false, false)
RMSPROP(rmsprop_momentum, 4, true, false)
RMSPROP(rmsprop_centered, 4, false, true)
RMSPROP(rmsprop_momentum_centered, 5, true, true)

// State: the sum of all squares. size: lr / (1 + (t - 1) · lr_decay).
extern "C" __global__ void adagrad(const Table<3> table, const float* found_inf, Acc weight_decay, bool maximize,
                                   Acc size, Acc eps)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] += slope * slope;
        x[0] -= size * slope / (sqrt(x[2]) + eps);
    });
}

// State: the average squares of gradients and of steps.
extern "C" __global__ void adadelta(const Table<4> table, const float* found_inf, Acc weight_decay, bool maximize,
                                    Acc lr, Acc keep, Acc gain, Acc eps)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[2] = x[2] * keep + gain * slope * slope;
        Acc change = sqrt(x[3] + eps) / sqrt(x[2] + eps) * slope;
        x[3] = x[3] * keep + gain * change * change;
        x[0] -= lr * change;
    });
}

// ---- others ---------------------------------------------------------------------------------------------------------

// State: the average of where the parameter has been. shrink: 1 - λ η; eta: η; weight: μ.
extern "C" __global__ void asgd(const Table<3> table, const float* found_inf, Acc weight_decay, bool maximize,
                                Acc shrink, Acc eta, Acc weight)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        x[0] = x[0] * shrink - eta * slope;
        x[2] = weight == 1 ? x[0] : x[2] + (x[0] - x[2]) * weight;
    });
}

// State: the last gradient, the step size. It has no weight decay.
extern "C" __global__ void rprop(const Table<4> table, const float* found_inf, Acc weight_decay, bool maximize,
                                 Acc slower, Acc faster, Acc smallest, Acc largest)
{
    step(table, found_inf, weight_decay, maximize, [=](Acc* x, Acc slope) {
        Acc turned = x[2] * slope, factor = turned > 0 ? faster : turned < 0 ? slower : Acc(1), size = x[3] * factor;
        x[3] = size < smallest ? smallest : size > largest ? largest : size;
        x[2] = turned < 0 ? Acc(0) : slope;
        x[0] -= (x[2] > 0 ? x[3] : x[2] < 0 ? -x[3] : x[2]);
    });
}
