// The sum of exponentials of a row, which softmax, log-softmax and cross entropy share.
//
// The maximum and the sum come from one pass ("online softmax": when a larger number turns up, the sum so far is
// scaled down). Each exponential is computed once: with respect to the largest number that its thread saw, and brought
// to the row's maximum by a factor that belongs to the thread.
//
// Source: Milakov & Gimelshein (2018), "Online normalizer calculation for softmax", arXiv:1805.02867
#ifndef SOFTMAX_CUH
#define SOFTMAX_CUH

#include "rows.cuh"

// Of one thread's numbers: the largest; the same as `base`, but finite if all are -infinity; the sum of exp(x - base).
struct Share {
    Acc high = -infinity(), base = 0, sum = 0;

    // Takes in a chunk of the row, in which -infinity stands for what is missing. Leaves exp(x - base) in its place if
    // POWERS.
    template <bool POWERS = false, class R> __device__ void fold(const R& row, int from, Acc (&held)[PACKS][PACK])
    {
        Acc before = base;
        row.each(held, from, [&](int k, int) {
            EACH_NUMBER high = fmax(high, held[k][j]);
        });
        base = high == -infinity() ? Acc(0) : high;
        if (sum != 0) sum *= exp(before - base);
        row.each(held, from, [&](int k, int) {
            EACH_NUMBER {
                Acc power = exp(held[k][j] - base);
                sum += power;
                if (POWERS) held[k][j] = power;
            }
        });
    }

    // By what the thread's exponentials are multiplied to be those with respect to the row's maximum; nan in a row that
    // is -infinity throughout, where softmax is nan.
    __device__ Acc down(Acc all_high) const { return exp(high - all_high); }

    __device__ Acc sum_of_all(const Team& team, Acc all_high) const
    {
        return team_sum(team, sum == 0 ? Acc(0) : sum * down(all_high));
    }

    __device__ Acc log_of_all(const Team& team) const
    {
        Acc all_high = team_max(team, high);
        return all_high + log(sum_of_all(team, all_high));
    }
};

#endif
