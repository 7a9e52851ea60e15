// What backward of attention needs besides its products: a sum for each query, and all of dropout's factors where they
// are asked for.
#include "attention.cuh"
#include "attention_tiles.cuh"

// balance = Σ by_out · out of each query: 8 lanes a row, which read 16 bytes at a time.
extern "C" __global__ void attention_balance(const T* by_out, const T* out, float* balance, Problem of, int rows)
{
    constexpr int EACH = 16 / sizeof(T);
    using Chunk = Pack<T, EACH>;
    int row = thread_number() / 8, queries = of.queries, across = of.heads, width = of.value_width;
    int heads = row / queries;
    by_out = of.by_out.of(by_out, heads / across, heads % across) + row % queries * of.by_out.row;
    out = of.out.of(out, heads / across, heads % across) + row % queries * of.out.row;
    bool whole = width % EACH == 0 && ((unsigned long long)by_out | (unsigned long long)out) % 16 == 0;
    float sum = 0;
    for (int column = threadIdx.x % 8 * EACH; column < width && row < rows; column += 8 * EACH) {
        Chunk one = {}, other = {};
        if (whole) {
            one = *(const Chunk*)(by_out + column);
            other = *(const Chunk*)(out + column);
        } else {
            #pragma unroll
            for (int k = 0; k < EACH; ++k)
                if (column + k < width) one.at[k] = by_out[column + k], other.at[k] = out[column + k];
        }
        #pragma unroll
        for (int k = 0; k < EACH; ++k) sum += float(one.at[k]) * float(other.at[k]);
    }
    for (int step = 4; step > 0; step /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, step);
    if (threadIdx.x % 8 == 0 && row < rows) balance[row] = sum;
}

// The factors by which dropout multiplied the weights, (batch, heads, L, S) one after the other: for a gradient of a
// gradient, which is made of formulas over all weights.
extern "C" __global__ void attention_noise(T* noise, Problem of, unsigned long long seed, unsigned long long offset,
                                           int count)
{
    int keys = of.keys, queries = of.queries;
    for (int n = thread_number(); n < count; n += thread_count()) {
        int j = n % keys, i = n / keys % queries, heads = n / keys / queries;
        Drop drop(of, heads / of.heads, heads % of.heads, seed, offset);
        noise[n] = T(drop.keeps(i, j) ? kept_scale(of) : 0.0f);
    }
}
