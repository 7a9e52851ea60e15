// Reductions of contiguous arrays over some of their dimensions: sums, means, norms, extremes, variances, log-sum-exp.
//
// Neighbouring dimensions of one kind count as one, and then two shapes remain. Lines: an array (pieces, count, run) is
// reduced over pieces and run, so that what belongs to one result lies side by side, in one or several pieces: rows,
// everything, the channels of images. Columns: an array (outer, rows, inner) is reduced over rows, and neighbouring
// threads work on neighbouring results.
//
// Both read 16 bytes at once where they can, into as many states as a pack has numbers, so that an addition need not
// wait for the one before. Where there are few results, several blocks share the elements of each: they leave their
// states in `shares`, and a second launch joins those. The order is always the same, so the result is, too; adding with
// atomics would need one launch and give other roundings each time.
#include "block.cuh"
#include "elementwise.cuh"
#include "reductions.cuh"

// The state of the thread whose number differs in these bits, word by word.
template <class State> __device__ State of_other_lane(const State& mine, int bits)
{
    State theirs;
    for (int w = 0; w < int(sizeof(State) / sizeof(unsigned int)); ++w)
        ((unsigned int*)&theirs)[w] = __shfl_xor_sync(ALL_LANES, ((const unsigned int*)&mine)[w], bits);
    return theirs;
}

// The joined state of `lanes` neighbouring threads of a warp, a power of two, in each of them. The lower half comes
// first, so that every thread joins in the same order.
template <class How, class State> __device__ State over_lanes(State mine, int lanes)
{
    for (int bits = 1; bits < lanes; bits *= 2) {
        State theirs = of_other_lane(mine, bits);
        mine = threadIdx.x & bits ? How::join(theirs, mine) : How::join(mine, theirs);
    }
    return mine;
}

// The same for the blockDim.x threads along x, a part of a warp or several whole warps; right in the first of them.
template <class How, class State> __device__ State over_line(State mine)
{
    if (blockDim.x <= WARP) return over_lanes<How>(mine, blockDim.x);
    __shared__ State of_warp[WARP];
    int warps = blockDim.x / WARP, first = threadIdx.y * warps;
    mine = over_lanes<How>(mine, WARP);
    if (threadIdx.x % WARP == 0) of_warp[first + threadIdx.x / WARP] = mine;
    __syncthreads();
    if (threadIdx.x < WARP) {
        mine = threadIdx.x < warps ? of_warp[first + threadIdx.x] : How::nothing();
        mine = over_lanes<How>(mine, WARP);
    }
    return mine;
}

// Where results go: values, places, or both.
struct Results {
    T* values;
    long long* places;
};

template <class How, class State>
__device__ void put(Results to, void* shares, int result, int share, int of, State s, Acc constant)
{
    if (shares) {
        ((State*)shares)[result * of + share] = s;
        return;
    }
    if (to.values) to.values[result] = T(How::result(s, constant));
    if (to.places) to.places[result] = How::place(s);
}

// Block (threads of a line, lines), grid (blocks of lines, shares of a line); `each` elements belong to a share.
template <class How>
__device__ void lines(const T* x, Results to, void* shares, Acc constant, int pieces, int count, int run, int each)
{
    using State = typename How::State;
    int line = blockIdx.x * blockDim.y + threadIdx.y, length = pieces * run;
    int start = blockIdx.y * each, end = min(start + each, length);
    State states[PACK];
    for (int k = 0; k < PACK; ++k) states[k] = How::nothing();
    if (line < count) {
        // Element i of the line lies in piece i / run.
        auto at = [=](int i) { return pieces == 1 ? line * run + i : (i / run * count + line) * run + i % run; };
        if (run % PACK == 0 && starts_well(x)) {
#pragma unroll 4
            for (int i = start + threadIdx.x * PACK; i < end; i += blockDim.x * PACK) {
                Pack pack = *(const Pack*)(x + at(i));
                for (int k = 0; k < PACK; ++k) How::take(states[k], Acc(pack.at[k]), i + k);
            }
        } else {
#pragma unroll 4
            for (int i = start + threadIdx.x; i < end; i += blockDim.x) How::take(states[0], Acc(x[at(i)]), i);
        }
    }
    for (int k = 1; k < PACK; ++k) states[0] = How::join(states[0], states[k]);
    State all = over_line<How>(states[0]);
    if (threadIdx.x == 0 && line < count) put<How>(to, shares, line, blockIdx.y, gridDim.y, all, constant);
}

