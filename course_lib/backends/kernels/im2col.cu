// im2col: every window of an image as a column, so that a convolution becomes a matrix product.
//
//     columns[n, (c, k, i, j), (z, y, x)] = image[n, c, z·stride - padding + k·dilation, …], 0 outside
//
// col2im is its transpose: every pixel adds up the windows' cells that saw it. Both let each thread make the numbers of
// its own place ("gather"), so that no two threads write to one place and no sum depends on their order.
//
// Where sample n, channel c and cell k lie in the columns is said by three steps, by_sample, by_channel and by_cell, so
// that a batch may also be laid out as one matrix: (c, cell) down, (n, place) across.
#include "windows.cuh"

// A thread for each place of an output plane, which writes all cells of its window: threads of a row write neighbours.
extern "C" __global__ void im2col(const T* image, T* columns, int rows, int channels, int by_sample, int by_channel,
                                  int by_cell, Windows given)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.out, w.deep.out);
        const T* from = image + row.plane * w.inputs();
        T* to = columns + row.plane / channels * by_sample + row.plane % channels * by_channel;
        for (int x = first_place(); x < w.across.out; x += place_step()) {
            int place = w.output(row.z, row.y, x);
            for (int k = 0; k < w.deep.kernel; ++k)
                for (int i = 0; i < w.down.kernel; ++i)
                    for (int j = 0; j < w.across.kernel; ++j) {
                        int a = w.deep.at(row.z, k), b = w.down.at(row.y, i), c = w.across.at(x, j);
                        bool inside = w.deep.inside(a) & w.down.inside(b) & w.across.inside(c);
                        to[place] = inside ? from[w.input(a, b, c)] : T();
                        place += by_cell;
                    }
        }
    }
}

// A thread for each number of the image. `bias`, one number a channel, may be missing.
extern "C" __global__ void col2im(const T* columns, const T* bias, T* image, int rows, int channels, int by_sample,
                                  int by_channel, int by_cell, Windows given)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.in, w.deep.in);
        int channel = row.plane % channels;
        const T* from = columns + row.plane / channels * by_sample + channel * by_channel;
        T* to = image + row.plane * w.inputs();
        for (int x = first_place(); x < w.across.in; x += place_step()) {
            Acc sum = bias ? Acc(bias[channel]) : Acc(0);
            int left = w.across.first_seeing(x), right = w.across.last_seeing(x);
            for (int a = w.deep.first_seeing(row.z); a <= w.deep.last_seeing(row.z); ++a)
                for (int b = w.down.first_seeing(row.y); b <= w.down.last_seeing(row.y); ++b) {
                    int k = w.deep.cell(row.z, a), i = w.down.cell(row.y, b);
                    if (k < 0 || i < 0) continue;
                    for (int c = left; c <= right; ++c) {
                        int j = w.across.cell(x, c);
                        int cell = (k * w.down.kernel + i) * w.across.kernel + j;
                        if (j >= 0) sum += Acc(from[cell * by_cell + w.output(a, b, c)]);
                    }
                }
            to[w.input(row.z, row.y, x)] = T(sum);
        }
    }
}

// Adds a number of each channel to its planes: the bias of a convolution whose product has been made.
extern "C" __global__ void add_channel_bias(T* out, const T* bias, int planes, int channels, int width)
{
    for (int r = first_row(); r < planes; r += row_step()) {
        Acc shift = Acc(bias[r % channels]);
        for (int x = first_place(); x < width; x += place_step()) {
            T& here = out[r * width + x];
            here = T(Acc(here) + shift);
        }
    }
}
