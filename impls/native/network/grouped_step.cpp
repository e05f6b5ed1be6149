// A convolution whose groups are smaller than a block, each with as many filters as channels.
#include "grouped_step.hpp"

#include <algorithm>
#include <bit>

namespace featherbench {
namespace {

const auto& tiles_of(const Kernels& kernels, int group, const Window& window) {
    return kernels.grouped->of[std::countr_zero(unsigned(group))][(window.kernel_h - 3) / 2][window.stride_h];
}

}  // namespace

bool GroupedStep::supports(const Kernels& kernels, int group, const Window& w) {
    const bool known = (group == 1 || group == 2 || group == 4 || group == 8) && w.kernel_h == w.kernel_w &&
                       (w.kernel_h == 3 || w.kernel_h == 5) && w.stride_h == w.stride_w && w.stride_h <= kStrides &&
                       w.dilation_h == 1 && w.dilation_w == 1;
    return known && tiles_of(kernels, group, w)[1][1];
}

GroupedStep::GroupedStep(const std::vector<Value>& values, const Kernels& kernels, int x, int y, int residual,
                         int group, const float* weight, const float* bias, const Window& window, const Bounds& bounds)
    : Step(residual < 0 ? std::vector{x} : std::vector{x, residual}, y),
      residual_(residual),
      group_(group),
      window_(window),
      bounds_(bounds),
      kernels_(kernels),
      lanes_(kernels.lanes[0]),
      weight_(std::size_t(values[y].blocks()) * lanes_ * group * window.taps()),
      bias_(values[y].blocks() * lanes_) {
    const int kernel = window.kernel_h;
    for (int filter = 0; filter < values[y].channels; ++filter) {
        float* block = weight_.data() + std::ptrdiff_t{filter / lanes_} * lanes_ * group * kernel * kernel;
        for (int c = 0; c < group; ++c) {
            for (int i = 0; i < kernel; ++i) {
                for (int j = 0; j < kernel; ++j) {
                    block[((i * group + c) * kernel + j) * lanes_ + filter % lanes_] =
                        weight[((std::ptrdiff_t{filter} * group + c) * kernel + i) * kernel + j];
                }
            }
        }
        bias_.data()[filter] = bias[filter];
    }
    const auto& tiles = tiles_of(kernels, group, window);
    const int width = values[y].w;
    for (int rows = 1; rows <= std::min(kMaxGroupRows, values[y].h); ++rows) {
        int widest = kMaxGroupColumns;
        while (widest && !tiles[rows][widest]) --widest;
        if (!widest) continue;
        const int fewest = ceil_div(width, widest), columns = ceil_div(width, fewest);
        choices_.push_back({rows, columns});
        if (const int fewer = ceil_div(width, fewest + 1); fewer != columns) choices_.push_back({rows, fewer});
    }
    choice_ = choices_[0];
}

void GroupedStep::run(const Frame& frame, const Span& rows) {
    const View x = frame.view(inputs[0]), y = frame.view(output);
    const View residual = residual_ < 0 ? View{} : frame.view(residual_);
    const Value& value = frame.values[output];
    const auto& tiles = tiles_of(kernels_, group_, window_);
    const std::ptrdiff_t block_weights = std::ptrdiff_t{lanes_} * group_ * window_.taps();
    for (int block = 0; block < value.blocks(); ++block) {
        GroupedTile tile{};
        tile.x_row = x.row;
        tile.weight = weight_.data() + block * block_weights;
        tile.bias = bias_.data() + block * lanes_;
        tile.residual_row = residual.row;
        tile.y_row = y.row;
        tile.low = bounds_.low;
        tile.high = bounds_.high;
        for (int row = rows.first; row < end(rows); row += choice_.rows) {
            const int count = std::min(choice_.rows, end(rows) - row);
            const float* from = x.at(block, row * window_.stride_h - window_.top) - window_.left * lanes_;
            in_parts(value.w, choice_.columns, [&](int column, int columns) {
                tile.x = from + std::ptrdiff_t{column} * window_.stride_w * lanes_;
                tile.y = y.at(block, row) + std::ptrdiff_t{column} * lanes_;
                if (residual_ >= 0) tile.residual = residual.at(block, row) + std::ptrdiff_t{column} * lanes_;
                tiles[count][columns](tile);
            });
        }
    }
}

std::string GroupedStep::text() const {
    return window_.text() + ", shuffled groups of " + std::to_string(group_) + " channels";
}

std::string GroupedStep::way() const {
    return std::to_string(choice_.rows) + " rows x " + std::to_string(choice_.columns) + " columns";
}

}  // namespace featherbench