// Block (threads along inner, threads along rows), grid (outer · blocks along inner, shares of the rows).
template <class How, int WIDE>
__device__ void columns(const T* x, Results to, void* shares, Acc constant, int rows, int inner, int each)
{
    using State = typename How::State;
    struct alignas(WIDE * sizeof(T)) Some { T at[WIDE]; };
    __shared__ State met[8 * WARP * WIDE];
    int blocks = (inner + blockDim.x * WIDE - 1) / (blockDim.x * WIDE);
    int outer = blockIdx.x / blocks, column = (blockIdx.x % blocks * blockDim.x + threadIdx.x) * WIDE;
    int start = blockIdx.y * each, end = min(start + each, rows);
    State states[WIDE];
    for (int k = 0; k < WIDE; ++k) states[k] = How::nothing();
    if (column < inner) {
        const T* from = x + outer * rows * inner + column;
#pragma unroll 4
        for (int r = start + threadIdx.y; r < end; r += blockDim.y) {
            Some some = *(const Some*)(from + r * inner);
            for (int k = 0; k < WIDE; ++k) How::take(states[k], Acc(some.at[k]), r);
        }
    }
    int thread = threadIdx.y * blockDim.x + threadIdx.x, threads = blockDim.x * blockDim.y;
    for (int k = 0; k < WIDE; ++k) met[k * threads + thread] = states[k];
    __syncthreads();
    if (threadIdx.y > 0 || column >= inner) return;
    for (int k = 0; k < WIDE; ++k) {
        State all = states[k];
        for (int y = 1; y < int(blockDim.y); ++y) all = How::join(all, met[k * threads + y * blockDim.x + threadIdx.x]);
        put<How>(to, shares, outer * inner + column + k, blockIdx.y, gridDim.y, all, constant);
    }
}

// A warp joins the shares of one result; block (32, results).
template <class How>
__device__ void of_shares(const void* shares, Results to, Acc constant, int share_count, int count)
{
    using State = typename How::State;
    int result = blockIdx.x * blockDim.y + threadIdx.y;
    State mine = How::nothing();
    for (int i = threadIdx.x; i < share_count && result < count; i += WARP)
        mine = How::join(mine, ((const State*)shares)[result * share_count + i]);
    mine = over_lanes<How>(mine, WARP);
    if (threadIdx.x == 0 && result < count) put<How>(to, nullptr, result, 0, 1, mine, constant);
}

#define REDUCTION(how)                                                                                            \
    extern "C" __global__ void how##_of_lines(const T* x, T* out, long long* places, unsigned char* shares,       \
                                              Acc constant, int pieces, int count, int run, int each)             \
    {                                                                                                             \
        lines<how>(x, {out, places}, shares, constant, pieces, count, run, each);                                 \
    }                                                                                                             \
    extern "C" __global__ void how##_of_columns(const T* x, T* out, long long* places, unsigned char* shares,     \
                                                Acc constant, int rows, int inner, int each)                      \
    {                                                                                                             \
        columns<how, 1>(x, {out, places}, shares, constant, rows, inner, each);                                   \
    }                                                                                                             \
    extern "C" __global__ void how##_of_wide_columns(const T* x, T* out, long long* places, unsigned char* shares, \
                                                     Acc constant, int rows, int inner, int each)                 \
    {                                                                                                             \
        columns<how, PACK>(x, {out, places}, shares, constant, rows, inner, each);                                \
    }                                                                                                             \
    extern "C" __global__ void how##_of_shares(const unsigned char* shares, T* out, long long* places,            \
                                               Acc constant, int share_count, int count)                          \
    {                                                                                                             \
        of_shares<how>(shares, {out, places}, constant, share_count, count);                                      \
    }

// The loader asks for one of them.
#ifndef FUNCTIONS
#define FUNCTIONS                                                                                                 \
    REDUCTION(total) REDUCTION(euclidean) REDUCTION(product) REDUCTION(largest) REDUCTION(smallest)               \
    REDUCTION(maximum_at) REDUCTION(minimum_at) REDUCTION(variance) REDUCTION(deviation) REDUCTION(log_sum_exp)
#endif

FUNCTIONS

// Sums over the first dimension of x (rows, n): 32 × 8 threads; each warp reads 32 neighbours, then 8 sums meet.
template <class In, class Out> __device__ void add_columns(const In* x, Out* out, int rows, int n)
{
    __shared__ Acc sums[8][WARP];
    int column = blockIdx.x * WARP + threadIdx.x;
    Acc mine = 0;
    for (int r = threadIdx.y; r < rows && column < n; r += 8) mine += Acc(x[(long long)r * n + column]);
    sums[threadIdx.y][threadIdx.x] = mine;
    __syncthreads();
    if (threadIdx.y > 0 || column >= n) return;
    for (int y = 1; y < 8; ++y) mine += sums[y][threadIdx.x];
    out[column] = Out(mine);
}

extern "C" __global__ void sum_columns_of_parts(const Acc* x, T* out, int rows, int n) { add_columns(x, out, rows, n); }
