// The transform of Winograd's algorithm for weights.

#pragma once

#include <array>

namespace featherbench {

// Returns a point of the transformed weights of a 3 x 3 kernel, for tiles of `outputs` x `outputs` outputs, 2 or 4.
inline float winograd_weight(int outputs, int point, const float* kernel) {
    // Rows of G, which gives as many points as a tile's side has inputs.
    using Row = std::array<double, 3>;
    static constexpr std::array<Row, 4> kWeights2{{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}};
    static constexpr std::array<Row, 6> kWeights4{{{1. / 4, 0, 0},
                                                   {-1. / 6, -1. / 6, -1. / 6},
                                                   {-1. / 6, 1. / 6, -1. / 6},
                                                   {1. / 24, 1. / 12, 1. / 6},
                                                   {1. / 24, -1. / 12, 1. / 6},
                                                   {0, 0, 1}}};
    const int side = outputs + 2;
    const Row* rows = outputs == 2 ? kWeights2.data() : kWeights4.data();
    const Row &down = rows[point / side], &across = rows[point % side];
    double sum = 0;
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) sum += down[i] * across[j] * kernel[i * 3 + j];
    }
    return float(sum);
}

}  // namespace featherbench
