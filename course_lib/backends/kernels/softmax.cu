// Softmax and log-softmax: a team of threads for each row (rows.cuh). A row that fits into the team's registers is read
// once and written once; a longer one is read twice.
#include "softmax.cuh"

extern "C" __global__ void TEAMS softmax_forward(const T* x, T* out, int rows, int n, int inner)
{
    on_row(rows, n, inner, [=](auto row) mutable {
        x += row.start, out += row.start;
        Share share;
        Acc held[PACKS][PACK];
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(held)) {
            row.load(x, from, held, -infinity());
            share.fold<true>(row, from, held);
        }
        Acc high = team_max(row, share.high), factor = share.down(high) / share.sum_of_all(row, high);
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(held)) {
            bool again = !row.fits(held);  // what the registers hold is the last chunk
            if (again) row.load(x, from, held, -infinity());
            row.each(held, from, [&](int k, int i) {
                EACH_NUMBER held[k][j] = (again ? exp(held[k][j] - share.base) : held[k][j]) * factor;
                row.write(out, i, held[k]);
            });
        }
    }, x, out);
}

extern "C" __global__ void TEAMS log_softmax_forward(const T* x, T* out, int rows, int n, int inner)
{
    on_row(rows, n, inner, [=](auto row) mutable {
        x += row.start, out += row.start;
        Share share;
        Acc held[PACKS][PACK];
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(held)) {
            row.load(x, from, held, -infinity());
            share.fold(row, from, held);
        }
        Acc high = team_max(row, share.high), logarithm = log(share.sum_of_all(row, high));
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(held)) {
            if (!row.fits(held)) row.load(x, from, held, -infinity());
            row.each(held, from, [&](int k, int i) {
                EACH_NUMBER held[k][j] = held[k][j] - high - logarithm;
                row.write(out, i, held[k]);
            });
        }
    }, x, out);
}

// ---- backward: g and y are read once where a row of both fits, else twice; by_x is written once ---------------------

// by_x = change(g, y, total) with total = sum of term(g, y) over the row
template <class R, class Term, class Change>
__device__ void backward(const R& row, const T* g, const T* y, T* by_x, Term term, Change change)
{
    g += row.start, y += row.start, by_x += row.start;
    Acc held[PACKS][PACK], value[PACKS][PACK], mine = 0;
#pragma unroll 1
    for (int from = 0; from < row.n; from += row.chunk(held)) {
        row.load(g, from, held, Acc(0));
        row.load(y, from, value, Acc(0));
        row.each(held, from, [&](int k, int) {
            EACH_NUMBER mine += term(held[k][j], value[k][j]);
        });
    }
    Acc total = team_sum(row, mine);
#pragma unroll 1
    for (int from = 0; from < row.n; from += row.chunk(held)) {
        if (!row.fits(held)) {
            row.load(g, from, held, Acc(0));
            row.load(y, from, value, Acc(0));
        }
        row.each(held, from, [&](int k, int i) {
            EACH_NUMBER held[k][j] = change(held[k][j], value[k][j], total);
            row.write(by_x, i, held[k]);
        });
    }
}

// by_x = y (g - sum of g y)
extern "C" __global__ void TEAMS softmax_backward(const T* g, const T* y, T* by_x, int rows, int n, int inner)
{
    on_row(rows, n, inner, [=](auto row) {
        backward(row, g, y, by_x, [](Acc g, Acc y) { return g * y; },
                 [](Acc g, Acc y, Acc total) { return y * (g - total); });
    }, g, y, by_x);
}

// by_x = g - exp(y) sum of g
extern "C" __global__ void TEAMS log_softmax_backward(const T* g, const T* y, T* by_x, int rows, int n, int inner)
{
    on_row(rows, n, inner, [=](auto row) {
        backward(row, g, y, by_x, [](Acc g, Acc) { return g; },
                 [](Acc g, Acc y, Acc total) { return g - exp(y) * total; });
    }, g, y, by_x);
}
