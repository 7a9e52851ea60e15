// Adding at the places that an index names, and other ways to bring many numbers into one place.
//
//     rows:      out[o, index[i], c] += source[o, i, c]                 index_add, the gradient of an embedding
//     elements:  out[o, index[o, i, c], c] += source[o, i, c]           scatter_add, the gradient of gather
//
// Several numbers may go to one place. Either the addition is atomic: fast, but the order and with it the last digits
// change from run to run. Or the index is sorted first, so that the numbers of one place are neighbours, a "run", and
// are added up in their order: the same result every time. The sum of a run stays in a register as Acc, and is rounded
// once; so half precision always goes this way.
#include "block.cuh"
#include "places.cuh"

// ---- atomic ---------------------------------------------------------------------------------------------------------

// total: the elements of source; factor: what they are multiplied with.
extern "C" __global__ void add_rows_atomic(const T* source, const Named* index, Acc* out, int total, int n, int rows,
                                           int columns, Acc factor, int least, long long* report)
{
    for (int i = thread_number(); i < total; i += thread_count()) {
        int row = i / columns, column = i % columns, outer = row / n;
        int place = place_of(index[row % n], least, rows, report);
        atomicAdd(&out[(outer * rows + place) * columns + column], factor * Acc(source[i]));
    }
}

// The index comes with the steps of its three dimensions, as in gather_elements_apart.
extern "C" __global__ void add_elements_atomic_apart(const T* source, const Named* index, Acc* out, int total, int n,
                                               int rows, int columns, int step_outer, int step_n, int step_column,
                                               int least, long long* report)
{
    for (int i = thread_number(); i < total; i += thread_count()) {
        int row = i / columns, column = i % columns, outer = row / n;
        Named named = index[outer * step_outer + row % n * step_n + column * step_column];
        int place = place_of(named, least, rows, report);
        atomicAdd(&out[(outer * rows + place) * columns + column], Acc(source[i]));
    }
}

// How often each place is named.
extern "C" __global__ void count_places_atomic(const Named* index, int* counts, int n, int length, long long* report)
{
    for (int i = thread_number(); i < n; i += thread_count())
        atomicAdd(&counts[place_of(index[i], 0, length, report)], 1);
}

// ---- in a fixed order -----------------------------------------------------------------------------------------------

// A short index needs no sorting. A block looks after the row i of the source: 32 lanes compare 32 entries of the index
// with the i-th, and what they find, a bit each, all lanes get at once. If an earlier row goes to the same place, that
// row's block does the work; else this one adds up all rows of the place, and nobody else writes there.
extern "C" __global__ void add_up_short_index(const T* source, const Named* index, T* out, int n, int rows, int columns,
                                              int padding, bool divide, long long* report)
{
    int i = blockIdx.x, column = blockIdx.y * blockDim.x + threadIdx.x, lane = threadIdx.x % WARP, named = 0;
    Named mine = index[i];
    Acc total = 0;
    for (int start = 0; start < n; start += WARP) {
        unsigned int same = __ballot_sync(ALL_LANES, start + lane < n && index[start + lane] == mine);
        if (same != 0 && start + __ffs(same) - 1 < i) return;  // all threads of the block see this
        for (; same != 0; same &= same - 1, ++named)           // the lowest bit is cleared
            if (column < columns) total += Acc(source[(start + __ffs(same) - 1) * columns + column]);
    }
    int place = place_of(mine, 0, rows, report);
    if (column < columns && place != padding) out[place * columns + column] = T(divide ? total / Acc(named) : total);
}

// The place in all of `out` of every element, for sorting: elements are rows of one column.
extern "C" __global__ void element_places_apart(const Named* index, long long* places, int total, int n, int rows,
                                          int columns, int step_outer, int step_n, int step_column, int least,
                                          long long* report)
{
    for (int i = thread_number(); i < total; i += thread_count()) {
        int row = i / columns, column = i % columns, outer = row / n;
        Named named = index[outer * step_outer + row % n * step_n + column * step_column];
        places[i] = (long long)(outer * rows + place_of(named, least, rows, report)) * columns + column;
    }
}

struct Product {
    template <class V> static __device__ V nothing() { return V(1); }
    template <class V> static __device__ V join(V a, V b) { return a * b; }
};

// Runs may be long: every tenth word of a text is "the". So the sorted rows are cut into pieces of PIECE rows, and a
// thread reduces a few columns of one piece. A run that lies in one piece is done with; of one that goes on in the next
// pieces each leaves its share behind, `begun` where the run begins and `continued` in the others, and a second, small
// launch joins them.
constexpr int PIECE = 32;

