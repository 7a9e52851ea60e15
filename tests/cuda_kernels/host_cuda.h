// Enough of CUDA for a C++ compiler to run the kernels of course_lib on the processor.
//
// A block's threads are fibers: one runs until it waits, then the next. A warp runs on until it waits for other warps;
// when all wait at a barrier, all go on. So shared memory, barriers and shuffles work as on a GPU, a barrier that some
// threads never reach is an error instead of a hang, and running everything in the opposite order shows results that
// depend on the order.
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <tuple>
#include <vector>

#define __device__
#define __global__
#define __launch_bounds__(...)
#define __shared__ static  // one block runs at a time

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }

struct Index { unsigned int x, y, z; };
static Index threadIdx, blockIdx, blockDim, gridDim;

// ---- fibers ---------------------------------------------------------------------------------------------------------

enum State { READY, AT_BARRIER, AT_WARP, DONE };

// A thread with a stack of its own, which serves one block after the other. ucontext makes the stack; after that
// _setjmp and _longjmp switch, without a system call.
struct Fiber {
    bool made;
    ucontext_t context;
    jmp_buf here;
    State state;
};

constexpr int LANES = 32, MOST_THREADS = 1024, STACK = 1 << 16;
static Fiber fibers[MOST_THREADS];
static char* stacks = (char*)malloc((size_t)MOST_THREADS * STACK);  // only what is used gets memory
static jmp_buf scheduler;
static int running;     // the fiber that runs
static const char* misuse;  // of an instruction, if there was any
static void (*body)();  // runs the kernel with its arguments

static void wait(State where)
{
    fibers[running].state = where;
    if (!_setjmp(fibers[running].here)) _longjmp(scheduler, 1);
}

static void fiber_main()
{
    for (;;) {
        body();
        wait(DONE);
    }
}

static void resume(int i)
{
    Fiber& fiber = fibers[i];
    running = i;
    threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
    if (_setjmp(scheduler)) return;  // it waits
    if (fiber.made) _longjmp(fiber.here, 1);
    fiber.made = true;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stacks + (size_t)i * STACK;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
    setcontext(&fiber.context);
}

// Lets the fibers from first to last go on if all wait at `where`.
static bool release(int first, int last, State where)
{
    for (int i = first; i < last; ++i)
        if (fibers[i].state != where) return false;
    for (int i = first; i < last; ++i) fibers[i].state = READY;
    return true;
}

// Lets one warp run until it waits for the others: as far ahead of them as a GPU could let it.
static void run_warp(int first, int last, bool backwards)
{
    do {
        for (int k = first; k < last; ++k) {
            int i = backwards ? first + last - 1 - k : k;
            if (fibers[i].state == READY) resume(i);
        }
    } while (release(first, last, AT_WARP));
}

static bool run_block(int threads, bool backwards)
{
    for (int i = 0; i < threads; ++i) fibers[i].state = READY;
    do {
        int warps = (threads + LANES - 1) / LANES;
        for (int k = 0; k < warps; ++k) {
            int warp = backwards ? warps - 1 - k : k;
            run_warp(warp * LANES, min((warp + 1) * LANES, threads), backwards);
        }
    } while (release(0, threads, AT_BARRIER));
    for (int i = 0; i < threads; ++i)
        if (fibers[i].state != DONE) {
            for (Fiber& fiber : fibers) fiber.made = false;  // they are in the middle of something
            return false;
        }
    return true;
}

// ---- what kernels call ----------------------------------------------------------------------------------------------

inline void __syncthreads() { wait(AT_BARRIER); }
inline void __syncwarp() { wait(AT_WARP); }

// All lanes show their number, then each reads that of another.
template <class V> V exchanged(V mine, int from)
{
    static V shown[MOST_THREADS];
    int warp = running / LANES * LANES;
    shown[running] = mine;
    __syncwarp();
    V theirs = shown[warp + from];
    __syncwarp();
    return theirs;
}

template <class V> V __shfl_sync(unsigned int, V mine, int lane) { return exchanged(mine, lane); }
template <class V> V __shfl_xor_sync(unsigned int, V mine, int bits)
{
    return exchanged(mine, (running % LANES) ^ bits);
}

// A bit for each lane whose condition holds.
inline unsigned int __ballot_sync(unsigned int, bool holds)
{
    unsigned int bits = 0;
    for (int lane = 0; lane < LANES; ++lane) bits |= (unsigned int)exchanged(int(holds), lane) << lane;
    return bits;
}

inline int __ffs(int bits) { return __builtin_ffs(bits); }  // the number of the lowest bit that is set, from 1

