// Kernels whose vectors lie along the output's rows. Compiled once for each instruction set; see kernels.cpp.

#include "edges.hpp"
#include "simd.hpp"
#include "tiles.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::kMaxFilters;
using featherbench::kMaxRows;
using featherbench::Reach;
using featherbench::RowKernel;
using featherbench::RowKernels;
using featherbench::RowTile;

// Most accumulators of a RowTile: they leave registers for an input and a weight.
constexpr int kMaxSums = kRegisters == 32 ? 24 : 12;

template <int L, int K, int R>
[[gnu::always_inline]] inline void begin(const RowTile& t, V<L> (&sum)[R][K]) {
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
        const V<L> first = t.bias ? broadcast<L>(t.bias[k]) : V<L>{};
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][k] = first;
    }
}

template <int L, int K, int R>
[[gnu::always_inline]] inline void finish(const RowTile& t, V<L> (&sum)[R][K]) {
    const bool whole = t.columns == L;
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const V<L> v = t.relu ? rectified<L>(sum[r][k]) : sum[r][k];
            float* to = t.y + t.y_filters[k] + r * t.y_row;
            if (whole) {
                store<L>(to, v);
            } else {
                store_part<L>(to, v, t.columns);
            }
        }
    }
}

// Any kernel size: each tap loads R rows and K weights for R * K products.
template <int L, int K, int R>
void rows_any(const RowTile& tile) {
    const RowTile t = tile;
    V<L> sum[R][K];
    begin<L, K, R>(t, sum);
    const float* w = t.weight;
    for (int c = 0; c < t.channels; ++c) {
        for (int j = 0; j < t.tap_count; ++j, w += K) {
            const float* x = t.x + c * t.x_channel + t.taps[j];
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                const V<L> v = load<L>(x + r * t.x_row);
#pragma GCC unroll 8
                for (int k = 0; k < K; ++k) sum[r][k] += v * factor<L, K>(w, k);
            }
        }
    }
    finish<L, K, R>(t, sum);
}

// Three kernel rows: an input row is loaded once for all output rows that it reaches.
template <int L, int K, int R, int Stride>
void rows_sliding(const RowTile& tile) {
    const RowTile t = tile;
    V<L> sum[R][K];
    begin<L, K, R>(t, sum);
    const float* w = t.weight;
    for (int c = 0; c < t.channels; ++c) {
        for (int j = 0; j < t.tap_count; ++j, w += 3 * K) {
            const float* x = t.x + c * t.x_channel + t.taps[j];
#pragma GCC unroll 32
            for (int i = 0; i < (R - 1) * Stride + 3; ++i) {
                const V<L> v = load<L>(x + i * t.x_row);
#pragma GCC unroll 3
                for (int h = 0; h < 3; ++h) {
                    const int r = (i - h) / Stride;
                    if (i < h || (i - h) % Stride || r >= R) continue;
#pragma GCC unroll 8
                    for (int k = 0; k < K; ++k) sum[r][k] += v * factor<L, 3 * K>(w, h * K + k);
                }
            }
        }
    }
    finish<L, K, R>(t, sum);
}

// The same as rows_sliding, but reads inputs in place.
template <int L, int K, int R, int Stride>
void rows_masked(const RowTile& tile) {
    const RowTile t = tile;
    const Edges<L, Stride> edges(t.column, t.width);
    V<L> sum[R][K];
    begin<L, K, R>(t, sum);
    const float* w = t.weight;
    for (int c = 0; c < t.channels; ++c) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j, w += 3 * K) {
            V<L> weight[3][K];
#pragma GCC unroll 24
            for (int i = 0; i < 3 * K; ++i) weight[i / K][i % K] = kept(broadcast<L>(w[i]));
            const float* x = t.x + c * t.x_channel + j;
#pragma GCC unroll 32
            for (int i = 0; i < (R - 1) * Stride + 3; ++i, go_on(x, t.x_row)) {
                if (i < t.first_row || i >= t.end_row) continue;
                const V<L> v = edges.load(x, j);
#pragma GCC unroll 3
                for (int h = 0; h < 3; ++h) {
                    const int r = (i - h) / Stride;
                    if (i < h || (i - h) % Stride || r >= R) continue;
#pragma GCC unroll 8
                    for (int k = 0; k < K; ++k) sum[r][k] += v * weight[h][k];
                }
            }
        }
    }
    finish<L, K, R>(t, sum);
}

template <int L, int K, int R>
constexpr void add_rows(RowKernels& all, int width) {
    if constexpr (K * R <= kMaxSums) {
        const auto of = [&](Reach reach) -> RowKernel& { return all.of[width][static_cast<int>(reach)][K][R]; };
        of(Reach::any) = rows_any<L, K, R>;
        of(Reach::sliding1) = rows_sliding<L, K, R, 1>;
        of(Reach::sliding2) = rows_sliding<L, K, R, 2>;
        of(Reach::masked1) = rows_masked<L, K, R, 1>;
        of(Reach::masked2) = rows_masked<L, K, R, 2>;
    }
    if constexpr (R < kMaxRows) {
        add_rows<L, K, R + 1>(all, width);
    } else if constexpr (K < kMaxFilters) {
        add_rows<L, K + 1, 1>(all, width);
    }
}

template <int... L>
constexpr RowKernels make_kernels() {
    RowKernels all{};
    all.max_sums = kMaxSums;
    int width = 0;
    ((add_rows<L, 1, 1>(all, width), ++width), ...);
    return all;
}

extern constinit const RowKernels offered_rows = make_kernels<FEATHERBENCH_WIDTHS>();

}  // namespace FEATHERBENCH_ISA
