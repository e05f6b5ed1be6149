// The arguments of the innermost kernels of networks, and the table of these kernels of an instruction set.
//
// Activations are stored in blocks of as many channels as the widest vector has lanes, position by position, so that a
// vector holds one position's channels (oneDNN's nChw8c and nChw16c). Distances in memory are in floats.

#pragma once

#include <cstddef>
#include <cstdint>

namespace featherbench {

constexpr int kMaxBundle = 4;        // blocks of filters that a SumTile computes together
constexpr int kMaxSumColumns = 14;   // columns of a SumTile
constexpr int kMaxGroupRows = 2;     // rows of a GroupedTile
constexpr int kMaxGroupColumns = 8;  // columns of a GroupedTile

// How far the inputs of neighbouring outputs lie apart: one or two positions of blocks or of single channels.
enum class InputStride { block, two_blocks, single, two_singles };
constexpr int kInputStrides = 4;

// Outputs of some blocks of filters at neighbouring columns. Each is a sum of products with inputs that a list of
// offsets names, as in an indirect convolution (XNNPACK's IGEMM).
struct SumTile {
    const float* x;               // where the offsets begin, for the first column
    const std::int32_t* offsets;  // of the inputs
    int count;
    const float* weight;    // [input][filter of all blocks]
    const float* bias;      // one for each filter
    const float* residual;  // added to the sums; or null
    std::ptrdiff_t residual_block;
    float* y;
    std::ptrdiff_t y_block;
    float low, high;  // bounds of the outputs
};

// Outputs of one block at neighbouring columns and rows. The filters and the channels of each group lie in this block.
struct GroupedTile {
    const float* x;  // first kernel position of the first output; all positions exist, padding included
    std::ptrdiff_t x_row;
    const float* weight;    // [kernel row][channel of a group][kernel column][filter]
    const float* bias;      // one for each filter
    const float* residual;  // added to the sums; or null
    std::ptrdiff_t residual_row;
    float* y;
    std::ptrdiff_t y_row;
    float low, high;
};

enum class Activation { clamp, hardswish, hardsigmoid, sigmoid, silu };
constexpr int kActivations = 5;

enum class BinaryOp { none, add, multiply, gate };  // gate: multiply by one number for each channel
constexpr int kBinaryOps = 4;

// y = activation((a op b) * scale + shift), for neighbouring positions of a block.
struct Elementwise {
    const float* a;
    const float* b;
    const float* scale;  // one for each channel, with shift; or null
    const float* shift;
    float* y;
    int positions;
    float low, high;  // for Activation::clamp
};

// A row of outputs, each the largest or the sum of a window.
struct PoolRow {
    const float* x;  // first column of the first input row that the windows reach
    std::ptrdiff_t x_row;
    int rows, width;              // input rows that the windows reach; columns of the inputs
    int kernel, stride, padding;  // along a row, in columns
    bool mean;
    int padded_rows;  // rows of a window if means count padding, otherwise 0
    float* y;
    int columns;
};

// Tables of kernels for the widest vectors; null where there is no kernel.
struct SumKernels {  // indexed by distance, blocks and columns
    void (*of[kInputStrides][kMaxBundle + 1][kMaxSumColumns + 1])(const SumTile&);
};

constexpr int kGroupSizes = 4;   // 1, 2, 4 and 8 channels per group
constexpr int kKernelSizes = 2;  // 3 x 3 and 5 x 5
constexpr int kStrides = 2;
struct GroupedKernels {  // indexed by the logarithm of the channels per group, (kernel - 3) / 2, stride, rows and
                         // columns
    void (*of[kGroupSizes][kKernelSizes][kStrides + 1][kMaxGroupRows + 1][kMaxGroupColumns + 1])(const GroupedTile&);
};

struct ElementwiseKernels {
    void (*of[kActivations][kBinaryOps])(const Elementwise&);
    void (*pool)(const PoolRow&);
};

}  // namespace featherbench