struct Runs {
    const Named* sorted;     // the places, ascending
    const long long* order;  // which rows of the source go there
    int n, rows, columns;
    Acc factor;              // what the sum of a run is multiplied with
    const int* counts;       // and what it is divided by, for each place, or null
    int padding;             // a place that gets nothing, -1: none
    bool with_self;          // whether what is there counts
    long long* report;

    __device__ bool goes_on(int k) const { return k < n && sorted[k] == sorted[k - 1]; }  // from k - 1 to k

    template <class How> __device__ void finish(T* out, int k, int column, Acc total) const
    {
        int place = place_of(sorted[k], 0, rows, report);
        if (place == padding) return;
        T* there = out + (long long)place * columns + column;
        total *= factor;
        if (counts != nullptr) total /= counts[place];
        *there = T(with_self ? How::join(Acc(*there), total) : total);
    }
};

// A thread reduces WIDE columns side by side, which it reads at once.
template <int WIDE> struct alignas(sizeof(T) * WIDE) Several { T at[WIDE]; };

template <class How, int WIDE>
__device__ void reduce_pieces(const Runs& runs, const T* source, T* out, Acc* begun, Acc* continued)
{
    int pieces = (runs.n + PIECE - 1) / PIECE, across = runs.columns / WIDE;
    for (int i = thread_number(); i < pieces * across; i += thread_count()) {
        int piece = i / across, column = i % across * WIDE, start = piece * PIECE, end = min(start + PIECE, runs.n);
        bool began_here = start == 0 || !runs.goes_on(start);
        Acc total[WIDE];
        for (Acc& each : total) each = How::template nothing<Acc>();
        for (int k = start; k < end; ++k) {
            Several<WIDE> row = ((const Several<WIDE>*)source)[runs.order[k] * across + i % across];
#pragma unroll
            for (int j = 0; j < WIDE; ++j) total[j] = How::join(total[j], Acc(row.at[j]));
            bool goes_on = runs.goes_on(k + 1);
            if (goes_on && k + 1 < end) continue;
#pragma unroll
            for (int j = 0; j < WIDE; ++j) {
                if (!began_here) continued[piece * runs.columns + column + j] = total[j];
                else if (goes_on) begun[piece * runs.columns + column + j] = total[j];
                else runs.finish<How>(out, k, column + j, total[j]);
                total[j] = How::template nothing<Acc>();
            }
            began_here = true;
        }
    }
}

template <class How> __device__ void join_pieces(const Runs& runs, T* out, const Acc* begun, const Acc* continued)
{
    int pieces = (runs.n + PIECE - 1) / PIECE;
    for (int i = thread_number(); i < pieces * runs.columns; i += thread_count()) {
        int start = i / runs.columns * PIECE, column = i % runs.columns, end = start + PIECE;
        if (end >= runs.n || !runs.goes_on(end)) continue;  // nothing is left open
        if (start > 0 && runs.goes_on(start) && runs.sorted[start] == runs.sorted[end]) continue;  // begun elsewhere
        Acc total = begun[i];
        int at = i;
        do {
            at += runs.columns;
            total = How::join(total, continued[at]);
            end += PIECE;
        } while (end < runs.n && runs.sorted[end - PIECE] == runs.sorted[end - 1] && runs.goes_on(end));
        runs.finish<How>(out, start + PIECE, column, total);
    }
}

#define RUNS(name, How) \
    extern "C" __global__ void name##_in_pieces(const T* source, const Named* sorted, const long long* order, T* out, \
                                             Acc* begun, Acc* continued, int n, int rows, int columns, Acc factor, \
                                             const int* counts, int padding, bool with_self, long long* report) \
    { \
        Runs runs = {sorted, order, n, rows, columns, factor, counts, padding, with_self, report}; \
        if (columns % PACK == 0 && starts_well(source)) reduce_pieces<How, PACK>(runs, source, out, begun, continued); \
        else reduce_pieces<How, 1>(runs, source, out, begun, continued); \
    } \
    extern "C" __global__ void name##_of_pieces(const Named* sorted, const long long* order, T* out, const Acc* begun, \
                                                const Acc* continued, int n, int rows, int columns, Acc factor, \
                                                const int* counts, int padding, bool with_self, long long* report) \
    { \
        Runs runs = {sorted, order, n, rows, columns, factor, counts, padding, with_self, report}; \
        join_pieces<How>(runs, out, begun, continued); \
    }

RUNS(sum_of_runs, Sum)
RUNS(product_of_runs, Product)
RUNS(max_of_runs, Max)
RUNS(min_of_runs, Min)
