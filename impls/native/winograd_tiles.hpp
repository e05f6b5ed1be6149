// The arguments of the innermost kernels of Winograd's algorithm, and the table of these kernels of an instruction set.
//
// A vector holds one number of each of as many channels (of the inputs) or filters (of the outputs) as it has lanes.
// Distances are in floats.

#pragma once

#include <cstddef>

#include "tiles.hpp"

namespace featherbench {

// Transforms of some neighbouring tiles in a row.
struct WinogradInputs {
    const float* x;        // first position of the first tile in the interleaved inputs
    std::ptrdiff_t x_row;  // distance between rows of inputs
    int tiles;
    float* to;                // [tile] at the first point
    std::ptrdiff_t to_point;  // distance between points
};

// Products at one point: [tile][filter] = [tile][channel] times [channel][filter], in blocks of as many channels and
// filters as there are lanes.
struct WinogradProducts {
    const float* x;          // [block of channels][tile][channel]
    std::ptrdiff_t x_block;  // distance between blocks of channels
    int channels;
    const float* weight;  // [channel][filter]
    float* y;             // [block of filters][tile][filter]
    std::ptrdiff_t y_block;
};

// Outputs of some neighbouring tiles in a row; the last tile may lie in part beyond the output.
struct WinogradOutputs {
    const float* from;  // [tile] at the first point
    std::ptrdiff_t from_point;
    const float* bias;  // one for each filter; or null
    bool relu;
    int rows, columns;  // outputs to store
    float* y;           // first position of the first tile
    std::ptrdiff_t y_row;
};

constexpr int kWinogradSizes = 2;  // a tile's side is 2 or 4 outputs
constexpr int kMaxVectors = 2;     // vectors of filters
constexpr int kMaxTiles = 14;

inline int winograd_size(int outputs) { return outputs / 2 - 1; }  // index into the tables

struct WinogradKernels {
    // Indexed by the width's index in the instruction set's Kernels::lanes; null where there is no kernel.
    void (*inputs[kWidths][kWinogradSizes])(const WinogradInputs&);
    void (*products[kWidths][kMaxVectors + 1][kMaxTiles + 1])(const WinogradProducts&);
    void (*outputs[kWidths][kWinogradSizes])(const WinogradOutputs&);
};

}  // namespace featherbench
