// Dropout: each element is kept with a probability and then multiplied by `scale`, or becomes 0.
//
// The random numbers are made where they are used and never stored; what is stored is one byte an element: kept or not.
// Which number an element gets is as in PyTorch's fused dropout: a thread works on WIDE neighbouring elements at a time,
// as many as fit into 16 bytes and divide the size, and takes numbers from its own Philox sequence in their order. The
// launch size belongs to the definition (`random_launch` in cuda_kernels/random.py).
//
// Source: the layout was read in PyTorch's aten/src/ATen/native/cuda/Dropout.cu
#include "philox.cuh"

template <class Stored, int WIDE> struct alignas(WIDE * sizeof(Stored)) Some { Stored at[WIDE]; };

template <int WIDE>
__device__ void forward(const T* x, T* out, bool* kept, int n, float keep, Acc scale, unsigned long long seed,
                        unsigned long long offset)
{
    int thread = thread_number();
    locate(seed, offset);
    unsigned long long counter = offset / 4;  // the offset counts numbers, a call makes four
    for (int i = thread * WIDE; i < n; i += thread_count() * WIDE) {
        auto values = *(const Some<T, WIDE>*)(x + i);
        Some<bool, WIDE> marks;
        for (int first = 0; first < WIDE; first += 4) {
            Four u = uniform4(philox(seed, thread, counter++));
            for (int k = 0; k < 4 && first + k < WIDE; ++k) {
                bool stays = u.at[k] < keep;
                marks.at[first + k] = stays;
                values.at[first + k] = T(Acc(values.at[first + k]) * Acc(stays) * scale);
            }
        }
        *(Some<T, WIDE>*)(out + i) = values;
        *(Some<bool, WIDE>*)(kept + i) = marks;
    }
}

#define FORWARD(wide)                                                                                           \
    extern "C" __global__ void dropout_forward_##wide(const T* x, T* out, bool* kept, int n, float keep, Acc scale, \
                                                      unsigned long long seed, unsigned long long offset)       \
    {                                                                                                           \
        forward<wide>(x, out, kept, n, keep, scale, seed, offset);                                              \
    }

FORWARD(2)
FORWARD(4)
FORWARD(8)

// One element at a time: the four numbers of a call go to elements that lie as far apart as there are threads.
extern "C" __global__ void dropout_forward_1(const T* x, T* out, bool* kept, int n, float keep, Acc scale,
                                             unsigned long long seed, unsigned long long offset)
{
    int thread = thread_number(), threads = thread_count();
    locate(seed, offset);
    unsigned long long counter = offset / 4;
    for (int first = thread; first < n; first += 4 * threads, ++counter) {
        Four u = uniform4(philox(seed, thread, counter));
        for (int k = 0; k < 4; ++k) {
            int i = first + k * threads;
            if (i >= n) break;
            kept[i] = u.at[k] < keep;
            out[i] = T(Acc(x[i]) * Acc(kept[i]) * scale);
        }
    }
}

// Sixteen bytes of gradients and their marks at a time where the arrays allow it.
extern "C" __global__ void dropout_backward(const T* g, const bool* kept, T* by_x, int n, Acc scale)
{
    constexpr int WIDE = 16 / sizeof(T);
    bool aligned = ((unsigned long long)g | (unsigned long long)by_x) % 16 == 0 && (unsigned long long)kept % WIDE == 0;
    int packs = aligned ? n / WIDE : 0;
    for (int p = thread_number(); p < packs; p += thread_count()) {
        auto values = ((const Some<T, WIDE>*)g)[p];
        auto marks = ((const Some<bool, WIDE>*)kept)[p];
        for (int k = 0; k < WIDE; ++k) values.at[k] = T(Acc(values.at[k]) * Acc(marks.at[k]) * scale);
        ((Some<T, WIDE>*)by_x)[p] = values;
    }
    for (int i = packs * WIDE + thread_number(); i < n; i += thread_count())
        by_x[i] = T(Acc(g[i]) * Acc(kept[i]) * scale);
}
