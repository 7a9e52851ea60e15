// How numbers become one: what is kept of those seen so far (State), how one more is taken in, how two states join, and
// what the last state says. `constant` is what a result needs besides: by how much a sum is divided, for example.
#ifndef REDUCTIONS_CUH
#define REDUCTIONS_CUH

#include "numbers.cuh"

// Sums; divided by their count they are means.
struct total {
    using State = Acc;
    static __device__ State nothing() { return 0; }
    static __device__ void take(State& s, Acc x, int) { s += x; }
    static __device__ State join(State a, State b) { return a + b; }
    static __device__ Acc result(State s, Acc divisor) { return s / divisor; }
    static __device__ int place(State) { return 0; }
};

// The root of the sum of squares.
struct euclidean : total {
    static __device__ void take(State& s, Acc x, int) { s += x * x; }
    static __device__ Acc result(State s, Acc) { return sqrt(s); }
};

struct product : total {
    static __device__ State nothing() { return 1; }
    static __device__ void take(State& s, Acc x, int) { s *= x; }
    static __device__ State join(State a, State b) { return a * b; }
    static __device__ Acc result(State s, Acc) { return s; }
};

struct largest : total {
    static __device__ State nothing() { return -infinity(); }
    static __device__ void take(State& s, Acc x, int) { s = larger(s, x); }
    static __device__ State join(State a, State b) { return larger(a, b); }
    static __device__ Acc result(State s, Acc) { return s; }
};

struct smallest : total {
    static __device__ State nothing() { return infinity(); }
    static __device__ void take(State& s, Acc x, int) { s = join(s, x); }
    static __device__ State join(State a, State b) { return -larger(-a, -b); }
    static __device__ Acc result(State s, Acc) { return s; }
};

// An extreme value and its place; the first of equal ones, and the first NaN before everything else.
template <bool MAXIMUM> struct Extreme {
    struct State { Acc value; int place; };
    static __device__ State nothing() { return {MAXIMUM ? -infinity() : infinity(), 0x7fffffff}; }
    static __device__ bool first_wins(State a, State b)
    {
        bool a_nan = a.value != a.value, b_nan = b.value != b.value;
        if (a_nan != b_nan) return a_nan;
        if (a_nan || a.value == b.value) return a.place < b.place;
        return MAXIMUM ? a.value > b.value : a.value < b.value;
    }
    static __device__ State join(State a, State b) { return first_wins(a, b) ? a : b; }
    static __device__ void take(State& s, Acc x, int i) { s = join(s, State{x, i}); }
    static __device__ Acc result(State s, Acc) { return s.value; }
    static __device__ int place(State s) { return s.place; }
};
using maximum_at = Extreme<true>;
using minimum_at = Extreme<false>;

// The squared distances from the mean, in one pass: mean and squares follow each number (Welford 1962), and two groups
// are joined by the distance of their means (Chan, Golub & LeVeque 1983). Σx² - (Σx)²/n would lose all digits where the
// mean is large.
struct variance {
    struct State { Acc count, mean, squares; };
    static __device__ State nothing() { return {0, 0, 0}; }
    static __device__ void take(State& s, Acc x, int)
    {
        Acc before = x - s.mean;
        s.count += 1;
        s.mean += before / s.count;
        s.squares += before * (x - s.mean);
    }
    static __device__ State join(State a, State b)
    {
        if (b.count == 0) return a;
        Acc count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
        return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * a.count * share};
    }
    static __device__ Acc result(State s, Acc freedom) { return s.squares / freedom; }
    static __device__ int place(State) { return 0; }
};

struct deviation : variance {
    static __device__ Acc result(State s, Acc freedom) { return sqrt(s.squares / freedom); }
};

// log Σ exp(x): the largest so far, and the sum of exp(x - largest), scaled down when a larger one turns up.
struct log_sum_exp {
    struct State { Acc high, sum; };
    static __device__ State nothing() { return {-infinity(), 0}; }
    static __device__ State join(State a, State b)
    {
        if (b.sum == 0) return a;  // nothing, or only -infinity
        if (a.high < b.high) {
            State turned = a;
            a = b;
            b = turned;
        }
        a.sum += a.high == b.high ? b.sum : b.sum * exp(b.high - a.high);  // infinity - infinity would be NaN
        return a;
    }
    static __device__ void take(State& s, Acc x, int)
    {
        if (x != -infinity()) s = join(s, State{x, 1});
    }
    static __device__ Acc result(State s, Acc) { return s.high + log(s.sum); }
    static __device__ int place(State) { return 0; }
};

#endif
