// Max and average pooling of planes (H, W).
//
// Forward: a thread for each number of the output. Backward: a thread for each number of the input, which looks for the
// windows that saw it; so nothing is written twice and the sum has one order.
#include "windows.cuh"

// `chosen` is where in its plane the maximum lies, y · W + x: the first of equal ones, and a NaN if there is one.
extern "C" __global__ void max_pool_forward(const T* image, T* out, long long* chosen, int n, WALKS_AS_ARGUMENTS)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int column = index % across.out, row = index / across.out % down.out, plane = index / (across.out * down.out);
        const T* from = image + (long long)plane * down.in * across.in;
        Acc best = 0;
        int place = -1;
        for (int i = 0; i < down.kernel; ++i)
            for (int j = 0; j < across.kernel; ++j) {
                int y = down.at(row, i), x = across.at(column, j);
                if (!down.inside(y) || !across.inside(x)) continue;
                Acc value = Acc(from[y * across.in + x]);
                if (place < 0 || value > best || value != value) {
                    best = value;
                    place = y * across.in + x;
                }
            }
        out[index] = T(best);
        chosen[index] = place;
    }
}

extern "C" __global__ void max_pool_backward(const T* g, const long long* chosen, T* by_image, int n,
                                             WALKS_AS_ARGUMENTS)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int x = index % across.in, y = index / across.in % down.in, plane = index / (across.in * down.in);
        Acc sum = 0;
        for (int i = 0; i < down.kernel; ++i)
            for (int j = 0; j < across.kernel; ++j) {
                int row = down.seen_by(y, i), column = across.seen_by(x, j);
                if (row < 0 || column < 0) continue;
                long long at = ((long long)plane * down.out + row) * across.out + column;
                if (chosen[at] == y * across.in + x) sum += Acc(g[at]);
            }
        by_image[index] = T(sum);
    }
}

// How many numbers a window's mean is of. With `padded` the padding counts, but not what a rounded-up size adds to it.
__device__ inline int window_size(Walk walk, int o, bool padded)
{
    int first = walk.at(o, 0), last = min(first + walk.kernel, walk.in + walk.padding);
    return padded ? last - first : min(last, walk.in) - max(first, 0);
}

extern "C" __global__ void avg_pool_forward(const T* image, T* out, int n, WALKS_AS_ARGUMENTS, bool padded)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int column = index % across.out, row = index / across.out % down.out, plane = index / (across.out * down.out);
        Acc sum = 0;
        for (int i = 0; i < down.kernel; ++i)
            for (int j = 0; j < across.kernel; ++j) {
                int y = down.at(row, i), x = across.at(column, j);
                if (down.inside(y) && across.inside(x))
                    sum += Acc(image[((long long)plane * down.in + y) * across.in + x]);
            }
        out[index] = T(sum / (window_size(down, row, padded) * window_size(across, column, padded)));
    }
}

extern "C" __global__ void avg_pool_backward(const T* g, T* by_image, int n, WALKS_AS_ARGUMENTS, bool padded)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int x = index % across.in, y = index / across.in % down.in, plane = index / (across.in * down.in);
        Acc sum = 0;
        for (int i = 0; i < down.kernel; ++i)
            for (int j = 0; j < across.kernel; ++j) {
                int row = down.seen_by(y, i), column = across.seen_by(x, j);
                if (row < 0 || column < 0) continue;
                Acc slope = Acc(g[((long long)plane * down.out + row) * across.out + column]);
                sum += slope / (window_size(down, row, padded) * window_size(across, column, padded));
            }
        by_image[index] = T(sum);
    }
}
