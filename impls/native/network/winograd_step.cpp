// A 3 x 3 convolution by Winograd's algorithm, whose groups are whole blocks.
#include "winograd_step.hpp"

#include <algorithm>

#include "blocked_tiles.hpp"
#include "winograd_tiles.hpp"
#include "winograd_weights.hpp"

namespace featherbench {
namespace {

// The transformed inputs and the products of the tiles that are computed together should stay in the second-level
// cache.
constexpr std::ptrdiff_t kWorkspaceFloats = 192 << 10;

}  // namespace

Margins WinogradStep::margins(int outputs, int h, int w) {
    return {1, round_up(h, outputs) - h + 1, 1, round_up(w, outputs) - w + 1};
}

WinogradStep::WinogradStep(const std::vector<Value>& values, const Kernels& kernels, int x, int y, int residual,
                           int groups, int outputs, const float* weight, const float* bias, const Bounds& bounds)
    : Step(residual < 0 ? std::vector{x} : std::vector{x, residual}, y),
      residual_(residual),
      groups_(groups),
      channels_(values[x].channels / groups),
      filters_(values[y].channels / groups),
      outputs_(outputs),
      bounds_(bounds),
      kernels_(kernels),
      lanes_(kernels.lanes[0]),
      tile_columns_(ceil_div(values[y].w, outputs)),
      given_(weight, weight + std::ptrdiff_t{values[y].channels} * channels_ * 9),
      bias_(values[y].blocks() * lanes_) {
    std::copy(bias, bias + values[y].channels, bias_.data());
    const auto& products = kernels_.winograd->products[0];
    for (int blocks = 1; blocks <= std::min(kMaxVectors, ceil_div(filters_, lanes_)); ++blocks) {
        int widest = kMaxTiles;
        while (!products[blocks][widest]) --widest;
        for (int tiles = widest; tiles > widest / 2; tiles -= 2) choices_.push_back({blocks, tiles});
    }
    choose(0);
}

// Packs weights as [group][bundle of blocks][point][channel][filter]. A last bundle of fewer blocks has narrower rows.
void WinogradStep::choose(int choice) {
    const bool repack = weight_.bytes() == 0 || choices_[choice].blocks != choice_.blocks;
    choice_ = choices_[choice];
    if (!repack) return;
    const int blocks = ceil_div(filters_, lanes_);
    weight_ = Floats(std::size_t(groups_) * blocks * lanes_ * channels_ * points());
    float* to = weight_.data();
    for (int group = 0; group < groups_; ++group) {
        for (int first = 0; first < blocks; first += choice_.blocks) {
            const int width = std::min(choice_.blocks, blocks - first) * lanes_;
            const int count = std::min(width, filters_ - first * lanes_);
            for (int point = 0; point < points(); ++point) {
                for (int c = 0; c < channels_; ++c, to += width) {
                    for (int k = 0; k < count; ++k) {
                        const std::ptrdiff_t filter = std::ptrdiff_t{group} * filters_ + first * lanes_ + k;
                        to[k] = winograd_weight(outputs_, point, given_.data() + (filter * channels_ + c) * 9);
                    }
                }
            }
        }
    }
}

void WinogradStep::freeze() {
    given_ = decltype(given_)();  // `= {}` would keep the memory
    choices_ = {choice_};
}

void WinogradStep::lay_out(const std::vector<Value>& values) {
    const int rows = ceil_div(values[output].h, outputs_);
    const int blocks = ceil_div(channels_, lanes_) + kMaxVectors;
    const std::ptrdiff_t row_floats = std::ptrdiff_t{points()} * blocks * lanes_ * tile_columns_;
    max_rows_ = std::clamp(int(kWorkspaceFloats / row_floats), 1, rows);
}

std::ptrdiff_t WinogradStep::workspace_floats() const {
    const int tiles = max_rows_ * tile_columns_;
    return points() * (point(ceil_div(channels_, lanes_), tiles) + point(kMaxVectors, tiles));
}

void WinogradStep::run(const Frame& frame, const Span& rows) {
    const int first = rows.first / outputs_, last = ceil_div(end(rows), outputs_);
    for (int group = 0; group < groups_; ++group) {
        in_parts(last - first, max_rows_, [&](int row, int count) { compute(frame, group, {first + row, count}); });
    }
}

void WinogradStep::compute(const Frame& frame, int group, const Span& tile_rows) const {
    const auto& kernels = *kernels_.winograd;
    const View x = frame.view(inputs[0]), y = frame.view(output);
    const Value& value = frame.values[output];
    const int channel_blocks = ceil_div(channels_, lanes_), filter_blocks = ceil_div(filters_, lanes_);
    const int tiles = tile_rows.count * tile_columns_, size = winograd_size(outputs_);
    const std::ptrdiff_t in = point(channel_blocks, tiles), out = point(choice_.blocks, tiles);
    const std::ptrdiff_t block_floats = std::ptrdiff_t{tiles} * lanes_;
    const bool rectifies = residual_ < 0 && bounds_ == Bounds{.low = 0};
    float *transformed_input = frame.workspace, *products = transformed_input + points() * in;
    for (int block = 0; block < channel_blocks; ++block) {
        float* to = transformed_input + block * block_floats;
        for (int row = 0; row < tile_rows.count; ++row, to += tile_columns_ * lanes_) {
            const float* from = x.at(group * channel_blocks + block, (tile_rows.first + row) * outputs_ - 1) - lanes_;
            kernels.inputs[0][size]({from, x.row, tile_columns_, to, in});
        }
    }
    const float* weight = weight_.data() + std::ptrdiff_t{group} * filter_blocks * lanes_ * channels_ * points();
    for (int first = 0; first < filter_blocks; first += choice_.blocks) {
        const int blocks = std::min(choice_.blocks, filter_blocks - first);
        for (int i = 0; i < points(); ++i, weight += std::ptrdiff_t{blocks} * lanes_ * channels_) {
            in_parts(tiles, choice_.tiles, [&](int tile, int count) {
                kernels.products[0][blocks][count]({transformed_input + i * in + tile * lanes_, block_floats, channels_,
                                                    weight, products + i * out + tile * lanes_, block_floats});
            });
        }
        for (int block = first; block < first + blocks; ++block) {
            const int y_block = group * filter_blocks + block;
            const float* from = products + (block - first) * block_floats;
            for (int i = 0; i < tile_rows.count; ++i, from += tile_columns_ * lanes_) {
                const int row = (tile_rows.first + i) * outputs_, rows = std::min(outputs_, value.h - row);
                kernels.outputs[0][size](
                    {from, out, bias_.data() + y_block * lanes_, rectifies, rows, value.w, y.at(y_block, row), y.row});
                if (rectifies || (residual_ < 0 && bounds_ == Bounds{})) continue;
                for (int j = row; j < row + rows; ++j) {
                    Elementwise add{};
                    add.a = add.y = y.at(y_block, j);
                    if (residual_ >= 0) add.b = frame.view(residual_).at(y_block, j);
                    add.positions = value.w;
                    add.low = bounds_.low;
                    add.high = bounds_.high;
                    kernels_.elementwise
                        ->of[int(Activation::clamp)][int(residual_ < 0 ? BinaryOp::none : BinaryOp::add)](add);
                }
            }
        }
    }
}

std::string WinogradStep::text() const {
    const std::string side = std::to_string(outputs_);
    return "Winograd's algorithm with tiles of " + side + " x " + side + " outputs, " + std::to_string(channels_) +
           " channels for each filter";
}

std::string WinogradStep::way() const {
    return std::to_string(choice_.blocks) + " blocks x " + std::to_string(choice_.tiles) + " tiles";
}

}  // namespace featherbench
