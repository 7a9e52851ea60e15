// The template of all elementwise kernels: out[i] = f(a[i], b[i], …).
//
// Such a kernel does next to nothing with each number, so memory decides: it reads and writes 16 bytes at once, the
// most that one instruction of a thread can, wherever all arrays start at a multiple of 16 bytes.
#ifndef ELEMENTWISE_CUH
#define ELEMENTWISE_CUH

#include "numbers.cuh"

constexpr int PACK = 16 / sizeof(T);
struct alignas(16) Pack { T at[PACK]; };

__device__ inline bool starts_well(const void* address) { return (unsigned long long)address % sizeof(Pack) == 0; }

template <class F, class... Packs> __device__ Pack applied(F f, Packs... in)
{
    Pack made;
    for (int k = 0; k < PACK; ++k) made.at[k] = T(f(Acc(in.at[k])...));
    return made;
}

template <class F, class... Inputs> __device__ void each(F f, int n, T* out, const Inputs*... in)
{
    bool wide = starts_well(out) && (starts_well(in) && ...);
    int packs = wide ? n / PACK : 0;
    for (int p = thread_number(); p < packs; p += thread_count())
        ((Pack*)out)[p] = applied(f, ((const Pack*)in)[p]...);
    for (int i = packs * PACK + thread_number(); i < n; i += thread_count()) out[i] = T(f(Acc(in[i])...));
}

#endif