template <class V> V atomicAdd(V* place, V value)
{
    V before = *place;
    *place = before + value;
    return before;
}

template <class To, class From> To same_bits(From value)
{
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To made;
    memcpy(&made, &value, sizeof made);
    return made;
}

inline unsigned int __float_as_uint(float value) { return same_bits<unsigned int>(value); }
inline float __uint_as_float(unsigned int bits) { return same_bits<float>(bits); }

#define sinpi(x) sin(M_PI * (x))
#define cospi(x) cos(M_PI * (x))

#ifdef __APPLE__
inline void sincosf(float angle, float* sine, float* cosine)
{
    *sine = sinf(angle);
    *cosine = cosf(angle);
}
#endif

// float16 by arithmetic: the fraction has 10 bits, the least exponent is -14.
#define HALF_CONVERSIONS
inline unsigned short half_of_float(float value)
{
    unsigned short sign = __float_as_uint(value) >> 16 & 0x8000;
    if (value != value) return sign | 0x7e00;
    float size = fabsf(value);
    if (size == 0) return sign;
    if (size >= 65520.0f) return sign | 0x7c00;
    int exponent;
    frexpf(size, &exponent);  // size = [0.5, 1) · 2^exponent
    int least = max(exponent - 1, -14);
    int count = (int)nearbyintf(ldexpf(size, 10 - least));  // in units of the last place; 1024 and more: a leading 1
    return sign | (unsigned short)(count + (least + 14) * 1024);
}

inline float float_of_half(unsigned short bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size = exponent == 31 ? (fraction ? NAN : INFINITY)
                                : ldexpf(exponent ? 1024 + fraction : fraction, max(exponent, 1) - 25);
    return bits & 0x8000 ? -size : size;
}

struct Half;
struct BFloat16;

