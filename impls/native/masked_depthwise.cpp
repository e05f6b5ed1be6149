// 3 x 3 depthwise convolution that reads inputs in place.
#include "masked_depthwise.hpp"

#include <algorithm>

#include "threads.hpp"

namespace featherbench {
namespace {

constexpr int kInputFloats = 4 << 10;  // most inputs of a unit of work: few enough for the first-level cache

}  // namespace

MaskedDepthwise::MaskedDepthwise(const Setting& setting, const float* weight, const float* bias)
    : Packed(setting),
      pitch_(round_up(in_extent(plan_.lanes), plan_.lanes) + plan_.lanes),
      block_(std::ptrdiff_t{in_extent(plan_.rows)} * pitch_) {
    weight_ = Floats(std::size_t(g_.cout) * g_.taps());
    std::copy_n(weight, std::size_t(g_.cout) * g_.taps(), weight_.data());
    if (bias) {
        bias_ = Floats(g_.cout);
        std::copy_n(bias, g_.cout, bias_.data());
    }
    in_parts(g_.out_h(), plan_.rows, [&](int first, int count) { tiles_.push_back({first, count}); });
}

void MaskedDepthwise::run(const Input& x, int n, float* y) {
    // A bundle has the filters of one channel, or of neighbouring channels that have one filter each.
    const int max_count = g_.filters() > 1 ? g_.filters() : std::max(kInputFloats / (g_.h * g_.w), 1);
    const int bundles = ceil_div(g_.cout, max_count);
    // Where there are few bundles, threads share the rows of a bundle.
    const int tiles = int(tiles_.size());
    const int parts = parts_of_each(n * bundles, threads_, tiles);
    if (x.column != 1 && space_.bytes() == 0) space_ = Floats(std::size_t(block_) * threads_);
    parallel_for(threads_, n * bundles * parts, [&](int unit, int thread) {
        const int bundle = unit / parts % bundles, part = unit % parts;
        const int image = unit / parts / bundles, first = bundle * max_count;
        const int begin = part * tiles / parts, end = (part + 1) * tiles / parts;
        Input own = x.from(image, first / g_.filters());
        if (g_.filters() > 1) own.channel = 0;
        compute(own, {first, std::min(max_count, g_.cout - first)}, {begin, end - begin},
                space_.data() + thread * block_, outputs(y, image, first));
    });
}

void MaskedDepthwise::compute(const Input& x, const Span& filters, const Span& tiles, float* block, float* y) const {
    const int lanes = plan_.lanes;
    MaskedTile tile{};
    tile.planes = filters.count;
    tile.x_plane = x.channel;
    tile.x_row = x.row;
    tile.width = g_.w;
    tile.weight = weight_.data() + std::ptrdiff_t{filters.first} * g_.taps();
    tile.bias = bias_.bytes() ? bias_.data() + filters.first : nullptr;
    tile.y_plane = plane();
    tile.y_row = g_.out_w();
    tile.relu = relu_;
    for (int t = tiles.first; t < end(tiles); ++t) {
        const Span& rows = tiles_[t];
        const int top = rows.first * g_.stride_h - g_.top;
        tile.first_row = std::max(-top, 0);
        tile.end_row = std::min(g_.h - top, in_extent(rows.count));
        for (int at = 0; at < g_.out_w(); at += lanes) {
            tile.column = at * g_.stride_w - g_.left;
            tile.columns = std::min(lanes, g_.out_w() - at);
            tile.x = x.data + top * x.row + tile.column * x.column;
            tile.y = y + std::ptrdiff_t{rows.first} * g_.out_w() + at;
            const auto kernel = kernels_.depthwise->masked[width_][g_.stride_h][rows.count];
            x.column == 1 ? kernel(tile) : from_copies(tile, x.column, block, kernel);
        }
    }
}

// For inputs whose columns do not lie side by side: copies part of a plane at a time so that they do.
void MaskedDepthwise::from_copies(MaskedTile tile, std::ptrdiff_t x_column, float* block, MaskedKernel kernel) const {
    const int begin = std::max(-tile.column, 0), end = std::min(g_.w - tile.column, in_extent(plan_.lanes));
    const float* from = tile.x + begin * x_column + tile.first_row * tile.x_row;
    tile.x = block;
    for (; tile.planes; --tile.planes, from += tile.x_plane, tile.y += tile.y_plane, tile.weight += g_.taps()) {
        if (begin < end && tile.first_row < tile.end_row) {
            kernels_.copies->copy[width_]({from, 0, tile.x_row, x_column, 1, tile.end_row - tile.first_row, end - begin,
                                           block + tile.first_row * pitch_ + begin, 0, pitch_});
        }
        MaskedTile single = tile;
        single.planes = 1;
        single.x_row = pitch_;
        kernel(single);
        if (tile.bias) ++tile.bias;
    }
}

}  // namespace featherbench
