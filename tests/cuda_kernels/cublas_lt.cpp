// cuBLASLt on the processor, as far as the library uses it: strict, with the types of NVIDIA's header.
//
// What the real one refuses is refused here (7: a wrong value, 15: not supported), and so is what it would read wrongly
// without a word: attributes of another size, an algorithm chosen for another product, a workspace that is too small.
// float16 is not supported, which shows what happens then.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

enum { SUCCESS = 0, INVALID = 7, UNSUPPORTED = 15 };
enum { R_32F = 0, R_64F = 1, R_16BF = 14, COMPUTE_32F = 68, COMPUTE_64F = 70, COMPUTE_TF32 = 77 };
constexpr size_t WORKSPACE = 256;

struct Description { int compute, factor, flag_a, flag_b; unsigned epilogue; const void* bias; };
struct Layout { int type; uint64_t rows, columns; int64_t ld; };
struct Preference { uint64_t workspace; unsigned aligned[4]; };
struct Algorithm { uint64_t data[8]; };
struct Choice { Algorithm algorithm; size_t workspace; int state; float waves; int reserved[4]; };
static_assert(sizeof(Choice) == 96, "as in cublasLt.h");

static float number(uint16_t bits)
{
    uint32_t all = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &all, 4);
    return value;
}

static double read(const void* at, int type, int64_t i)
{
    if (type == R_64F) return ((const double*)at)[i];
    return type == R_32F ? ((const float*)at)[i] : number(((const uint16_t*)at)[i]);
}

static void write(void* at, int type, int64_t i, double value)
{
    if (type == R_64F) ((double*)at)[i] = value;
    else if (type == R_32F) ((float*)at)[i] = float(value);
    else {
        float narrow = float(value);
        uint32_t all;
        memcpy(&all, &narrow, 4);
        ((uint16_t*)at)[i] = (all + 0x7fff + (all >> 16 & 1)) >> 16;
    }
}

template <class V> static int set(V& field, const void* value, size_t size)
{
    if (size != sizeof(V)) return INVALID;
    memcpy(&field, value, size);
    return SUCCESS;
}

static bool fits(const Description* d, const Layout* a, const Layout* b, const Layout* c)
{
    bool wide = a->type == R_64F && d->compute == COMPUTE_64F && d->factor == R_64F;
    bool narrow = (a->type == R_32F || a->type == R_16BF) && d->compute == COMPUTE_32F && d->factor == R_32F;
    bool tf32 = a->type == R_32F && d->compute == COMPUTE_TF32 && d->factor == R_32F;
    uint64_t m = d->flag_a ? a->columns : a->rows, k = d->flag_a ? a->rows : a->columns;
    uint64_t n = d->flag_b ? b->rows : b->columns;
    return (wide || narrow || tf32) && b->type == a->type && c->type == a->type && c->rows == m && c->columns == n
        && k == (d->flag_b ? b->columns : b->rows) && d->epilogue == 4;
}

static Algorithm chosen_for(const Description* d, const Layout* a, const Layout* b, const Layout* c)
{
    return {{uint64_t(d), uint64_t(a), uint64_t(b), uint64_t(c), uint64_t(d->flag_a), uint64_t(d->flag_b), 0, 42}};
}

extern "C" {
int calls = 0, described = 0;  // products; descriptions and layouts that are there

int cublasLtMatmulDescCreate(Description** made, int compute, int factor)
{
    ++described;
    *made = new Description{compute, factor, 0, 0, 1, nullptr};
    return SUCCESS;
}

int cublasLtMatmulDescSetAttribute(Description* d, int attribute, const void* value, size_t size)
{
    switch (attribute) {
    case 3: return set(d->flag_a, value, size);
    case 4: return set(d->flag_b, value, size);
    case 7: return set(d->epilogue, value, size);
    case 8: return set(d->bias, value, size);
    default: return INVALID;
    }
}

int cublasLtMatrixLayoutCreate(Layout** made, int type, uint64_t rows, uint64_t columns, int64_t ld)
{
    if (ld < int64_t(rows)) return INVALID;
    ++described;
    *made = new Layout{type, rows, columns, ld};
    return SUCCESS;
}

int cublasLtMatmulDescDestroy(Description* d)
{
    --described;
    delete d;
    return SUCCESS;
}

int cublasLtMatrixLayoutDestroy(Layout* layout)
{
    --described;
    delete layout;
    return SUCCESS;
}

int cublasLtMatmulPreferenceCreate(Preference** made)
{
    *made = new Preference{0, {256, 256, 256, 256}};
    return SUCCESS;
}

int cublasLtMatmulPreferenceSetAttribute(Preference* p, int attribute, const void* value, size_t size)
{
    if (attribute == 1) return set(p->workspace, value, size);
    return attribute >= 5 && attribute <= 8 ? set(p->aligned[attribute - 5], value, size) : INVALID;
}

int cublasLtMatmulPreferenceDestroy(Preference* p)
{
    delete p;
    return SUCCESS;
}

int cublasLtMatmulAlgoGetHeuristic(void* handle, Description* d, Layout* a, Layout* b, Layout* c, Layout* result,
                                   Preference* p, int wanted, Choice* choices, int* count)
{
    *count = 0;
    if (!handle || wanted < 1 || c != result) return INVALID;
    if (!fits(d, a, b, c)) return UNSUPPORTED;
    for (unsigned aligned : p->aligned)
        if (aligned != 16) return INVALID;
    if (p->workspace < WORKSPACE) return UNSUPPORTED;
    choices[0] = {chosen_for(d, a, b, c), WORKSPACE, SUCCESS, 1.0f, {}};
    *count = 1;
    return SUCCESS;
}

int cublasLtMatmul(void* handle, Description* d, const void* alpha, const void* a, Layout* of_a, const void* b,
                   Layout* of_b, const void* beta, const void* c, Layout* of_c, void* out, Layout* of_out,
                   const Algorithm* algorithm, void* workspace, size_t size, void* stream)
{
    Algorithm right = chosen_for(d, of_a, of_b, of_c);
    if (!handle || !fits(d, of_a, of_b, of_c) || memcmp(algorithm, &right, sizeof right) != 0) return INVALID;
    if (!workspace || size < WORKSPACE || c != out || of_c != of_out || !d->bias) return INVALID;
    if (read(alpha, d->factor, 0) != 1 || read(beta, d->factor, 0) != 0 || stream) return INVALID;
    for (const void* place : {a, b, (const void*)out, d->bias})
        if (uint64_t(place) % 16) return INVALID;
    memset(workspace, 0xff, size);
    int64_t m = of_c->rows, n = of_c->columns, k = d->flag_a ? of_a->rows : of_a->columns;
    for (int64_t row = 0; row < m; ++row)
        for (int64_t column = 0; column < n; ++column) {
            double sum = read(d->bias, of_c->type, row);
            for (int64_t i = 0; i < k; ++i)
                sum += read(a, of_a->type, d->flag_a ? i + row * of_a->ld : row + i * of_a->ld)
                    * read(b, of_b->type, d->flag_b ? column + i * of_b->ld : i + column * of_b->ld);
            write(out, of_c->type, row + column * of_c->ld, sum);
        }
    ++calls;
    return SUCCESS;
}
}
