// Loads the inputs of a vector of outputs from a row whose edges it may reach.

#pragma once

#include "simd.hpp"

namespace FEATHERBENCH_ISA {

// For each of three kernel columns, the lanes that lie within the input row.
template <int L, int Stride>
struct Edges {
    Lanes<L> lanes[3][Stride];

    [[gnu::always_inline]] Edges(int column, int width) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
#pragma GCC unroll 2
            for (int i = 0; i < Stride; ++i) {
                const int first = column + j + i * L;
                lanes[j][i] = lanes_between<L>(-first, width - first);
            }
        }
    }

    // Returns the inputs of kernel column j. x points to the first of them, which may lie beyond the edge.
    [[gnu::always_inline]] V<L> load(const float* x, int j) const {
        const V<L> v = load_lanes<L>(x, lanes[j][0]);
        if constexpr (Stride == 1) {
            return v;
        } else {
            return even<L>(v, load_lanes<L>(x + L, lanes[j][1]));
        }
    }
};

}  // namespace FEATHERBENCH_ISA
