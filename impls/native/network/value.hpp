// Values of a network: images of activations, how they are stored, and where.

#pragma once

#include <cstddef>
#include <vector>

#include "geometry.hpp"

namespace featherbench {

struct Margins {  // rows and columns of zeros around an image
    int top, bottom, left, right;
    bool any() const { return top || bottom || left || right; }
};

// The activations of one image, stored in blocks of `lanes` channels as [block][row][column][channel], or planar as
// [channel][row][column].
struct Value {
    int channels, h, w;
    Margins margins;
    int lanes;                  // channels of a block; 1 if planar
    bool strip;                 // exists only while a chain computes it, a few rows at a time
    int rows_held = 0;          // rows in memory: h, or those of a strip
    std::ptrdiff_t offset = 0;  // in the arena, or in a thread's scratch memory

    int blocks() const { return ceil_div(channels, lanes); }
    std::ptrdiff_t row() const { return std::ptrdiff_t{margins.left + w + margins.right} * lanes; }
    std::ptrdiff_t block() const { return (margins.top + rows_held + margins.bottom) * row(); }
    std::ptrdiff_t floats() const { return blocks() * block(); }
};

// Where a value lies in memory; distances are in floats.
struct View {
    float* data;  // row 0 and column 0 of the first block
    std::ptrdiff_t block, row;
    float* at(int block_index, int row_index) const { return data + block_index * block + row_index * row; }
};

// Where the values of one image are while some rows of a chain are computed.
struct Frame {
    const std::vector<Value>& values;
    float *arena, *scratch;
    int first_row;     // of the strip
    float* workspace;  // temporaries of the step that runs

    View view(int id) const {
        const Value& v = values[id];
        float* base = v.strip ? scratch + v.offset - first_row * v.row() : arena + v.offset;
        return {base + v.margins.top * v.row() + v.margins.left * v.lanes, v.block(), v.row()};
    }
};

}  // namespace featherbench
