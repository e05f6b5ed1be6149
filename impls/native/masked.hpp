// Depthwise convolution of 3 x 3 from where inputs lie: nothing is copied, edges are masked.

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
    std::size_t workspace_bytes() const override { return 0; }

private:
    void compute(const Input& x, const Span& filters, float* y) const;

    Geometry g_;
    const Kernels& kernels_;
    int threads_;
    Plan plan_;
    bool relu_;
    int width_;  // index into the kernels' lanes
    Floats weight_, bias_;
    std::vector<Span> tiles_;  // of output rows
};

}  // namespace featherbench
