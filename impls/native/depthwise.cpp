// Depthwise convolution with vectors across groups.
#include "depthwise.hpp"

#include <algorithm>

#include "threads.hpp"

namespace featherbench {
namespace {

// A strip's inputs and outputs should stay in the first-level cache ...
constexpr std::ptrdiff_t kStripFloats = 8 << 10;
// ... and where those of a single row are larger, its columns are cut so that they stay in the second-level cache.
constexpr std::ptrdiff_t kMaxFloats = 96 << 10;

}  // namespace

Depthwise::Depthwise(const Setting& setting, const float* weight, const float* bias) : Packed(setting) {
    pack(weight, bias);
    split();
}

void Depthwise::pack(const float* weight, const float* bias) {
    const int lanes = plan_.lanes, taps = g_.taps(), blocks = ceil_div(g_.groups, lanes);
    weight_ = Floats(std::size_t(blocks) * taps * lanes);
    if (bias) bias_ = Floats(std::size_t(blocks) * lanes);
    for (int group = 0; group < g_.groups; ++group) {
        const int block = group / lanes, lane = group % lanes;
        for (int tap = 0; tap < taps; ++tap)
            weight_.data()[(block * taps + tap) * lanes + lane] = weight[group * taps + tap];
        if (bias) bias_.data()[group] = bias[group];
    }
}

void Depthwise::split() {
    const auto floats = [&](int rows, int columns) {
        return (std::ptrdiff_t{in_rows(rows)} * in_columns(columns) + std::ptrdiff_t{rows} * columns) * plan_.lanes;
    };
    int rows = 1, columns = g_.out_w();
    while (columns > plan_.columns && floats(1, columns) > kMaxFloats) columns = ceil_div(columns, 2);
    while (rows < g_.out_h() && floats(rows + 1, columns) <= kStripFloats) ++rows;
    in_parts(g_.out_h(), rows, [&](int row, int row_count) {
        in_parts(g_.out_w(), columns,
                 [&](int column, int column_count) { strips_.push_back({{row, row_count}, {column, column_count}}); });
    });
    pitch_ = in_columns(columns);
    inputs_ = std::ptrdiff_t{in_rows(rows)} * pitch_ * plan_.lanes;
    space_each_ = floats(rows, columns);
    space_ = Floats(space_each_ * threads_);
    for (int i = 0; i < g_.kernel_h; ++i) {
        for (int j = 0; j < g_.kernel_w; ++j) {
            taps_.push_back((std::ptrdiff_t{i} * g_.dilation_h * pitch_ + j * g_.dilation_w) * plan_.lanes);
        }
    }
}

// Returns the input rows that `out_rows` output rows need.
int Depthwise::in_rows(int out_rows) const {
    return (out_rows - 1) * g_.stride_h + g_.dilation_h * (g_.kernel_h - 1) + 1;
}

int Depthwise::in_columns(int out_columns) const {
    return (out_columns - 1) * g_.stride_w + g_.dilation_w * (g_.kernel_w - 1) + 1;
}

void Depthwise::run(const Input& x, int n, float* y) {
    const int lanes = plan_.lanes, blocks = ceil_div(g_.groups, lanes), strips = int(strips_.size());
    parallel_for(threads_, n * blocks * strips, [&](int unit, int thread) {
        const Area& strip = strips_[unit % strips];
        const Area wanted{{strip.rows.first * g_.stride_h - g_.top, in_rows(strip.rows.count)},
                          {strip.columns.first * g_.stride_w - g_.left, pitch_}};
        const int block = unit / strips % blocks, image = unit / strips / blocks;
        const int first = block * lanes, planes = std::min(lanes, g_.groups - first);
        float* inputs = space_.data() + thread * space_each_;
        float* outputs = inputs + inputs_;
        // Padding rows are never read. Padding columns are zero from the start, and stay so where all strips have the
        // same.
        if (strip.columns.count != g_.out_w()) std::fill(inputs, inputs + inputs_, 0.0f);
        interleave(kernels_, width_, x.from(image, first), planes, g_.h, g_.w, wanted, inputs);
        compute(block, strip, inputs, outputs);
        deinterleave(kernels_, width_, outputs, planes, g_.out_h(), g_.out_w(), strip,
                     Packed::outputs(y, image, first));
    });
}

void Depthwise::compute(int block, const Area& strip, const float* inputs, float* outputs) const {
    const int lanes = plan_.lanes;
    const float* weight = weight_.data() + std::ptrdiff_t{block} * g_.taps() * lanes;
    GroupTile tile{};
    tile.x_column = std::ptrdiff_t{g_.stride_w} * lanes;
    tile.bias = bias_.bytes() ? bias_.data() + block * lanes : nullptr;
    tile.relu = relu_;
    for (int row = 0; row < strip.rows.count; ++row) {
        const Span kernel = kernel_rows(g_, {strip.rows.first + row, 1});
        tile.taps = taps_.data() + kernel.first * g_.kernel_w;
        tile.weight = weight + kernel.first * g_.kernel_w * lanes;
        tile.tap_count = kernel.count * g_.kernel_w;
        in_parts(strip.columns.count, plan_.columns, [&](int first, int count) {
            tile.x = inputs + (std::ptrdiff_t{row} * g_.stride_h * pitch_ + first * g_.stride_w) * lanes;
            tile.y = outputs + (std::ptrdiff_t{row} * strip.columns.count + first) * lanes;
            kernels_.depthwise->groups[width_][count](tile);
        });
    }
}

}  // namespace featherbench
