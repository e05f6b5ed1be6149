// A convolution whose groups are smaller than a block, each with as many filters as channels; depthwise is one.

#pragma once

#include "blocked_tiles.hpp"
#include "memory.hpp"
#include "step.hpp"
#include "tiles.hpp"

namespace featherbench {

class GroupedStep final : public Step {
public:
    // Returns whether there are kernels for `group` channels per group and this window.
    static bool supports(const Kernels& kernels, int group, const Window& window);

    // `weight` is [filter][channel of its group][kernel row][kernel column].
    GroupedStep(const std::vector<Value>& values, const Kernels& kernels, int x, int y, int residual, int group,
                const float* weight, const float* bias, const Window& window, const Bounds& bounds);

    void run(const Frame& frame, const Span& rows) override;
    int choices() const override { return int(choices_.size()); }
    void choose(int choice) override { choice_ = choices_[choice]; }
    std::string text() const override;
    std::string way() const override;
    std::size_t bytes() const override { return weight_.bytes() + bias_.bytes(); }

private:
    struct Choice {
        int rows, columns;  // of a tile
    };

    const int residual_, group_;
    const Window window_;
    const Bounds bounds_;
    const Kernels& kernels_;
    const int lanes_;
    std::vector<Choice> choices_;
    Choice choice_{};
    Floats weight_, bias_;
};

}  // namespace featherbench
