// Rows of numbers, each worked on by a team of threads that keeps it in registers: read once, written once.
//
// What softmax and the norms do with a row (its maximum, its mean, then every number changed by that) would read it two
// or three times. Registers are the largest memory of a processor, 256 KB each, so a team holds the row there:
//
//     a short row    1 to 32 threads of a warp, which need only shuffles to add up; a block has many such rows
//     a long row     a block of up to 512 threads, which meet in shared memory
//     longer still   the block takes it in several chunks, and reads it once more in each pass
//     numbers apart  a row that does not run along the last dimension: its numbers lie `step` apart, and neighbouring
//                    threads take neighbouring rows, so that they read neighbours; a row's threads stand in a column
//
// rows.py chooses the team: blockDim.x threads side by side for a row, or, where numbers lie apart, blockDim.y in a
// column.
#ifndef ROWS_CUH
#define ROWS_CUH

#include "block.cuh"
#include "elementwise.cuh"

// The type of weights and biases: that of the elements, or float beside elements of half precision.
#ifndef WEIGHT
#define WEIGHT ELEMENT
#endif
using W = WEIGHT;

// PACK numbers of a type; they are read and written 16 bytes at a time.
template <class S> struct alignas(sizeof(S) * PACK < 16 ? sizeof(S) * PACK : 16) PackOf { S at[PACK]; };

constexpr int HELD = 64 / sizeof(Acc);  // so many numbers of a row a thread keeps: 16 floats, 8 doubles
constexpr int PACKS = HELD / PACK;
constexpr int MOST_THREADS_OF_TEAM = 512;

// Of kernels with teams. A compiler that is not told how large blocks are takes up to 150 registers for a thread, to
// have all reads of a chunk on their way at once, and leaves room for few threads.
#define TEAMS __launch_bounds__(MOST_THREADS_OF_TEAM)

// Told 512, it would like to keep to 64 registers, so that two blocks find room, and keeps in memory what does not fit.
// Kernels that need a little more say a warp more than there ever is: then it does not try.
constexpr int AND_A_WARP = MOST_THREADS_OF_TEAM + WARP;
#define ROOMY __launch_bounds__(AND_A_WARP)

// This thread's number in its team, and how the team adds up.
struct Team {
    int rank, size;
    bool column;
};

template <class How> __device__ Acc over_column(Acc mine)
{
    __shared__ Acc all[MOST_THREADS_OF_TEAM];
    __syncthreads();  // nobody reads the last call's numbers any more
    all[threadIdx.y * blockDim.x + threadIdx.x] = mine;
    __syncthreads();
    mine = all[threadIdx.x];
    for (int y = 1; y < blockDim.y; ++y) mine = How::join(mine, all[y * blockDim.x + threadIdx.x]);
    return mine;
}

// What `How` makes of the numbers of all threads of the team. Every thread of the block must call it.
template <class How> __device__ Acc over_team(const Team& team, Acc mine)
{
    if (team.column) return over_column<How>(mine);
    if (team.size > WARP) return over_block<How>(mine);
    for (int step = team.size / 2; step > 0; step /= 2)
        mine = How::join(mine, __shfl_xor_sync(ALL_LANES, mine, step));
    return mine;
}

__device__ inline Acc team_sum(const Team& team, Acc mine) { return over_team<Sum>(team, mine); }
__device__ inline Acc team_max(const Team& team, Acc mine) { return over_team<Max>(team, mine); }

// The place of a team in the grid.
__device__ inline int number_of_team(bool column)
{
    return column ? blockIdx.x * blockDim.x + threadIdx.x : blockIdx.x * blockDim.y + threadIdx.y;
}

