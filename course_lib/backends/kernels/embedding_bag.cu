// Bags of rows: for each bag of indices the sum, the mean or the maximum of the rows of a table that they name.
//
// A thread makes one column of one bag and goes through the bag's indices, so that the rows are read once and nothing
// else is: neighbouring threads read neighbouring columns of the same row. A bag begins at starts[bag], or without
// `starts` all have `length` indices. Indices that are `padding` do not count.
#include "places.cuh"

enum Mode { SUM, MEAN, MAX };

// weights: what the rows are multiplied with, one for each index, or null. chosen, with MAX: the row that each number
// comes from, -1 in an empty bag, whose numbers are 0; null: nobody asks.
extern "C" __global__ void embedding_bag(const T* table, const Named* index, const long long* starts, const T* weights,
                                         T* out, long long* chosen, int bags, int length, int n, int rows, int columns,
                                         int mode, int padding, long long* report)
{
    for (int i = thread_number(); i < bags * columns; i += thread_count()) {
        int bag = i / columns, column = i % columns, counted = 0, best = -1;
        int from = starts != nullptr ? int(starts[bag]) : bag * length;
        int to = starts == nullptr ? from + length : bag + 1 < bags ? int(starts[bag + 1]) : n;
        Acc total = 0;
        for (int k = from > 0 ? from : 0; k < to && k < n; ++k) {
            int row = place_of(index[k], 0, rows, report);
            if (row == padding) continue;
            Acc value = Acc(table[row * columns + column]);
            if (weights != nullptr) value *= Acc(weights[k]);
            if (mode != MAX) total += value;
            else if (counted == 0 || value > total) {
                total = value;
                best = row;
            }
            ++counted;
        }
        out[i] = T(mode == MEAN && counted > 0 ? total / Acc(counted) : total);
        if (chosen != nullptr) chosen[i] = best;
    }
}
