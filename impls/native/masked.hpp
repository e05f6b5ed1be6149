// Depthwise convolution of 3 x 3 from where inputs lie, masked at the edges; nothing is copied, but
// inputs whose columns do not lie side by side.

#pragma once

#include <vector>

#include "memory.hpp"
#include "plan.hpp"

namespace featherbench {

class Masked final : public Packed {
public:
    Masked(const Geometry& geometry, const Kernels& kernels, int threads, const Plan& plan, const float* weight,
           const float* bias, bool relu);

    void run(const Input& x, int n, float* y) override;
    std::size_t packed_bytes() const override { return weight_.bytes() + bias_.bytes(); }
    std::size_t workspace_bytes() const override { return space_.bytes(); }

private:
    // Input rows or columns that so many output rows or columns need.
    int in_extent(int outputs) const { return (outputs - 1) * g_.stride_h + 3; }
    void compute(const Input& x, const Span& filters, const Span& tiles, float* block, float* y) const;
    void from_copies(MaskedTile tile, std::ptrdiff_t x_column, float* block, MaskedKernel kernel) const;

    Geometry g_;
    const Kernels& kernels_;
    int threads_;
    Plan plan_;
    bool relu_;
    int width_;  // index into the kernels' lanes
    int pitch_;  // of a copied block of inputs
    std::ptrdiff_t block_;
    Floats weight_, bias_, space_;
    std::vector<Span> tiles_;  // of output rows
};

}  // namespace featherbench
