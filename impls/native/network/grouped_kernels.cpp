// Kernels of grouped convolutions whose groups are smaller than a vector. Compiled once for each instruction set; see
// kernels.cpp.
//
// A vector holds the channels of several groups. For each channel of a group, a shuffle gives each filter the input of
// that channel of its own group, so that no lane is idle however small the groups are.

#include "blocked_tiles.hpp"
#include "simd.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::GroupedKernels;
using featherbench::GroupedTile;
using featherbench::kMaxGroupColumns;
using featherbench::kMaxGroupRows;

constexpr int kL = kWidest;
using Index = Vector<kL>::Index;

// Returns, for each lane, the lane of channel `channel` of the lane's group.
template <int G>
[[gnu::always_inline]] inline Index lanes_of(int channel) {
    Index index{};
#pragma GCC unroll 16
    for (int i = 0; i < kL; ++i) index[i] = i / G * G;
    return index + channel;
}

// Adds the products with one channel of each group to R rows and C columns of sums.
template <int G, int K, int S, int R, int C>
[[gnu::always_inline]] inline void add_channel(const GroupedTile& t, int channel, V<kL> (&sum)[R][C]) {
    const float* row_x = t.x;
    go_on(row_x, 0);  // Otherwise the compiler would load all inputs before the loop over channels, and store them.
    constexpr int kRows = (R - 1) * S + K, kColumns = (C - 1) * S + K;
    const Index lanes = lanes_of<G>(channel);
    const float* weight = t.weight + channel * K * kL;
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i, go_on(row_x, t.x_row)) {
#pragma GCC unroll 32
        for (int j = 0; j < kColumns; ++j) {
            V<kL> x = load<kL>(row_x + j * kL);
            if constexpr (G > 1) x = __builtin_shuffle(x, lanes);
#pragma GCC unroll 2
            for (int r = 0; r < R; ++r) {
                const int row = i - r * S;
                if (row < 0 || row >= K) continue;
#pragma GCC unroll 8
                for (int c = 0; c < C; ++c) {
                    const int column = j - c * S;
                    if (column < 0 || column >= K) continue;
                    sum[r][c] += load<kL>(weight + (row * G * K + column) * kL) * x;
                }
            }
        }
    }
}

template <int G, int K, int S, int R, int C>
void grouped(const GroupedTile& t) {
    V<kL> sum[R][C];
    const V<kL> bias = load<kL>(t.bias);
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) sum[r][c] = bias;
    }
    for (int channel = 0; channel < G; ++channel) add_channel<G, K, S, R, C>(t, channel, sum);
    const V<kL> low = broadcast<kL>(t.low), high = broadcast<kL>(t.high);
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            V<kL> y = sum[r][c];
            if (t.residual) y += load<kL>(t.residual + r * t.residual_row + c * kL);
            store<kL>(t.y + r * t.y_row + c * kL, clamped<kL>(y, low, high));
        }
    }
}

constexpr int kMaxSums = kRegisters == 32 ? 20 : 8;  // accumulators; leaves registers for a row of weights and an input

template <int G, int K, int S, int R, int C>
constexpr void add_grouped(GroupedKernels& all, int group) {
    if constexpr (R * C <= kMaxSums && !(K == 5 && R > 1)) {
        all.of[group][(K - 3) / 2][S][R][C] = grouped<G, K, S, R, C>;
    }
    if constexpr (C < kMaxGroupColumns) {
        add_grouped<G, K, S, R, C + 1>(all, group);
    } else if constexpr (R < kMaxGroupRows) {
        add_grouped<G, K, S, R + 1, 1>(all, group);
    }
}

constexpr GroupedKernels make_kernels() {
    GroupedKernels all{};
    add_grouped<1, 3, 1, 1, 1>(all, 0);
    add_grouped<1, 3, 2, 1, 1>(all, 0);
    add_grouped<1, 5, 1, 1, 1>(all, 0);
    add_grouped<1, 5, 2, 1, 1>(all, 0);
    if constexpr (kL > 2) {
        add_grouped<2, 3, 1, 1, 1>(all, 1);
        add_grouped<2, 3, 2, 1, 1>(all, 1);
    }
    if constexpr (kL > 4) {
        add_grouped<4, 3, 1, 1, 1>(all, 2);
        add_grouped<4, 3, 2, 1, 1>(all, 2);
    }
    if constexpr (kL > 8) {
        add_grouped<8, 3, 1, 1, 1>(all, 3);
        add_grouped<8, 3, 2, 1, 1>(all, 3);
    }
    return all;
}

extern constinit const GroupedKernels offered_grouped = make_kernels();

}  // namespace FEATHERBENCH_ISA
