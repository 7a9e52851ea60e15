// Dropout: each element is kept with probability 1 - p and divided by it, or becomes 0.
//
// The random numbers are made where they are used and never stored; what is stored is one byte an element: kept or not.
// Element i uses word i % 4 of counter i / 4, so the noise does not depend on the launch size. (It is our own order,
// not that of PyTorch's fused dropout.)
#include "philox.cuh"

extern "C" __global__ void dropout_forward(const T* x, T* out, bool* kept, int n, Acc p, Acc scale,
                                           unsigned long long seed, unsigned long long offset)
{
    for (int quad = thread_number(); quad < (n + 3) / 4; quad += thread_count()) {
        Four u = uniform4(philox(seed, quad, offset));
        for (int k = 0; k < 4 && 4 * quad + k < n; ++k) {
            int i = 4 * quad + k;
            kept[i] = u.at[k] > p;  // u is in (0, 1]: p = 0 keeps all, p = 1 none
            out[i] = T(kept[i] ? Acc(x[i]) * scale : Acc(0));
        }
    }
}

extern "C" __global__ void dropout_backward(const T* g, const bool* kept, T* by_x, int n, Acc scale)
{
    for (int i = thread_number(); i < n; i += thread_count()) by_x[i] = T(kept[i] ? Acc(g[i]) * scale : Acc(0));
}
