// A convolution with any groups as an indirect convolution: sums of products with inputs that a list of offsets names.

#pragma once

#include <cstdint>

#include "blocked_tiles.hpp"
#include "memory.hpp"
#include "step.hpp"
#include "tiles.hpp"

namespace featherbench {

class SumStep final : public Step {
public:
    // `residual` is a value that is added to the sums, or -1. Throws std::invalid_argument for strides other than 1
    // and 2.
    SumStep(const std::vector<Value>& values, const Kernels& kernels, int x, int y, int residual,
            const Weights& weights, const Window& window, const Bounds& bounds);

    void lay_out(const std::vector<Value>& values) override;
    void run(const Frame& frame, const Span& rows) override;
    int choices() const override { return int(choices_.size()); }
    void choose(int choice) override;
    void freeze() override;
    std::string text() const override;
    std::string way() const override;
    std::size_t bytes() const override { return weight_.bytes() + bias_.bytes() + offsets_.size() * sizeof(int); }

private:
    struct Choice {
        int blocks, columns;  // of a tile
    };
    struct Bundle {  // blocks of filters that are computed together
        int first, blocks, count;
        std::ptrdiff_t weight, offsets;
    };

    const int residual_, filters_, channels_;
    const Window window_;
    const Bounds bounds_;
    const Kernels& kernels_;
    const int lanes_, x_lanes_, columns_;  // columns of a row; in pointwise convolutions possibly of all rows
    const InputStride input_stride_;
    std::vector<float> given_weight_;
    std::vector<int> given_reads_;
    std::vector<Choice> choices_;
    Choice choice_{};
    std::vector<Bundle> bundles_;
    std::vector<int> read_;  // the channels that the bundles read
    std::vector<std::int32_t> offsets_;
    Floats weight_, bias_;
};

}  // namespace featherbench