// A row of n numbers that begins at `start`; n = 0 for a team behind the last row. PACKED: 16 bytes are read at a time.
// Every kernel has both kinds in it, and on_row chooses.
template <bool PACKED> struct Row : Team {
    int number, n, step;
    long long start;
    __device__ Row(int number, int rows, int n, int inner)
        : Team{int(inner > 1 ? threadIdx.y : threadIdx.x), int(inner > 1 ? blockDim.y : blockDim.x), inner > 1},
          number(number), n(number < rows ? n : 0), step(PACKED ? 1 : inner)
    {
        start = inner > 1 ? (long long)(number / inner) * n * inner + number % inner : (long long)number * n;
    }

    // A thread has `COUNT` packs of a chunk of the row. In a pack, numbers are neighbours, or `size` apart, so that
    // neighbouring threads have neighbours. i: the row's number of a pack's first element.
    __device__ bool packed() const { return PACKED; }
    __device__ int at(int i, int j) const { return PACKED ? i + j : i + j * size; }
    __device__ bool has(int i, int j) const { return PACKED ? i < n : at(i, j) < n; }  // packs are full: n % PACK == 0

    template <int COUNT> __device__ int chunk(const Acc (&)[COUNT][PACK]) const { return COUNT * PACK * size; }
    template <int COUNT> __device__ bool fits(const Acc (&held)[COUNT][PACK]) const { return n <= chunk(held); }

    // f(k, i) for each pack of a chunk that begins at `from`. Packs that no thread of the team needs are left out. k is
    // known to the compiler, so that a pack can live in registers.
    template <int COUNT, class F> __device__ void each(const Acc (&)[COUNT][PACK], int from, F f) const
    {
#pragma unroll
        for (int k = 0; k < COUNT; ++k) {
            int first = from + k * PACK * size;
            if (first >= n) break;
            f(k, first + (PACKED ? rank * PACK : rank));
        }
    }

    template <class S> __device__ void read(const S* row, int i, PackOf<S>& pack) const
    {
        if (PACKED) {
            if (i < n) pack = *(const PackOf<S>*)(row + i);
            return;
        }
#pragma unroll
        for (int j = 0; j < PACK; ++j)
            if (has(i, j)) pack.at[j] = row[(long long)at(i, j) * step];
    }

    // The same as numbers; `missing` where the row has ended.
    template <class S> __device__ void get(const S* row, int i, Acc (&numbers)[PACK], Acc missing) const
    {
        PackOf<S> raw;
        read(row, i, raw);
#pragma unroll
        for (int j = 0; j < PACK; ++j) numbers[j] = has(i, j) ? Acc(raw.at[j]) : missing;
    }

    // A chunk into registers. First all reads, then what needs them: so all of them are on their way at once.
    template <int COUNT, class S>
    __device__ void load(const S* row, int from, Acc (&held)[COUNT][PACK], Acc missing) const
    {
        PackOf<S> raw[COUNT];
        each(held, from, [&](int k, int i) { read(row, i, raw[k]); });
        each(held, from, [&](int k, int i) {
#pragma unroll
            for (int j = 0; j < PACK; ++j) held[k][j] = has(i, j) ? Acc(raw[k].at[j]) : missing;
        });
    }

    __device__ void write(T* row, int i, const Acc (&numbers)[PACK]) const
    {
        if (PACKED) {
            PackOf<T> pack;
#pragma unroll
            for (int j = 0; j < PACK; ++j) pack.at[j] = T(numbers[j]);
            if (i < n) *(PackOf<T>*)(row + i) = pack;
            return;
        }
#pragma unroll
        for (int j = 0; j < PACK; ++j)
            if (has(i, j)) row[(long long)at(i, j) * step] = T(numbers[j]);
    }
};

// All rows: `count` of n numbers that lie `inner` apart.
template <bool PACKED> struct Rows {
    int count, n, inner;
    __device__ Row<PACKED> operator[](int number) const { return Row<PACKED>(number, count, n, inner); }
};

// work(rows), where 16 bytes are read at a time if all arrays allow it.
template <class Work, class... Arrays>
__device__ void on_rows(int count, int n, int inner, Work work, const Arrays*... arrays)
{
    if (inner == 1 && n % PACK == 0 && (starts_well(arrays) && ...)) work(Rows<true>{count, n, inner});
    else work(Rows<false>{count, n, inner});
}

// work(row) for a kernel in which a team has one row.
template <class Work, class... Arrays>
__device__ void on_row(int count, int n, int inner, Work work, const Arrays*... arrays)
{
    on_rows(count, n, inner, [=](auto rows) mutable { work(rows[number_of_team(inner > 1)]); }, arrays...);
}

#define EACH_NUMBER _Pragma("unroll") for (int j = 0; j < PACK; ++j)

#endif
