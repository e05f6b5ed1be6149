// The innermost kernels of Winograd's algorithm. Compiled once for each instruction set; see kernels.cpp.
//
// The transforms are those of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), for 3 x 3
// kernels and tiles of 2 x 2 or 4 x 4 outputs.

#include "simd.hpp"
#include "winograd_tiles.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::kMaxTiles;
using featherbench::kMaxVectors;
using featherbench::WinogradInputs;
using featherbench::WinogradKernels;
using featherbench::WinogradOutputs;
using featherbench::WinogradProducts;

// Multiplies a column by B^T: M + 2 inputs become as many points.
template <int M, class T>
[[gnu::always_inline]] inline void transform_inputs(const T (&d)[M + 2], T (&t)[M + 2]) {
    if constexpr (M == 2) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
    } else {
        const T even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
        const T even2 = d[4] - d[2], odd2 = d[3] - d[1];
        t[0] = 4 * d[0] - 5 * d[2] + d[4];
        t[1] = even + odd;
        t[2] = even - odd;
        t[3] = even2 + 2 * odd2;
        t[4] = even2 - 2 * odd2;
        t[5] = 4 * d[1] - 5 * d[3] + d[5];
    }
}

// Multiplies a column by A^T: M + 2 points become M outputs.
template <int M, class T>
[[gnu::always_inline]] inline void transform_outputs(const T (&t)[M + 2], T (&y)[M]) {
    const T sum = t[1] + t[2], difference = t[1] - t[2];
    if constexpr (M == 2) {
        y[0] = t[0] + sum;
        y[1] = difference - t[3];
    } else {
        const T sum2 = t[3] + t[4], difference2 = t[3] - t[4];
        y[0] = t[0] + sum + sum2;
        y[1] = difference + 2 * difference2;
        y[2] = sum + 4 * sum2;
        y[3] = difference + 8 * difference2 + t[5];
    }
}

template <int L, int M>
void inputs(const WinogradInputs& tiles) {
    constexpr int N = M + 2;
    const WinogradInputs t = tiles;
    const float* x = t.x;
    float* to = t.to;
    for (int tile = 0; tile < t.tiles; ++tile, x += M * L, to += L) {
        V<L> half[N][N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) {
            V<L> column[N], points[N];
#pragma GCC unroll 6
            for (int i = 0; i < N; ++i) column[i] = load<L>(x + i * t.x_row + j * L);
            transform_inputs<M>(column, points);
#pragma GCC unroll 6
            for (int i = 0; i < N; ++i) half[i][j] = points[i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) {
            V<L> points[N];
            transform_inputs<M>(half[i], points);
#pragma GCC unroll 6
            for (int j = 0; j < N; ++j) store<L>(to + (i * N + j) * t.to_point, points[j]);
        }
    }
}

template <int L, int Q, int R>
void products(const WinogradProducts& block) {
    const WinogradProducts t = block;
    V<L> sum[R][Q]{};
    const float* w = t.weight;
    for (int first = 0; first < t.channels; first += L) {
        const float* x = t.x + first / L * t.x_block;
        const float* end = x + (t.channels - first < L ? t.channels - first : L);
        for (; x < end; ++x, w += Q * L) {
            V<L> v[Q];
#pragma GCC unroll 2
            for (int q = 0; q < Q; ++q) v[q] = load<L>(w + q * L);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                const V<L> input = broadcast<L>(x[r * L]);
#pragma GCC unroll 2
                for (int q = 0; q < Q; ++q) sum[r][q] += v[q] * input;
            }
        }
    }
#pragma GCC unroll 2
    for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) store<L>(t.y + q * t.y_block + r * L, sum[r][q]);
    }
}

template <int L, int M>
void outputs(const WinogradOutputs& tiles) {
    constexpr int N = M + 2;
    const WinogradOutputs t = tiles;
    const V<L> bias = t.bias ? load<L>(t.bias) : V<L>{};
    const float* from = t.from;
    for (int first = 0; first < t.columns; first += M, from += L) {
        V<L> half[M][N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) {
            V<L> points[N], column[M];
#pragma GCC unroll 6
            for (int i = 0; i < N; ++i) points[i] = load<L>(from + (i * N + j) * t.from_point);
            transform_outputs<M>(points, column);
#pragma GCC unroll 4
            for (int i = 0; i < M; ++i) half[i][j] = column[i];
        }
#pragma GCC unroll 4
        for (int i = 0; i < M; ++i) {
            if (i >= t.rows) break;
            V<L> row[M];
            transform_outputs<M>(half[i], row);
#pragma GCC unroll 4
            for (int j = 0; j < M; ++j) {
                if (first + j >= t.columns) break;
                const V<L> y = row[j] + bias;
                store<L>(t.y + i * t.y_row + (first + j) * L, t.relu ? rectified<L>(y) : y);
            }
        }
    }
}

constexpr int kMaxProducts = kRegisters == 32 ? 28 : 12;  // accumulators; leaves registers for weights and an input

template <int L, int Q, int R>
constexpr void add_products(WinogradKernels& all, int width) {
    if constexpr (Q * R <= kMaxProducts) all.products[width][Q][R] = products<L, Q, R>;
    if constexpr (R < kMaxTiles) {
        add_products<L, Q, R + 1>(all, width);
    } else if constexpr (Q < kMaxVectors) {
        add_products<L, Q + 1, 1>(all, width);
    }
}

template <int... L>
constexpr WinogradKernels made_winograd() {
    WinogradKernels all{};
    int width = 0;
    ((all.inputs[width][0] = inputs<L, 2>, all.inputs[width][1] = inputs<L, 4>, all.outputs[width][0] = outputs<L, 2>,
      all.outputs[width][1] = outputs<L, 4>, add_products<L, 1, 1>(all, width), ++width),
     ...);
    return all;
}

extern constinit const WinogradKernels offered_winograd = made_winograd<FEATHERBENCH_WIDTHS>();

}  // namespace FEATHERBENCH_ISA
