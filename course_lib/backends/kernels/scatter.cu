// Adding rows to the places that an index names: index_add, scatter_add, and the gradient of an embedding.
//
//     out[index[i], c] += source[i, c]        source (n, columns)
//
// Two rows may name one place. Either the addition is atomic: fast, but the order and with it the last digits change
// from run to run. Or the index is sorted first (`order`: which rows come in which place), and one thread adds all rows
// of one place one after the other: the same result every time. Sums are Acc, rounded by the caller once at the end.
#include "numbers.cuh"

extern "C" __global__ void index_add_atomic(const T* source, const long long* index, Acc* out, int n, int columns)
{
    for (int i = thread_number(); i < n * columns; i += thread_count())
        atomicAdd(&out[index[i / columns] * columns + i % columns], Acc(source[i]));
}

// sorted[k] = index[order[k]], ascending. The thread of the first row of a place does the work, the others have none.
extern "C" __global__ void index_add_sorted(const T* source, const long long* sorted, const long long* order, Acc* out,
                                            int n, int columns)
{
    for (int i = thread_number(); i < n * columns; i += thread_count()) {
        int k = i / columns, column = i % columns;
        long long place = sorted[k];
        if (k > 0 && sorted[k - 1] == place) continue;
        Acc sum = out[place * columns + column];
        for (; k < n && sorted[k] == place; ++k) sum += Acc(source[order[k] * columns + column]);
        out[place * columns + column] = sum;
    }
}

// The gradient of an embedding is the same, but for rows of the padding index (-1: none), which get nothing.
extern "C" __global__ void embedding_backward_atomic(const T* g, const long long* index, Acc* by_weight, int n,
                                                     int columns, long long padding)
{
    for (int i = thread_number(); i < n * columns; i += thread_count()) {
        long long row = index[i / columns];
        if (row != padding) atomicAdd(&by_weight[row * columns + i % columns], Acc(g[i]));
    }
}

extern "C" __global__ void embedding_backward_sorted(const T* g, const long long* sorted, const long long* order,
                                                     Acc* by_weight, int n, int columns, long long padding)
{
    for (int i = thread_number(); i < n * columns; i += thread_count()) {
        int k = i / columns, column = i % columns;
        long long row = sorted[k];
        if (row == padding || (k > 0 && sorted[k - 1] == row)) continue;
        Acc sum = 0;
        for (; k < n && sorted[k] == row; ++k) sum += Acc(g[order[k] * columns + column]);
        by_weight[row * columns + column] = sum;
    }
}
