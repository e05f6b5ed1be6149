// Depthwise convolution with vectors across groups: inputs are turned so that the groups of a position lie side by
// side, and outputs turned back.

#pragma once

#include <vector>

#include "memory.hpp"
#include "plan.hpp"

namespace featherbench {

class Depthwise final : public Packed {
public:
    Depthwise(const Geometry& geometry, const Kernels& kernels, int threads, const Plan& plan, const float* weight,
              const float* bias, bool relu);

    void run(const Input& x, int n, float* y) override;
    std::size_t packed_bytes() const override { return weight_.bytes() + bias_.bytes(); }
    std::size_t workspace_bytes() const override { return space_.bytes(); }

private:
    Span in_rows(const Span& out_rows) const;
    void turn(const float* x, const Input& steps, int planes, const Span& rows, float* strip) const;
    void compute(int block, const Span& rows, const float* strip, float* outputs) const;

    Geometry g_;
    const Kernels& kernels_;
    int threads_;
    Plan plan_;
    bool relu_;
    int width_;    // index into the kernels' lanes
    int columns_;  // of a strip's row, padding included
    Floats weight_, bias_, space_;
    std::vector<Span> strips_;          // of output rows
    std::vector<std::ptrdiff_t> taps_;  // where each kernel position reads, from a tile's first input
    std::ptrdiff_t outputs_ = 0, space_each_ = 0;
};

}  // namespace featherbench