// A warp's product in TF32 (tf32.cuh): all lanes show what they hold, then each adds up its four numbers.
#define TF32
inline float as_tf32(float value)
{
    return isfinite(value) ? __uint_as_float((__float_as_uint(value) + 0x1000) & 0xffffe000) : value;
}
inline void add_tf32_product(float (&c)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
{
    static unsigned int left[MOST_THREADS][4], right[MOST_THREADS][2];
    auto number = [](unsigned int bits) { return __uint_as_float(bits & 0xffffe000); };  // the rest is not looked at
    int warp = running / LANES * LANES, g = running % LANES / 4, t = running % 4;
    memcpy(left[running], a, sizeof left[0]);
    right[running][0] = b0, right[running][1] = b1;
    __syncwarp();
    for (int i = 0; i < 4; ++i)
        for (int k = 0; k < 8; ++k)
            c[i] += number(left[warp + g * 4 + k % 4][i / 2 + k / 4 * 2]) *
                    number(right[warp + (2 * t + i % 2) * 4 + k % 4][k / 4]);
    __syncwarp();
}

// What warp_matrices.cuh says in PTX.
#define WARP_MATRICES
template <class V> struct TensorCore {
    // All lanes show what they hold of both matrices, then each adds to its four numbers of the product.
    static void add(float (&sums)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
    {
        static float left[MOST_THREADS / LANES][16][16], right[MOST_THREADS / LANES][8][16];
        int warp = running / LANES, g = running % LANES / 4, t = running % LANES % 4;
        for (int m = 0; m < 4; ++m) split(a[m], left[warp][g + m % 2 * 8] + m / 2 * 8 + 2 * t);
        split(b0, right[warp][g] + 2 * t);
        split(b1, right[warp][g] + 8 + 2 * t);
        __syncwarp();
        for (int k = 0; k < 4; ++k)
            for (int i = 0; i < 16; ++i) sums[k] += left[warp][g + k / 2 * 8][i] * right[warp][2 * t + k % 2][i];
        __syncwarp();
    }
    static void split(unsigned int both, float* to)
    {
        V low, high;
        low.bits = both;
        high.bits = both >> 16;
        to[0] = low;
        to[1] = high;
    }
    static unsigned int pair(float low, float high) { return V(low).bits | (unsigned int)V(high).bits << 16; }
};

// Lane l points at row l % 8 of matrix l / 8; lane 4 g + t gets the numbers 2 t and 2 t + 1 of row g, or of column g.
inline void load_shown(unsigned int (&to)[4], const void* row, bool transposed)
{
    static const unsigned short* rows[MOST_THREADS];
    int warp = running / LANES * LANES, g = running % LANES / 4, t = running % LANES % 4;
    if ((size_t)row % 16) misuse = "a row of a matrix does not start at 16 bytes";
    rows[running] = (const unsigned short*)row;
    __syncwarp();
    for (int m = 0; m < 4; ++m) {
        const unsigned short** of = rows + warp + 8 * m;
        to[m] = transposed ? of[2 * t][g] | (unsigned int)of[2 * t + 1][g] << 16
                           : of[g][2 * t] | (unsigned int)of[g][2 * t + 1] << 16;
    }
    __syncwarp();
}
inline void load_matrices(unsigned int (&to)[4], const void* row) { load_shown(to, row, false); }
inline void load_transposed(unsigned int (&to)[4], const void* row) { load_shown(to, row, true); }

// A copy is made when it is waited for; until then the place is NaN.
struct Later { void* to; const void* from; bool there; int group; };
static std::vector<Later> copies[MOST_THREADS];
static int groups[MOST_THREADS];

inline void copy_later(void* to, const void* from, bool there)
{
    if ((size_t)to % 16 || (size_t)from % 16) misuse = "a copy does not start at 16 bytes";
    memset(to, 0xFF, 16);
    copies[running].push_back({to, from, there, groups[running]});
}
inline void end_group() { ++groups[running]; }
template <int LEFT> void wait_for_copies()
{
    std::vector<Later> rest;
    for (const Later& copy : copies[running]) {
        if (copy.group >= groups[running] - LEFT) rest.push_back(copy);
        else if (copy.there) memcpy(copy.to, copy.from, 16);
        else memset(copy.to, 0, 16);
    }
    copies[running] = rest;
}

inline float power_of_two(float x) { return exp2f(x); }

// ---- launching from Python ------------------------------------------------------------------------------------------

// A type as NumPy names it; * in front of a pointer, a blank behind.
template <class V> constexpr const char* name_of = nullptr;
template <> constexpr const char* name_of<int> = "int32 ";
template <> constexpr const char* name_of<long long> = "int64 ";
template <> constexpr const char* name_of<unsigned long long> = "uint64 ";
template <> constexpr const char* name_of<float> = "float32 ";
template <> constexpr const char* name_of<double> = "float64 ";
template <> constexpr const char* name_of<bool> = "bool ";
template <> constexpr const char* name_of<Half> = "float16 ";
template <> constexpr const char* name_of<BFloat16> = "bfloat16 ";

template <> constexpr const char* name_of<unsigned char> = "uint8 ";
template <> constexpr const char* name_of<short> = "int16 ";
template <> constexpr const char* name_of<unsigned int> = "uint32 ";

template <class A> void add_type(char* all)
{
    all += strlen(all);
    if constexpr (std::is_class_v<A>) sprintf(all, "struct%d ", (int)sizeof(A));  // its size must agree
    else sprintf(all, "%s%s", std::is_pointer_v<A> ? "*" : "", name_of<std::remove_cv_t<std::remove_pointer_t<A>>>);
}

// The types of a kernel's arguments.
template <class... A> const char* argument_types(void (*)(A...))
{
    static char all[500];
    all[0] = 0;
    (add_type<A>(all), ...);
    return all;
}

template <class... A> struct Call {
    static void (*kernel)(A...);
    static std::tuple<A...> values;
    static void run() { std::apply(kernel, values); }
    template <size_t... I> static void take(void** arguments, std::index_sequence<I...>)
    {
        values = std::tuple<A...>{*(A*)arguments[I]...};
    }
};
template <class... A> void (*Call<A...>::kernel)(A...);
template <class... A> std::tuple<A...> Call<A...>::values;

// Sizes: the grid and the block, x y z each. Returns what is wrong, or null.
template <class... A>
const char* launch(void (*kernel)(A...), const unsigned int* sizes, void** arguments, bool backwards)
{
    Call<A...>::kernel = kernel;
    Call<A...>::take(arguments, std::index_sequence_for<A...>());
    body = Call<A...>::run;
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    misuse = nullptr;
    unsigned int blocks = gridDim.x * gridDim.y * gridDim.z, threads = blockDim.x * blockDim.y * blockDim.z;
    if (threads > MOST_THREADS) return "a block has at most 1024 threads";
    for (unsigned int k = 0; k < blocks; ++k) {
        unsigned int b = backwards ? blocks - 1 - k : k;
        blockIdx = {b % gridDim.x, b / gridDim.x % gridDim.y, b / (gridDim.x * gridDim.y)};
        if (!run_block(threads, backwards))
            return "threads wait at a barrier or a shuffle that others of their block have left or never reach";
    }
    return misuse;
}
