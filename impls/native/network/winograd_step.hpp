// A 3 x 3 convolution by Winograd's algorithm, whose groups are whole blocks.

#pragma once

#include "memory.hpp"
#include "step.hpp"
#include "tiles.hpp"

namespace featherbench {

class WinogradStep final : public Step {
public:
    // Returns the margins that tiles of `outputs` x `outputs` outputs read around an h x w input with padding 1.
    static Margins margins(int outputs, int h, int w);

    // `weight` is [filter][channel of its group][3][3]; tiles have `outputs` x `outputs` outputs, 2 or 4.
    WinogradStep(const std::vector<Value>& values, const Kernels& kernels, int x, int y, int residual, int groups,
                 int outputs, const float* weight, const float* bias, const Bounds& bounds);

    void lay_out(const std::vector<Value>& values) override;
    std::ptrdiff_t workspace_floats() const override;
    void run(const Frame& frame, const Span& rows) override;
    int choices() const override { return int(choices_.size()); }
    void choose(int choice) override;
    void freeze() override;
    std::string text() const override;
    std::string way() const override;
    int row_multiple() const override { return outputs_; }
    std::size_t bytes() const override { return weight_.bytes() + bias_.bytes(); }

private:
    struct Choice {
        int blocks, tiles;  // multiplied together
    };

    int points() const { return (outputs_ + 2) * (outputs_ + 2); }
    // Returns the floats between points: an odd number of vectors, so that not all map to the same cache sets.
    std::ptrdiff_t point(int blocks, int tiles) const { return std::ptrdiff_t{(blocks * tiles) | 1} * lanes_; }
    void compute(const Frame& frame, int group, const Span& tile_rows) const;

    const int residual_, groups_, channels_, filters_, outputs_;  // channels and filters of a group
    const Bounds bounds_;
    const Kernels& kernels_;
    const int lanes_, tile_columns_;
    std::vector<float> given_;
    std::vector<Choice> choices_;
    Choice choice_{};
    int max_rows_;  // most rows of tiles that are transformed together
    Floats weight_, bias_;
};

}  // namespace featherbench
