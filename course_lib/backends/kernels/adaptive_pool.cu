// Adaptive pooling: each dimension is divided into as many parts as are wanted. Part o runs from floor(o in / out)
// to ceil((o + 1) in / out), so parts differ in size, and neighbours may share a number.
//
// Forward: a thread for each number of the output; for one part that is everything, a warp. Backward: a thread for each
// number of the input, which looks for its parts.
#include "block.cuh"
#include "windows.cuh"

struct Parts {
    int in, out;
    __device__ int begin(int o) const { return (int)((long long)o * in / out); }
    __device__ int end(int o) const { return (int)(((long long)(o + 1) * in + out - 1) / out); }
    // The parts with input i are those from first_with to end_with.
    __device__ int first_with(int i) const { return (int)((long long)i * out / in); }
    __device__ int end_with(int i) const { return (int)(((long long)(i + 1) * out + in - 1) / in); }
};

struct Division {
    Parts deep, down, across;
    __device__ int inputs() const { return deep.in * down.in * across.in; }
    __device__ int outputs() const { return deep.out * down.out * across.out; }
    __device__ int input(int z, int y, int x) const { return (z * down.in + y) * across.in + x; }
    __device__ int output(int z, int y, int x) const { return (z * down.out + y) * across.out + x; }
};

// Calls visit(place in the plane) for every number of part (z, y, x).
template <class Visit> __device__ inline void for_each_input(const Division& d, int z, int y, int x, Visit visit)
{
    for (int a = d.deep.begin(z); a < d.deep.end(z); ++a)
        for (int b = d.down.begin(y); b < d.down.end(y); ++b)
            for (int c = d.across.begin(x); c < d.across.end(x); ++c) visit(d.input(a, b, c));
}

__device__ inline Acc part_size(const Division& d, int z, int y, int x)
{
    return Acc(d.deep.end(z) - d.deep.begin(z)) * Acc(d.down.end(y) - d.down.begin(y)) *
           Acc(d.across.end(x) - d.across.begin(x));
}

extern "C" __global__ void adaptive_avg_forward(const T* image, T* out, int rows, Division d)
{
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, d.down.out, d.deep.out);
        const T* from = image + row.plane * d.inputs();
        for (int x = first_place(); x < d.across.out; x += place_step()) {
            Acc sum = 0;
            for_each_input(d, row.z, row.y, x, [&](int place) { sum += Acc(from[place]); });
            out[r * d.across.out + x] = T(sum / part_size(d, row.z, row.y, x));
        }
    }
}

// The mean of whole planes of n numbers: a warp for each.
extern "C" __global__ void plane_means(const T* image, T* out, int planes, int n)
{
    int lane = threadIdx.x % WARP, warps = thread_count() / WARP;
    for (int plane = thread_number() / WARP; plane < planes; plane += warps) {
        Acc sum = 0;
        for (int i = lane; i < n; i += WARP) sum += Acc(image[plane * n + i]);
        sum = over_warp<Sum>(sum);
        if (lane == 0) out[plane] = T(sum / n);
    }
}

// Adds up, for every input, what `share(part, its place here, z, y, x)` says that it gets of a part.
template <class Share> __device__ inline void gather(T* by_image, int rows, const Division& d, Share share)
{
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, d.down.in, d.deep.in);
        int before = row.plane * d.outputs();
        for (int x = first_place(); x < d.across.in; x += place_step()) {
            int here = d.input(row.z, row.y, x), right = d.across.end_with(x);
            Acc sum = 0;
            for (int a = d.deep.first_with(row.z); a < d.deep.end_with(row.z); ++a)
                for (int b = d.down.first_with(row.y); b < d.down.end_with(row.y); ++b)
                    for (int c = d.across.first_with(x); c < right; ++c)
                        sum += share(before + d.output(a, b, c), here, a, b, c);
            by_image[row.plane * d.inputs() + here] = T(sum);
        }
    }
}

extern "C" __global__ void adaptive_avg_backward(const T* g, T* by_image, int rows, Division d)
{
    gather(by_image, rows, d, [=](int part, int, int a, int b, int c) { return Acc(g[part]) / part_size(d, a, b, c); });
}

// The largest number of every part and where in its plane it lies: the first of equal ones, and the last NaN.
extern "C" __global__ void adaptive_max_forward(const T* image, T* out, long long* places, int rows, Division d)
{
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, d.down.out, d.deep.out);
        const T* from = image + row.plane * d.inputs();
        for (int x = first_place(); x < d.across.out; x += place_step()) {
            Acc best = 0;
            int chosen = -1;
            for_each_input(d, row.z, row.y, x, [&](int place) {
                Acc value = Acc(from[place]);
                if (chosen < 0 || value > best || value != value) {
                    best = value;
                    chosen = place;
                }
            });
            out[r * d.across.out + x] = T(best);
            places[r * d.across.out + x] = chosen;
        }
    }
}

extern "C" __global__ void adaptive_max_backward(const T* g, const long long* places, T* by_image, int rows, Division d)
{
    gather(by_image, rows, d, [=](int part, int here, int, int, int) {
        return places[part] == here ? Acc(g[part]) : Acc(0);
    });
}
