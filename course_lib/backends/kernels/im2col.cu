// im2col: every window of an image as a column, so that a convolution becomes a matrix product.
//
//     columns[n, (c, i, j), (y, x)] = image[n, c, y·stride - padding + i·dilation, …], 0 outside
//
// col2im is its transpose: every pixel adds up the windows' cells that saw it. Both let each thread make one number of
// the result ("gather"), so that no two threads write to one place.
#include "windows.cuh"

extern "C" __global__ void im2col(const T* image, T* columns, int n, WALKS_AS_ARGUMENTS)
{
    WALKS
    int places = down.out * across.out;
    for (int index = thread_number(); index < n; index += thread_count()) {
        int place = index % places, cell = index / places;
        int j = cell % across.kernel, i = cell / across.kernel % down.kernel;
        int plane = cell / (across.kernel * down.kernel);  // sample and channel
        int y = down.at(place / across.out, i), x = across.at(place % across.out, j);
        bool inside = down.inside(y) && across.inside(x);
        columns[index] = inside ? image[((long long)plane * down.in + y) * across.in + x] : T(0.0f);
    }
}

extern "C" __global__ void col2im(const T* columns, T* image, int n, WALKS_AS_ARGUMENTS)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int x = index % across.in, y = index / across.in % down.in, plane = index / (across.in * down.in);
        Acc sum = 0;
        for (int i = 0; i < down.kernel; ++i) {
            int row = down.seen_by(y, i);
            for (int j = 0; j < across.kernel && row >= 0; ++j) {
                int column = across.seen_by(x, j);
                long long cell = ((long long)plane * down.kernel + i) * across.kernel + j;
                if (column >= 0) sum += Acc(columns[(cell * down.out + row) * across.out + column]);
            }
        }
        image[index] = T(sum);
    }
}
