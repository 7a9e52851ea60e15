// Reading at the places that an index names.
//
//     take_rows:       out[o, i, c] = a[o, index[i], c]           a (outer, rows, columns): embedding, index_select
//     gather_elements: out[o, i, c] = a[o, index[o, i, c], c]     gather, take_along_dim
#include "places.cuh"

// A row is copied 16 bytes at once where its length allows that: then Unit is a Pack, and columns count those.
template <class Unit>
__device__ void copy_rows(const Unit* a, const Named* index, Unit* out, int total, int n, int rows, int columns,
                          int least, long long* report)
{
    for (int i = thread_number(); i < total; i += thread_count()) {
        int row = i / columns, column = i % columns, outer = row / n;
        int place = place_of(index[row % n], least, rows, report);
        out[i] = a[(outer * rows + place) * columns + column];
    }
}

// total: the elements of out; n: of index.
extern "C" __global__ void take_rows(const T* a, const Named* index, T* out, int total, int n, int rows, int columns,
                                     int least, long long* report)
{
    if (columns % PACK == 0 && starts_well(a) && starts_well(out))
        copy_rows((const Pack*)a, index, (Pack*)out, total / PACK, n, rows, columns / PACK, least, report);
    else copy_rows(a, index, out, total, n, rows, columns, least, report);
}

// The index may be a view that repeats itself (`expand`), so it comes with the steps of its three dimensions.
extern "C" __global__ void gather_elements_apart(const T* a, const Named* index, T* out, int total, int n, int rows,
                                           int columns, int step_outer, int step_n, int step_column, int least,
                                           long long* report)
{
    for (int i = thread_number(); i < total; i += thread_count()) {
        int row = i / columns, column = i % columns, outer = row / n;
        Named named = index[outer * step_outer + row % n * step_n + column * step_column];
        out[i] = a[(outer * rows + place_of(named, least, rows, report)) * columns + column];
    }
}

// Only looks: for ops whose reading and writing CuPy does.
extern "C" __global__ void look_at_index(const Named* index, int n, int least, int length, long long* report)
{
    for (int i = thread_number(); i < n; i += thread_count()) place_of(index[i], least, length, report);
}
