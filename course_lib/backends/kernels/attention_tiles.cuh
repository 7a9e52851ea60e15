// Tiles in shared memory, in chunks of 16 bytes.
//
// Shared memory has 32 banks of 4 bytes; 8 lanes that read 16 bytes each are served at once if they hit all banks. Here
// 8 lanes read either 8 chunks of one row, or the same chunk of 8 rows: with rows of 128 bytes or more the latter would
// all lie in the same 4 banks. So the chunks of each row are stored in another order (a "swizzle"): chunk c of row r
// stands at c xor r. Where rows are shorter, several of them share the banks, and change places together.
#ifndef ATTENTION_TILES_CUH
#define ATTENTION_TILES_CUH

#include "numbers.cuh"

template <class V, int COUNT> struct alignas(sizeof(V) * COUNT) Pack { V at[COUNT]; };

template <class V, int ROWS, int WIDTH> struct Tile {
    static constexpr int EACH = 16 / sizeof(V);      // numbers of a chunk
    static constexpr int CHUNKS = WIDTH / EACH;      // chunks of a row
    static constexpr int SWAPPED = CHUNKS < 8 ? CHUNKS : 8, TOGETHER = 8 / SWAPPED;
    using Chunk = Pack<V, EACH>;

    Chunk chunks[ROWS * CHUNKS];

    __device__ static int place(int row, int chunk) { return row * CHUNKS + (chunk ^ (row / TOGETHER % SWAPPED)); }
    __device__ Chunk& chunk(int row, int chunk) { return chunks[place(row, chunk)]; }
    __device__ const Chunk& chunk(int row, int chunk) const { return chunks[place(row, chunk)]; }
    __device__ const V& at(int row, int column) const { return chunk(row, column / EACH).at[column % EACH]; }
    __device__ V& at(int row, int column) { return chunk(row, column / EACH).at[column % EACH]; }

    // Rows first … first + ROWS - 1 of x, `width` numbers each and `step` apart; 0 behind the last row and column.
    // By 16 bytes where all of x lies so, else one by one.
    template <class From> __device__ void load(const From* x, long long step, int first, int length, int width)
    {
        constexpr int BYTES = sizeof(From) * EACH;
        bool whole = width % EACH == 0 && ((unsigned long long)x | step * sizeof(From)) % BYTES == 0;
        #pragma unroll 4
        for (int i = threadIdx.x; i < ROWS * CHUNKS; i += blockDim.x) {
            int row = i / CHUNKS, column = i % CHUNKS * EACH;
            const From* from = x + (first + row) * step + column;
            Pack<From, EACH> read = {};
            if (first + row < length && column < width) {
                if (whole) {
                    read = *(const Pack<From, EACH>*)from;
                } else {
                    #pragma unroll
                    for (int k = 0; k < EACH; ++k)
                        if (column + k < width) read.at[k] = from[k];
                }
            }
            Chunk& to = chunk(row, column / EACH);
            #pragma unroll
            for (int k = 0; k < EACH; ++k) to.at[k] = V(read.at[k]);
        }
    }

    // The same way back.
    template <class To> __device__ void store(To* x, long long step, int first, int length, int width) const
    {
        constexpr int BYTES = sizeof(To) * EACH;
        bool whole = width % EACH == 0 && ((unsigned long long)x | step * sizeof(To)) % BYTES == 0;
        for (int i = threadIdx.x; i < ROWS * CHUNKS; i += blockDim.x) {
            int row = i / CHUNKS, column = i % CHUNKS * EACH;
            if (first + row >= length || column >= width) continue;
            To* to = x + (first + row) * step + column;
            Pack<To, EACH> made;
            #pragma unroll
            for (int k = 0; k < EACH; ++k) made.at[k] = To(chunk(row, column / EACH).at[k]);
            if (whole) {
                *(Pack<To, EACH>*)to = made;
            } else {
                #pragma unroll
                for (int k = 0; k < EACH; ++k)
                    if (column + k < width) to[k] = made.at[k];
            }
        }
    }
};

#endif
