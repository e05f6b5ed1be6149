// 3 x 3 depthwise convolution that reads inputs in place, masked at the edges. It copies only inputs whose columns do
// not lie side by side.

#pragma once

#include <vector>

#include "packed.hpp"

namespace featherbench {

class MaskedDepthwise final : public Packed {
public:
    MaskedDepthwise(const Setting& setting, const float* weight, const float* bias);

    void run(const Input& x, int n, float* y) override;

private:
    // Input rows or columns that `outputs` output rows or columns need.
    int in_extent(int outputs) const { return (outputs - 1) * g_.stride_h + 3; }
    void compute(const Input& x, const Span& filters, const Span& tiles, float* block, float* y) const;
    void from_copies(MaskedTile tile, std::ptrdiff_t x_column, float* block, MaskedKernel kernel) const;

    int pitch_;  // floats in a row of a copied block of inputs
    std::ptrdiff_t block_;
    std::vector<Span> tiles_;  // output rows
};

}  // namespace featherbench
