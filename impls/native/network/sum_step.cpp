// A convolution with any groups as an indirect convolution: sums of products with inputs that a list of offsets names.
#include "sum_step.hpp"

#include <algorithm>
#include <stdexcept>

namespace featherbench {
namespace {

InputStride input_stride(const Value& x, const Window& window) {
    if (window.stride_w > 2) throw std::invalid_argument("the stride is larger than 2");
    if (x.lanes == 1) return window.stride_w == 1 ? InputStride::single : InputStride::two_singles;
    return window.stride_w == 1 ? InputStride::block : InputStride::two_blocks;
}

bool pointwise(const Window& w) { return w.taps() == 1 && w.stride_h == 1 && w.stride_w == 1; }

// Whether the rows of a value lie end to end.
bool continuous(const Value& v) { return !v.margins.any() && v.lanes > 1; }

}  // namespace

SumStep::SumStep(const std::vector<Value>& values, const Kernels& kernels, int x, int y, int residual,
                 const Weights& weights, const Window& window, const Bounds& bounds)
    : Step(residual < 0 ? std::vector{x} : std::vector{x, residual}, y),
      residual_(residual),
      filters_(weights.filters),
      channels_(weights.channels),
      window_(window),
      bounds_(bounds),
      kernels_(kernels),
      lanes_(kernels.lanes[0]),
      x_lanes_(values[x].lanes),
      columns_(pointwise(window) && continuous(values[x]) && continuous(values[y]) &&
                       (residual < 0 || continuous(values[residual]))
                   ? values[y].h * values[y].w
                   : values[y].w),
      input_stride_(input_stride(values[x], window)),
      given_weight_(weights.weight, weights.weight + std::ptrdiff_t{filters_} * channels_ * window.taps()),
      given_reads_(weights.reads, weights.reads + std::ptrdiff_t{filters_} * channels_),
      bias_(round_up(filters_, lanes_)) {
    std::copy(weights.bias, weights.bias + filters_, bias_.data());
    const auto& tiles = kernels_.sums->of[int(input_stride_)];
    for (int blocks = 1; blocks <= std::min(kMaxBundle, ceil_div(filters_, lanes_)); ++blocks) {
        int widest = kMaxSumColumns;
        while (!tiles[blocks][widest]) --widest;
        // The widest tile, and the narrowest ones that need one and two tiles more.
        const int fewest = ceil_div(values[y].w, widest);
        int last = 0;
        for (int more = 0; more < 3; ++more) {
            const int columns = ceil_div(values[y].w, fewest + more);
            if (columns != last && (more == 0 || columns > 3)) choices_.push_back({blocks, last = columns});
        }
        if (last != widest && columns_ != values[y].w) choices_.push_back({blocks, widest});
    }
    choose(0);
}

// Lists the inputs of each bundle and packs its weights, with zeros where a filter does not read one of these inputs.
void SumStep::choose(int choice) {
    const bool repack = weight_.bytes() == 0 || choices_[choice].blocks != choice_.blocks;
    choice_ = choices_[choice];
    if (!repack) return;
    bundles_.clear();
    read_.clear();
    const int all_blocks = ceil_div(filters_, lanes_), taps = window_.taps();
    std::ptrdiff_t floats = 0;
    for (int first = 0; first < all_blocks; first += choice_.blocks) {
        Bundle bundle{first, std::min(choice_.blocks, all_blocks - first), 0, floats, std::ptrdiff_t(read_.size())};
        const int* begin = given_reads_.data() + std::ptrdiff_t{first} * lanes_ * channels_;
        const int filters = std::min(bundle.blocks * lanes_, filters_ - first * lanes_);
        std::vector<int> reads(begin, begin + std::ptrdiff_t{filters} * channels_);
        std::sort(reads.begin(), reads.end());
        reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
        bundle.count = int(reads.size());
        read_.insert(read_.end(), reads.begin(), reads.end());
        floats += std::ptrdiff_t{bundle.count} * taps * bundle.blocks * lanes_;
        bundles_.push_back(bundle);
    }
    weight_ = Floats(floats);
    for (const Bundle& bundle : bundles_) {
        const auto begin = read_.begin() + bundle.offsets, end = begin + bundle.count;
        const int width = bundle.blocks * lanes_;
        for (int k = 0; k < std::min(width, filters_ - bundle.first * lanes_); ++k) {
            const std::ptrdiff_t filter = bundle.first * lanes_ + k;
            for (int c = 0; c < channels_; ++c) {
                const std::ptrdiff_t at = std::lower_bound(begin, end, given_reads_[filter * channels_ + c]) - begin;
                for (int tap = 0; tap < taps; ++tap) {
                    weight_.data()[bundle.weight + (tap * bundle.count + at) * width + k] +=
                        given_weight_[(filter * channels_ + c) * taps + tap];
                }
            }
        }
    }
    offsets_.clear();
}

void SumStep::freeze() {
    given_weight_ = decltype(given_weight_)();  // `= {}` would keep the memory
    given_reads_ = decltype(given_reads_)();
    choices_ = {choice_};
}

void SumStep::lay_out(const std::vector<Value>& values) {
    const Value& x = values[inputs[0]];
    offsets_.clear();
    for (const Bundle& bundle : bundles_) {
        for (int i = 0; i < window_.kernel_h; ++i) {
            for (int j = 0; j < window_.kernel_w; ++j) {
                const std::ptrdiff_t tap =
                    i * window_.dilation_h * x.row() + std::ptrdiff_t{j} * window_.dilation_w * x.lanes;
                for (int c = 0; c < bundle.count; ++c) {
                    const int channel = read_[bundle.offsets + c];
                    offsets_.push_back(std::int32_t(channel / x.lanes * x.block() + channel % x.lanes + tap));
                }
            }
        }
    }
}

void SumStep::run(const Frame& frame, const Span& rows) {
    const View x = frame.view(inputs[0]), y = frame.view(output);
    const View residual = residual_ < 0 ? View{} : frame.view(residual_);
    const auto& tiles = kernels_.sums->of[int(input_stride_)];
    const int taps = window_.taps(), x_step = window_.stride_w * x_lanes_;
    const bool flat = columns_ != frame.values[output].w;
    const int columns = flat ? columns_ / frame.values[output].h * rows.count : columns_;
    for (const Bundle& bundle : bundles_) {
        SumTile tile{};
        tile.offsets = offsets_.data() + bundle.offsets * taps;
        tile.count = bundle.count * taps;
        tile.weight = weight_.data() + bundle.weight;
        tile.bias = bias_.data() + bundle.first * lanes_;
        tile.residual_block = residual.block;
        tile.y_block = y.block;
        tile.low = bounds_.low;
        tile.high = bounds_.high;
        for (int row = rows.first; row < (flat ? rows.first + 1 : end(rows)); ++row) {
            const float* from = x.at(0, row * window_.stride_h - window_.top) - window_.left * x_lanes_;
            float* to = y.at(bundle.first, row);
            const float* add = residual_ < 0 ? nullptr : residual.at(bundle.first, row);
            in_parts(columns, choice_.columns, [&](int column, int count) {
                tile.x = from + std::ptrdiff_t{column} * x_step;
                tile.y = to + std::ptrdiff_t{column} * lanes_;
                tile.residual = add ? add + std::ptrdiff_t{column} * lanes_ : nullptr;
                tiles[bundle.blocks][count](tile);
            });
        }
    }
}

std::string SumStep::text() const {
    return window_.text() + ", " + std::to_string(channels_) + " channels for each filter";
}

std::string SumStep::way() const {
    return std::to_string(choice_.blocks) + " blocks x " + std::to_string(choice_.columns) + " columns";
}

}  // namespace featherbench
