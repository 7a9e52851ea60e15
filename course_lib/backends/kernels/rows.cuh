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
// rows.py chooses the team: blockDim.x threads side by side for a row, or, with step > 1, blockDim.y in a column.
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

// Of kernels with teams. A compiler that is not told how large blocks are takes up to 150 registers for a thread, to have
// all reads of a chunk on their way at once, and leaves room for few threads.
#define TEAMS __launch_bounds__(MOST_THREADS_OF_TEAM)

// This thread's number in its team, and how the team adds up.
struct Team {
    int rank, size;
    bool column;

    // What `How` makes of the numbers of all threads of the team. Every thread of the block must call it.
    template <class How> __device__ Acc over(Acc mine) const
    {
        if (column) return over_column<How>(mine);
        if (size > WARP) return over_block<How>(mine);
        for (int step = size / 2; step > 0; step /= 2) mine = How::join(mine, __shfl_xor_sync(ALL_LANES, mine, step));
        return mine;
    }

    template <class How> __device__ Acc over_column(Acc mine) const
    {
        __shared__ Acc all[MOST_THREADS_OF_TEAM];
        __syncthreads();  // nobody reads the last call's numbers any more
        all[threadIdx.y * blockDim.x + threadIdx.x] = mine;
        __syncthreads();
        mine = all[threadIdx.x];
        for (int y = 1; y < blockDim.y; ++y) mine = How::join(mine, all[y * blockDim.x + threadIdx.x]);
        return mine;
    }
};

// A row of n numbers, or its place among them: `start`, and n = 0 for a team behind the last row.
struct Row : Team {
    long long start, number;
    int n, step;
    bool packed;  // whether its numbers can be read 16 bytes at a time
    int gap;      // from one number of a pack to the next: 1, or so that neighbouring threads have neighbours

    template <class... Arrays>
    __device__ Row(int row, int rows, int n, int inner, const Arrays*... arrays)
        : Team{int(inner > 1 ? threadIdx.y : threadIdx.x), int(inner > 1 ? blockDim.y : blockDim.x), inner > 1},
          number(row), n(row < rows ? n : 0), step(inner)
    {
        start = inner > 1 ? (number / inner) * n * inner + number % inner : number * n;
        packed = inner == 1 && n % PACK == 0 && (starts_well(arrays) && ...);
        gap = packed ? 1 : size;
    }

    // The place of a team in the grid.
    static __device__ int of_team(int inner)
    {
        return inner > 1 ? blockIdx.x * blockDim.x + threadIdx.x : blockIdx.x * blockDim.y + threadIdx.y;
    }

    template <int COUNT> __device__ int chunk() const { return COUNT * PACK * size; }
    template <int COUNT> __device__ bool in_chunks() const { return n > chunk<COUNT>(); }

    // f(k, i) for each pack of a chunk that begins at `from`; i is the row's number of its first element. Packs that no
    // thread of the team needs are left out. k is known to the compiler, so that a pack can live in registers.
    template <int COUNT, class F> __device__ void each(int from, F f) const
    {
#pragma unroll
        for (int k = 0; k < COUNT; ++k) {
            int first = from + k * PACK * size;
            if (first >= n) break;
            f(k, first + (packed ? rank * PACK : rank));
        }
    }

    template <class S> __device__ void read(const S* row, int i, PackOf<S>& pack) const
    {
        if (packed) {
            if (i < n) pack = *(const PackOf<S>*)(row + i);
        } else {
#pragma unroll
            for (int j = 0; j < PACK; ++j)
                if (i + j * gap < n) pack.at[j] = row[(long long)(i + j * gap) * step];
        }
    }

    __device__ bool has(int i, int j) const { return i + j * gap < n; }

    // The same as numbers; `missing` where the row has ended.
    template <class S> __device__ void get(const S* row, int i, Acc (&numbers)[PACK], Acc missing) const
    {
        PackOf<S> raw;
        read(row, i, raw);
#pragma unroll
        for (int j = 0; j < PACK; ++j) numbers[j] = has(i, j) ? Acc(raw.at[j]) : missing;
    }

    // The numbers of a chunk into registers, `missing` where the row has ended. First all reads, then what needs them:
    // so all of them are on their way at once.
    template <int COUNT, class S>
    __device__ void load(const S* row, int from, Acc (&held)[COUNT][PACK], Acc missing) const
    {
        PackOf<S> raw[COUNT];
        each<COUNT>(from, [&](int k, int i) { read(row, i, raw[k]); });
        each<COUNT>(from, [&](int k, int i) {
#pragma unroll
            for (int j = 0; j < PACK; ++j) held[k][j] = has(i, j) ? Acc(raw[k].at[j]) : missing;
        });
    }

    __device__ void write(T* row, int i, const Acc (&numbers)[PACK]) const
    {
        if (packed) {
            PackOf<T> pack;
#pragma unroll
            for (int j = 0; j < PACK; ++j) pack.at[j] = T(numbers[j]);
            if (i < n) *(PackOf<T>*)(row + i) = pack;
        } else {
#pragma unroll
            for (int j = 0; j < PACK; ++j)
                if (has(i, j)) row[(long long)(i + j * gap) * step] = T(numbers[j]);
        }
    }
};

#define EACH_NUMBER _Pragma("unroll") for (int j = 0; j < PACK; ++j)

#endif
