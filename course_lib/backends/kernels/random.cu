// Uniform and normal numbers in the order in which PyTorch's CUDA generator fills a tensor.
//
// Thread t owns Philox's sequence t. In each round it draws four numbers and puts them at t, t + threads,
// t + 2·threads, t + 3·threads, so that a warp writes 32 neighbours each time; the next round goes on 4·threads later.
// Which element gets which number thus depends on the number of threads: the launch size belongs to the definition
// (`random_launch` of the loader), and large tensors differ between GPUs of different size, as PyTorch's do.
#include "philox.cuh"

template <class Draw, class Shape>
__device__ void fill(T* out, int n, unsigned long long seed, unsigned long long offset, Draw draw, Shape shape)
{
    int thread = thread_number(), threads = thread_count();
    unsigned long long counter = offset / 4;  // the offset counts numbers, a counter makes four
    for (int first = thread; first < n; first += 4 * threads, ++counter) {
        Four numbers = draw(philox(seed, thread, counter));
        for (int k = 0; k < 4; ++k) {
            int i = first + k * threads;
            if (i < n) out[i] = T(shape(numbers.at[k]));
        }
    }
}

// In [low, high): a draw is in (0, 1], and what it makes may be rounded up to high; both become low.
extern "C" __global__ void uniform(T* out, int n, Acc low, Acc high, unsigned long long seed, unsigned long long offset)
{
    Acc width = high - low, top = Acc(T(high));
    fill(out, n, seed, offset, uniform4, [=](float u) {
        Acc value = Acc(T(Acc(u) * width + low));
        return value == top ? low : value;
    });
}

extern "C" __global__ void normal(T* out, int n, Acc mean, Acc deviation, unsigned long long seed,
                                  unsigned long long offset)
{
    fill(out, n, seed, offset, normal4, [=](float z) { return Acc(z) * deviation + mean; });
}
