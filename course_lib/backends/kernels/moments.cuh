// Mean and variance of many numbers, put together from those of few.
//
// The shortcut "mean of squares minus square of the mean" loses all digits where the mean is large. So a thread takes
// the mean of the few numbers that its registers hold, then their squares about it, and such results are joined
// exactly. One of the numbers is taken off all of them before: means are small then, and keep their digits.
//
// Source: Chan, Golub & LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances"
#ifndef MOMENTS_CUH
#define MOMENTS_CUH

#include "rows.cuh"

// Of `count` numbers: their mean, and squares = sum of (x - mean)^2.
struct Moments {
    Acc count, mean, squares;

    __device__ void join(Moments more)
    {
        if (more.count == 0) return;
        Acc off = more.mean - mean, all = count + more.count, share = more.count / all;
        squares += more.squares + off * off * count * share;
        mean += off * share;
        count = all;
    }

    // Those of a whole team, which has `all` numbers, from those of its threads. They are plain sums, so that all
    // threads see the same.
    __device__ Moments over(const Team& team, Acc all) const
    {
        Acc middle = team_sum(team, count * mean) / all, off = mean - middle;
        return {all, middle, team_sum(team, count == 0 ? Acc(0) : squares + count * off * off)};
    }
};

#endif
