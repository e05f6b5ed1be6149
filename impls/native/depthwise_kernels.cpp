// Kernels for filters of one channel each. Compiled once for each instruction set; see kernels.cpp.

#include "edges.hpp"
#include "simd.hpp"
#include "tiles.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::DepthwiseKernels;
using featherbench::GroupTile;
using featherbench::kMaxColumns;
using featherbench::kMaxMasked;
using featherbench::MaskedTile;

template <int L, int P>
void groups_any(const GroupTile& tile) {
    const GroupTile t = tile;
    V<L> sum[P];
    const V<L> first = t.bias ? load<L>(t.bias) : V<L>{};
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sum[p] = first;
    for (int j = 0; j < t.tap_count; ++j) {
        const float* x = t.x + t.taps[j];
        const V<L> w = load<L>(t.weight + j * L);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) sum[p] += w * load<L>(x + p * t.x_column);
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) store<L>(t.y + p * L, t.relu ? rectified<L>(sum[p]) : sum[p]);
}

// 3 x 3 depthwise convolution that reads inputs in place: an input row is loaded once for each kernel column, for all
// output rows that it reaches.
template <int L, int R, int Stride>
void depthwise_masked(const MaskedTile& tile) {
    MaskedTile t = tile;
    const Edges<L, Stride> edges(t.column, t.width);
    for (int plane = 0; plane < t.planes; ++plane, t.x += t.x_plane, t.y += t.y_plane, t.weight += 9) {
        V<L> weight[9], sum[R];
#pragma GCC unroll 9
        for (int i = 0; i < 9; ++i) weight[i] = broadcast<L>(t.weight[i]);
        const V<L> first = t.bias ? broadcast<L>(t.bias[plane]) : V<L>{};
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) sum[r] = first;
        const float* x = t.x;
#pragma GCC unroll 32
        for (int i = 0; i < (R - 1) * Stride + 3; ++i, go_on(x, t.x_row)) {
            if (i < t.first_row || i >= t.end_row) continue;
#pragma GCC unroll 3
            for (int j = 0; j < 3; ++j) {
                const V<L> v = edges.load(x + j, j);
#pragma GCC unroll 3
                for (int h = 0; h < 3; ++h) {
                    const int r = (i - h) / Stride;
                    if (i >= h && (i - h) % Stride == 0 && r < R) sum[r] += v * weight[h * 3 + j];
                }
            }
        }
        float* y = t.y;
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r, go_on(y, t.y_row)) {
            const V<L> v = t.relu ? rectified<L>(sum[r]) : sum[r];
            if (t.columns == L) {
                store<L>(y, v);
            } else {
                store_part<L>(y, v, t.columns);
            }
        }
    }
}

template <int L, int P>
constexpr void add_groups(DepthwiseKernels& all, int width) {
    if constexpr (P <= (kRegisters == 32 ? kMaxColumns : 12)) {
        all.groups[width][P] = groups_any<L, P>;
        if constexpr (P < kMaxColumns) add_groups<L, P + 1>(all, width);
    }
}

template <int L, int R>
constexpr void add_masked(DepthwiseKernels& all, int width) {
    all.masked[width][1][R] = depthwise_masked<L, R, 1>;
    all.masked[width][2][R] = depthwise_masked<L, R, 2>;
    if constexpr (R < (kRegisters == 32 ? kMaxMasked : 6)) add_masked<L, R + 1>(all, width);
}

template <int... L>
constexpr DepthwiseKernels make_kernels() {
    DepthwiseKernels all{};
    int width = 0;
    ((add_groups<L, 1>(all, width), add_masked<L, 1>(all, width), ++width), ...);
    return all;
}

extern constinit const DepthwiseKernels offered_depthwise = make_kernels<FEATHERBENCH_WIDTHS>();

}  // namespace FEATHERBENCH_ISA
