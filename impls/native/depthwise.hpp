// Depthwise convolution with vectors across groups: inputs are interleaved so that the groups of a position lie side by
// side, and outputs interleaved back.

#pragma once

#include <vector>

#include "interleave.hpp"
#include "packed.hpp"

namespace featherbench {

class Depthwise final : public Packed {
public:
    Depthwise(const Setting& setting, const float* weight, const float* bias);

    void run(const Input& x, int n, float* y) override;

private:
    void pack(const float* weight, const float* bias);
    void split();
    int in_rows(int out_rows) const;
    int in_columns(int out_columns) const;
    void compute(int block, const Area& strip, const float* inputs, float* outputs) const;

    std::vector<Area> strips_;                    // areas of outputs
    int pitch_ = 0;                               // positions in a strip's row of inputs, including padding
    std::vector<std::ptrdiff_t> taps_;            // offset of each kernel position from a tile's first input
    std::ptrdiff_t inputs_ = 0, space_each_ = 0;  // floats of a strip's inputs; of its inputs and outputs
};

}  // namespace featherbench
