// The template of all elementwise kernels: out[i] = f(a[i], b[i], …).
//
// Such a kernel does next to nothing with each number, so memory decides: it reads and writes 16 bytes at once, the
// most that one instruction of a thread can, wherever all arrays start at a multiple of 16 bytes.
//
// `each` is for operands that lie in memory alike, element beside element. `each_apart` is for all others, a gradient
// that is one number for everything, half of a tensor, a bias: each operand has its own steps, and an element's place
// is worked out by two divisions. That is cheaper than a copy, which would read and write all of it once more.
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

// An operand may be `out` itself: each element is read before it is written, by the same thread.
template <class F, class... Inputs> __device__ void each(F f, int n, T* out, const Inputs*... in)
{
    bool wide = starts_well(out) && (starts_well(in) && ...);
    int packs = wide ? n / PACK : 0;
    for (int p = thread_number(); p < packs; p += thread_count())
        ((Pack*)out)[p] = applied(f, ((const Pack*)in)[p]...);
    for (int i = packs * PACK + thread_number(); i < n; i += thread_count()) out[i] = T(f(Acc(in[i])...));
}

// Where an operand's elements are, counted in elements: by how much each of three coordinates moves.
struct Steps { int first, second, third; };

// Two of the three sizes (the first is what remains), and up to three operands; _layout.py fills it in.
struct Layout {
    int second, third;
    Steps of[3];
};

struct Place {
    int first, second, third;
    __device__ Place(int i, const Layout& layout)
    {
        third = i % layout.third;
        i /= layout.third;
        second = i % layout.second;
        first = i / layout.second;
    }
};

struct Operand {
    const T* start;
    Steps step;
    __device__ Acc at(Place p) const
    {
        return Acc(start[p.first * step.first + p.second * step.second + p.third * step.third]);
    }
};

template <class F, class... Operands>
__device__ void each_apart(F f, int n, T* out, const Layout& layout, Operands... operands)
{
    for (int i = thread_number(); i < n; i += thread_count()) {
        Place place(i, layout);
        out[i] = T(f(operands.at(place)...));
    }
}

#endif
