// What is done to the gradients of all parameters between backward and the optimizer's step, a launch for all of them
// (many.cuh): their norm, clipping, the loss scale taken out again; and averages of weights.
//
// Each of these needs a number that the GPU itself has just computed: the norm, the scale, whether inf was found. It
// stays on the GPU, and the next kernel reads it there. Were it brought to the host, the host would wait until the GPU
// has nothing left to do.
#include "block.cuh"
#include "many.cuh"

// ---- the norm of everything -----------------------------------------------------------------------------------------

// Σ |x|^p, or the largest |x|: every block reduces its stretch to one number, then one block reduces these. (Two
// launches are what a sum over all blocks takes; atomics would take one, in another order each time.)
struct Two {
    using How = Sum;
    static __device__ Acc of(Acc x, Acc) { return x * x; }
    static __device__ Acc root(Acc total, Acc) { return sqrt(total); }
};

struct One {
    using How = Sum;
    static __device__ Acc of(Acc x, Acc) { return fabs(x); }
    static __device__ Acc root(Acc total, Acc) { return total; }
};

struct Largest {
    using How = Max;
    static __device__ Acc of(Acc x, Acc) { return fabs(x); }
    static __device__ Acc root(Acc total, Acc) { return total; }
};

struct Other {
    using How = Sum;
    static __device__ Acc of(Acc x, Acc power) { return pow(fabs(x), power); }
    static __device__ Acc root(Acc total, Acc power) { return pow(total, 1 / power); }
};

template <class Norm> __device__ void norm_of_stretch(const Table<1>& table, Acc* parts, Acc power)
{
    Stretch here = stretch_of_block(table);
    const T* x = (const T*)table.at[0][here.group] + here.start;
    int packs = starts_well(x) ? here.length / PACK : 0;
    Acc total = 0;  // |x|^p is never less
    for (int p = threadIdx.x; p < packs; p += blockDim.x) {
        Pack pack = ((const Pack*)x)[p];
#pragma unroll
        for (int k = 0; k < PACK; ++k) total = Norm::How::join(total, Norm::of(Acc(pack.at[k]), power));
    }
    for (int i = packs * PACK + threadIdx.x; i < here.length; i += blockDim.x)
        total = Norm::How::join(total, Norm::of(Acc(x[i]), power));
    total = over_block<typename Norm::How>(total);
    if (threadIdx.x == 0) parts[blockIdx.x] = total;
}

template <class Norm> __device__ void norm_of_parts(const Acc* parts, int count, T* norm, Acc power)
{
    Acc total = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) total = Norm::How::join(total, parts[i]);
    total = over_block<typename Norm::How>(total);
    if (threadIdx.x == 0) *norm = T(Norm::root(total, power));
}

#define NORM(name, Norm) \
    extern "C" __global__ void name##_of_stretches(const Table<1> table, Acc* parts, Acc power) \
    { \
        norm_of_stretch<Norm>(table, parts, power); \
    } \
    extern "C" __global__ void name##_of_parts(const Acc* parts, int count, T* norm, Acc power) \
    { \
        norm_of_parts<Norm>(parts, count, norm, power); \
    }

NORM(norm_2, Two)
NORM(norm_1, One)
NORM(norm_inf, Largest)
NORM(norm_p, Other)

// ---- clipping -------------------------------------------------------------------------------------------------------

// x · min(1, most / (norm + 1e-6)); NaN stays NaN.
extern "C" __global__ void scale_to_norm(const Table<1> table, const T* norm, Acc most)
{
    Acc factor = most / (Acc(*norm) + Acc(1e-6));
    if (factor > 1) factor = 1;
    each_of_many(table, stretch_of_block(table), [=](Acc* x) { x[0] *= factor; });
}

extern "C" __global__ void clip_values(const Table<1> table, Acc most)
{
    each_of_many(table, stretch_of_block(table), [=](Acc* x) {
        if (x[0] > most) x[0] = most;
        if (x[0] < -most) x[0] = -most;
    });
}

extern "C" __global__ void fill_with_zeros(const Table<1> table)
{
    each_of_many(table, stretch_of_block(table), [=](Acc* x) { x[0] = 0; });
}

// ---- the loss scale (GradScaler) ------------------------------------------------------------------------------------

// x / scale. Any thread that meets inf or nan says so; they all write the same number.
extern "C" __global__ void unscale(const Table<1> table, const float* scale, float* found_inf)
{
    Acc factor = Acc(float(1 / double(*scale)));
    bool wrong = false;
    each_of_many(table, stretch_of_block(table), [=, &wrong](Acc* x) {
        if (!isfinite(x[0])) wrong = true;
        x[0] *= factor;
    });
    if (wrong) *found_inf = 1;
}

// One thread: the scale shrinks where inf was found, and grows after `interval` steps without.
extern "C" __global__ void update_scale(float* scale, int* steps, const float* found_inf, double growth, double backoff,
                                        int interval)
{
    if (*found_inf != 0) {
        *scale = float(*scale * backoff);
        *steps = 0;
    } else if (++*steps == interval) {
        float grown = float(*scale * growth);
        if (isfinite(grown)) *scale = grown;
        *steps = 0;
    }
}

// ---- averages of weights --------------------------------------------------------------------------------------------

// average + weight · (new - average); a count that lies on the GPU makes the weight 1 / (count + 1).
extern "C" __global__ void move_averages(const Table<2> table, const long long* count, Acc weight)
{
    if (count != nullptr) weight = Acc(1) / Acc(*count + 1);
    each_of_many(table, stretch_of_block(table), [=](Acc* x) { x[0] += weight * (x[1] - x[0]); });
}
