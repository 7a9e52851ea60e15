// Random numbers in the order in which PyTorch's CUDA generator fills a tensor.
//
// Thread t owns Philox's sequence t. In each round it calls it once, which makes four numbers (two in double precision),
// and puts them at t, t + threads, t + 2·threads, …, so that a warp writes 32 neighbours each time. Which element gets
// which number thus depends on the number of threads: the launch size belongs to the definition (`random_launch` in
// cuda_kernels/random.py), and large tensors differ between GPUs of different size, as PyTorch's do.
#include "philox.cuh"

constexpr int EACH = sizeof(Acc) == 8 ? 2 : 4;  // numbers of a call
constexpr Acc EPS = sizeof(Acc) == 8 ? Acc(2.220446049250313e-16) : Acc(1.1920928955078125e-7);
struct Numbers { Acc at[EACH]; };

// In (0, 1]. A double takes 53 bits of two words.
__device__ inline Numbers units(Words w)
{
    Numbers made;
    for (int k = 0; k < EACH; ++k)
        if constexpr (EACH == 2)
            made.at[k] = (w.at[2 * k] ^ (unsigned long long)w.at[2 * k + 1] << 21) * 0x1p-53 + 0x1p-54;
        else
            made.at[k] = unit(w.at[k]);
    return made;
}

__device__ inline Numbers normals(Words w)
{
    Numbers made;
    if constexpr (EACH == 2) {
        Numbers u = units(w);
        Acc radius = sqrt(-2 * log(u.at[0]));
        made.at[0] = radius * sinpi(2 * u.at[1]);  // sin of 2π times: nothing has to be taken off a large angle
        made.at[1] = radius * cospi(2 * u.at[1]);
    } else {
        Four four = normal4(w);
        for (int k = 0; k < EACH; ++k) made.at[k] = four.at[k];
    }
    return made;
}

template <class Draw, class Shape>
__device__ void fill(T* out, int n, unsigned long long seed, unsigned long long offset, Draw draw, Shape shape)
{
    int thread = thread_number(), threads = thread_count();
    locate(seed, offset);
    unsigned long long counter = offset / 4;  // the offset counts words, a call makes four
    for (int first = thread; first < n; first += EACH * threads, ++counter) {
        Numbers numbers = draw(philox(seed, thread, counter));
        for (int k = 0; k < EACH; ++k) {
            int i = first + k * threads;
            if (i < n) out[i] = T(shape(numbers.at[k]));
        }
    }
}

// A distribution with parameters a and b: what becomes of a uniform or a normal number.
#define DISTRIBUTION(name, draw, shape)                                                                       \
    extern "C" __global__ void name(T* out, int n, Acc a, Acc b, unsigned long long seed, unsigned long long offset) \
    {                                                                                                         \
        fill(out, n, seed, offset, draw, [=](Acc x) { return shape; });                                       \
    }

// In [low, high): a draw is in (0, 1], and what it makes may be rounded up to high; both become low.
__device__ inline Acc between(Acc u, Acc low, Acc high)
{
    Acc value = Acc(T(u * (high - low) + low));
    return value == Acc(T(high)) ? low : value;
}

// -ln u; of a u that rounds to 1 a little, so that it is never 0.
__device__ inline Acc minus_log(Acc u) { return u >= 1 - EPS / 2 ? EPS / 2 : -log(u); }

// tan π(u - ½), in single precision away from its poles.
__device__ inline Acc slope(Acc u)
{
    if constexpr (EACH == 2) return -cospi(u) / sinpi(u);
    u = u < EPS ? EPS : u > 1 - EPS ? 1 - EPS : u;
    return tan(Acc(3.141592653589793) * (u - Acc(0.5)));
}

DISTRIBUTION(uniform, units, between(x, a, b))
DISTRIBUTION(normal, normals, x * b + a)
DISTRIBUTION(log_normal, normals, exp(x * b + a))
DISTRIBUTION(bernoulli, units, x < a ? Acc(1) : Acc(0))
DISTRIBUTION(exponential, units, minus_log(x) * (1 / a))
DISTRIBUTION(cauchy, units, slope(x) * b + a)
DISTRIBUTION(geometric, units, ceil(log(x) / log1p(-a)))

// 1 with the probability that each element has; a thread makes four neighbours with one call.
extern "C" __global__ void bernoulli_by(const Acc* p, T* out, int n, unsigned long long seed, unsigned long long offset)
{
    locate(seed, offset);
    for (int thread = thread_number(); 4 * thread < n; thread += thread_count()) {
        Four u = uniform4(philox(seed, thread, offset / 4));
        for (int k = 0; k < 4 && 4 * thread + k < n; ++k) out[4 * thread + k] = T(Acc(u.at[k] <= p[4 * thread + k]));
    }
}
