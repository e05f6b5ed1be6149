// What the innermost kernels of Winograd's algorithm are given, and the table in which each instruction set offers
// them.
//
// A vector holds one number of each of as many channels (of the inputs) or filters (of the outputs) as it has lanes.
// Distances are in floats.

#pragma once

#include <cstddef>

#include "tiles.hpp"

namespace featherbench {

// Transforms of some neighbouring tiles in a row.
struct WinogradInputs {
    const float* x;        // the first tile's first position, in turned inputs
    std::ptrdiff_t x_row;  // between the rows of inputs
    int tiles;
    float* to;                // [tile] of the first point
    std::ptrdiff_t to_point;  // between points
};

// At one point: [tile][filter] = [tile][channel] times [channel][filter], channels and filters in blocks of the lanes.
struct WinogradProducts {
    const float* x;          // [block of channels][tile][channel]
    std::ptrdiff_t x_block;  // between blocks of channels
    int channels;
    const float* weight;  // [channel][filter]
    float* y;             // [block of filters][tile][filter]
    std::ptrdiff_t y_block;
};

// Outputs of some neighbouring tiles in a row, of which the last may lie in part beyond the output.
struct WinogradOutputs {
    const float* from;  // [tile] of the first point
    std::ptrdiff_t from_point;
    const float* bias;  // of the filters; or null
    bool relu;
    int rows, columns;  // of outputs
    float* y;           // the first tile's first position
    std::ptrdiff_t y_row;
};

constexpr int kWinogradSizes = 2;  // outputs of a tile's side: 2 or 4
constexpr int kMostVectors = 2;    // of filters
constexpr int kMostTiles = 14;

inline int winograd_size(int outputs) { return outputs / 2 - 1; }  // index into the tables

struct WinogradKernels {
    // By index into the lanes of the instruction set's Kernels; null where not made.
    void (*inputs[kWidths][kWinogradSizes])(const WinogradInputs&);
    void (*products[kWidths][kMostVectors + 1][kMostTiles + 1])(const WinogradProducts&);
    void (*outputs[kWidths][kWinogradSizes])(const WinogradOutputs&);
};

}  // namespace featherbench
