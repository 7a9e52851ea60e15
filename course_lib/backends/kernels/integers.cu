// Whole random numbers, and yes or no, in the order in which PyTorch's CUDA generator fills a tensor: see random.cu.
//
// Elements may be integers, bool or floats. A width below 2^28 takes one word of 32 bits a number, a larger one two.
#include "philox.cuh"

template <int EACH, class Shape>
__device__ void fill(T* out, int n, unsigned long long seed, unsigned long long offset, Shape shape)
{
    int thread = thread_number(), threads = thread_count();
    locate(seed, offset);
    unsigned long long counter = offset / 4;
    for (int first = thread; first < n; first += EACH * threads, ++counter) {
        Words words = philox(seed, thread, counter);
        for (int k = 0; k < EACH; ++k) {
            int i = first + k * threads;
            unsigned long long word = words.at[EACH == 4 ? k : 2 * k];
            if (EACH == 2) word = word << 32 | words.at[2 * k + 1];
            if (i < n) out[i] = shape(word);
        }
    }
}

// low + the remainder of a word; a width of 0 stands for 2^64. Sums wrap around.
extern "C" __global__ void integers(T* out, int n, unsigned int width, long long low, unsigned long long seed,
                                    unsigned long long offset)
{
    fill<4>(out, n, seed, offset, [=](unsigned long long word) { return T(low + (unsigned int)word % width); });
}

extern "C" __global__ void wide_integers(T* out, int n, unsigned long long width, long long low,
                                         unsigned long long seed, unsigned long long offset)
{
    fill<2>(out, n, seed, offset, [=](unsigned long long word) {
        return T((long long)((unsigned long long)low + (width ? word % width : word)));
    });
}

extern "C" __global__ void yes_or_no(T* out, int n, float p, unsigned long long seed, unsigned long long offset)
{
    fill<4>(out, n, seed, offset, [=](unsigned long long word) { return T(unit((unsigned int)word) < p ? 1 : 0); });
}
