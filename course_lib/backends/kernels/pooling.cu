// Max and average pooling of planes or volumes.
//
// Forward: a thread for each number of the output. Backward: a thread for each number of the input, which looks for the
// windows that saw it; so nothing is written twice and the sum has one order.
//
// The backward of max pooling must know which number of a window was the largest. A byte says it, the number of the
// window's cell: PyTorch's index into the plane, eight bytes, would be most of what is moved. Only who asks for the
// indices gets them.
#include "windows.cuh"

// The largest number of the window at (z, y, x) and its cell: the first of equal ones, and a NaN if there is one.
// Without a jump, so that an unrolled loop starts all its reads before it compares.
__device__ inline Acc largest(const T* from, const Windows& w, int z, int y, int x, int& chosen)
{
    Acc best = -infinity();
    int cell = 0;
    chosen = -1;
    for (int k = 0; k < w.deep.kernel; ++k)
        for (int i = 0; i < w.down.kernel; ++i)
            for (int j = 0; j < w.across.kernel; ++j, ++cell) {
                int a = w.deep.at(z, k), b = w.down.at(y, i), c = w.across.at(x, j);
                bool inside = w.deep.inside(a) & w.down.inside(b) & w.across.inside(c);
                Acc value = inside ? Acc(from[w.input(a, b, c)]) : -infinity();
                bool better = inside && (chosen < 0 || value > best || value != value);
                best = better ? value : best;
                chosen = better ? cell : chosen;
            }
    return best;
}

// Where in its input plane a cell of the window at (z, y, x) lies.
__device__ inline int place_of(const Windows& w, int z, int y, int x, int cell)
{
    int j = cell % w.across.kernel, rest = cell / w.across.kernel;
    int i = rest % w.down.kernel, k = rest / w.down.kernel;
    return w.input(w.deep.at(z, k), w.down.at(y, i), w.across.at(x, j));
}

extern "C" __global__ void max_pool_forward(const T* image, T* out, unsigned char* cells, int rows, Windows given)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.out, w.deep.out);
        const T* from = image + row.plane * w.inputs();
        for (int x = first_place(); x < w.across.out; x += place_step()) {
            int cell, at = r * w.across.out + x;
            out[at] = T(largest(from, w, row.z, row.y, x, cell));
            cells[at] = cell;
        }
    }
}

extern "C" __global__ void max_pool_with_places(const T* image, T* out, long long* places, int rows, Windows given)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.out, w.deep.out);
        const T* from = image + row.plane * w.inputs();
        for (int x = first_place(); x < w.across.out; x += place_step()) {
            int cell, at = r * w.across.out + x;
            out[at] = T(largest(from, w, row.z, row.y, x, cell));
            places[at] = place_of(w, row.z, row.y, x, cell);
        }
    }
}

// Calls visit(place of an output, cell) for every window that sees input (z, y, x); the place counts in its plane.
template <class Visit>
__device__ inline void for_each_window(const Windows& w, int z, int y, int x, Visit visit)
{
    int left = w.across.first_seeing(x), right = w.across.last_seeing(x);
    for (int a = w.deep.first_seeing(z); a <= w.deep.last_seeing(z); ++a)
        for (int b = w.down.first_seeing(y); b <= w.down.last_seeing(y); ++b) {
            int k = w.deep.cell(z, a), i = w.down.cell(y, b);
            if (k < 0 || i < 0) continue;
            for (int c = left; c <= right; ++c) {
                int j = w.across.cell(x, c);
                if (j >= 0) visit(a, b, c, (k * w.down.kernel + i) * w.across.kernel + j);
            }
        }
}

// Adds up, for every input, what `share(place, cell, where it lies itself)` says that it gets of a window.
template <class Share>
__device__ inline void gather(T* by_image, int rows, const Windows& w, Share share)
{
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.in, w.deep.in);
        int before = row.plane * w.outputs();
        for (int x = first_place(); x < w.across.in; x += place_step()) {
            int here = w.input(row.z, row.y, x);
            Acc sum = 0;
            for_each_window(w, row.z, row.y, x, [&](int a, int b, int c, int cell) {
                sum += share(before + w.output(a, b, c), cell, here, a, b, c);
            });
            by_image[row.plane * w.inputs() + here] = T(sum);
        }
    }
}

extern "C" __global__ void max_pool_backward(const T* g, const unsigned char* cells, T* by_image, int rows,
                                             Windows given)
{
    gather(by_image, rows, with_known_numbers(given), [=](int window, int cell, int, int, int, int) {
        return cells[window] == cell ? Acc(g[window]) : Acc(0);
    });
}

extern "C" __global__ void max_pool_backward_at_places(const T* g, const long long* places, T* by_image, int rows,
                                                       Windows given)
{
    gather(by_image, rows, with_known_numbers(given), [=](int window, int, int here, int, int, int) {
        return places[window] == here ? Acc(g[window]) : Acc(0);
    });
}

// The transpose of max_pool_backward: of every window the number at its cell. Gradients of gradients need it.
extern "C" __global__ void max_pool_pick(const T* image, const unsigned char* cells, T* out, int rows, Windows given)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.out, w.deep.out);
        const T* from = image + row.plane * w.inputs();
        for (int x = first_place(); x < w.across.out; x += place_step()) {
            int at = r * w.across.out + x;
            bool any = cells[at] < w.cells();  // a window may lie outside altogether
            out[at] = any ? from[place_of(w, row.z, row.y, x, cells[at])] : T();
        }
    }
}

// How many numbers a window's mean is of. With `padded` the padding counts, but not what a rounded-up size adds to it.
__device__ inline int extent(const Walk& walk, int o, bool padded)
{
    int first = walk.at(o, 0), last = min(first + walk.kernel, walk.in + walk.padding);
    return padded ? last - first : min(last, walk.in) - max(first, 0);
}

// What the sum of a window is divided by; `divisor`, unless 0, is the answer for all.
__device__ inline Acc divisor_of(const Windows& w, int z, int y, int x, bool padded, int divisor)
{
    if (divisor != 0) return Acc(divisor);
    return Acc(extent(w.deep, z, padded) * extent(w.down, y, padded) * extent(w.across, x, padded));
}

extern "C" __global__ void avg_pool_forward(const T* image, T* out, int rows, Windows given, bool padded, int divisor)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.out, w.deep.out);
        const T* from = image + row.plane * w.inputs();
        for (int x = first_place(); x < w.across.out; x += place_step()) {
            Acc sum = 0;
            for (int k = 0; k < w.deep.kernel; ++k)
                for (int i = 0; i < w.down.kernel; ++i)
                    for (int j = 0; j < w.across.kernel; ++j) {
                        int a = w.deep.at(row.z, k), b = w.down.at(row.y, i), c = w.across.at(x, j);
                        bool inside = w.deep.inside(a) & w.down.inside(b) & w.across.inside(c);
                        sum += inside ? Acc(from[w.input(a, b, c)]) : Acc(0);
                    }
            out[r * w.across.out + x] = T(sum / divisor_of(w, row.z, row.y, x, padded, divisor));
        }
    }
}

extern "C" __global__ void avg_pool_backward(const T* g, T* by_image, int rows, Windows given, bool padded, int divisor)
{
    Windows w = with_known_numbers(given);
    gather(by_image, rows, w, [=](int window, int, int, int a, int b, int c) {
        return Acc(g[window]) / divisor_of(w, a, b, c, padded, divisor);
    });
}
