// One time step of recurrent layers: what lies between the products of matrices, forward and backward.
//
// A step's gates are the sum of what the inputs give (`x`, for all steps at once one product) and what the state gives
// (`product`, one product a step), and of two biases, which may be missing. A thread has one element of the state, and
// reads its gates, which lie `width` apart: neighbouring threads read neighbours. The squashed gates replace x; backward
// needs them. Rows are sequences; a step may have fewer than the states, when short sequences have ended.
#include "activations.cuh"

struct Gates {
    const T *product, *bias_x, *bias_h;
    int start, column, width;
    __device__ Gates(const T* product, const T* bias_x, const T* bias_h, int i, int width, int gates)
        : product(product), bias_x(bias_x), bias_h(bias_h), start(i / width * width * gates + i % width),
          column(i % width), width(width)
    {
    }
    __device__ int at(int gate) const { return start + gate * width; }
    __device__ Acc from_x(const T* x, int gate) const
    {
        return Acc(x[at(gate)]) + (bias_x ? Acc(bias_x[gate * width + column]) : Acc(0));
    }
    __device__ Acc from_h(int gate) const
    {
        return Acc(product[at(gate)]) + (bias_h ? Acc(bias_h[gate * width + column]) : Acc(0));
    }
};

// The state before a step: that of the step before, and for sequences that begin here (from row `known` on) the first.
struct Before {
    const T *rows, *first;
    int known;
    __device__ Acc at(int i) const { return Acc(i < known ? rows[i] : first[i]); }
};

__device__ inline Acc step_of(Acc y) { return Acc(1) - y * y; }      // the slope of tanh where it is y
__device__ inline Acc share_of(Acc s) { return s * (Acc(1) - s); }   // of the logistic function

// ---- tanh and relu --------------------------------------------------------------------------------------------------

extern "C" __global__ void rnn_forward(T* x, const T* product, const T* bias_x, const T* bias_h, T* h, int width,
                                       bool rectified, int n)
{
    for (int i = thread_number(); i < n; i += thread_count()) {
        Gates gates(product, bias_x, bias_h, i, width, 1);
        Acc sum = gates.from_x(x, 0) + gates.from_h(0);
        x[i] = h[i] = T(rectified ? relu::value(sum) : tanh(sum));
    }
}

extern "C" __global__ void rnn_backward(const T* by_out, const T* by_h, const T* out, T* by_gates, bool rectified,
                                        int n)
{
    for (int i = thread_number(); i < n; i += thread_count()) {
        Acc y = Acc(out[i]), slope = rectified ? Acc(y > 0) : step_of(y);
        by_gates[i] = T((Acc(by_out[i]) + Acc(by_h[i])) * slope);
    }
}

// ---- LSTM: gates i, f, n, o -----------------------------------------------------------------------------------------

extern "C" __global__ void lstm_forward(T* x, const T* product, const T* bias_x, const T* bias_h, T* h, T* c, T* out,
                                        T* cells, int width, int n)
{
    for (int k = thread_number(); k < n; k += thread_count()) {
        Gates gates(product, bias_x, bias_h, k, width, 4);
        Acc i = sigmoid::value(gates.from_x(x, 0) + gates.from_h(0));
        Acc f = sigmoid::value(gates.from_x(x, 1) + gates.from_h(1));
        Acc n = tanh(gates.from_x(x, 2) + gates.from_h(2));
        Acc o = sigmoid::value(gates.from_x(x, 3) + gates.from_h(3));
        Acc cell = f * Acc(c[k]) + i * n;
        x[gates.at(0)] = T(i);
        x[gates.at(1)] = T(f);
        x[gates.at(2)] = T(n);
        x[gates.at(3)] = T(o);
        c[k] = cells[k] = T(cell);
        h[k] = out[k] = T(o * tanh(cell));
    }
}

// by_c becomes the gradient of the cells before; that of the state before is a product of by_gates.
extern "C" __global__ void lstm_backward(const T* by_out, const T* by_h, T* by_c, const T* squashed, const T* cells,
                                         const T* before, const T* first, int known, T* by_gates, int width, int n)
{
    Before earlier = {before, first, known};
    for (int k = thread_number(); k < n; k += thread_count()) {
        Gates gates(nullptr, nullptr, nullptr, k, width, 4);
        Acc i = Acc(squashed[gates.at(0)]), f = Acc(squashed[gates.at(1)]);
        Acc n = Acc(squashed[gates.at(2)]), o = Acc(squashed[gates.at(3)]);
        Acc by_state = Acc(by_out[k]) + Acc(by_h[k]), bent = tanh(Acc(cells[k]));
        Acc by_cell = Acc(by_c[k]) + by_state * o * step_of(bent);
        by_gates[gates.at(0)] = T(by_cell * n * share_of(i));
        by_gates[gates.at(1)] = T(by_cell * earlier.at(k) * share_of(f));
        by_gates[gates.at(2)] = T(by_cell * i * step_of(n));
        by_gates[gates.at(3)] = T(by_state * bent * share_of(o));
        by_c[k] = T(by_cell * f);
    }
}

// ---- GRU: gates r, z, n ---------------------------------------------------------------------------------------------

extern "C" __global__ void gru_forward(T* x, const T* product, const T* bias_x, const T* bias_h, T* h, T* out,
                                       T* hidden_n, int width, int n)
{
    for (int k = thread_number(); k < n; k += thread_count()) {
        Gates gates(product, bias_x, bias_h, k, width, 3);
        Acc r = sigmoid::value(gates.from_x(x, 0) + gates.from_h(0));
        Acc z = sigmoid::value(gates.from_x(x, 1) + gates.from_h(1));
        Acc from_state = gates.from_h(2), n = tanh(gates.from_x(x, 2) + r * from_state);
        x[gates.at(0)] = T(r);
        x[gates.at(1)] = T(z);
        x[gates.at(2)] = T(n);
        hidden_n[k] = T(from_state);
        h[k] = out[k] = T((Acc(h[k]) - n) * z + n);
    }
}

// The gradients of both summands of the gates; by_h becomes what goes to the state before directly, to which a product
// of by_hidden comes.
extern "C" __global__ void gru_backward(const T* by_out, T* by_h, const T* squashed, const T* hidden_n,
                                        const T* before, const T* first, int known, T* by_input, T* by_hidden,
                                        int width, int n)
{
    Before earlier = {before, first, known};
    for (int k = thread_number(); k < n; k += thread_count()) {
        Gates gates(nullptr, nullptr, nullptr, k, width, 3);
        Acc r = Acc(squashed[gates.at(0)]), z = Acc(squashed[gates.at(1)]), n = Acc(squashed[gates.at(2)]);
        Acc by_state = Acc(by_out[k]) + Acc(by_h[k]);
        Acc by_n = by_state * (Acc(1) - z) * step_of(n), by_r = by_n * Acc(hidden_n[k]) * share_of(r);
        Acc by_z = by_state * (earlier.at(k) - n) * share_of(z);
        by_input[gates.at(0)] = by_hidden[gates.at(0)] = T(by_r);
        by_input[gates.at(1)] = by_hidden[gates.at(1)] = T(by_z);
        by_input[gates.at(2)] = T(by_n);
        by_hidden[gates.at(2)] = T(by_n * r);
        by_h[k] = T(by_state * z);
    }
}
