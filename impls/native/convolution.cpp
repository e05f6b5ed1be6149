// Grouped convolution by tiles: packs weights, and runs the tiles of a plan.
#include "convolution.hpp"

#include <algorithm>

#include "threads.hpp"

namespace featherbench {
namespace {

Reach reach_of(const Geometry& g, Plan::Kind kind) {
    const bool along_rows = kind == Plan::Kind::rows || kind == Plan::Kind::rows_inplace;
    if (!along_rows || g.kernel_h != 3 || g.dilation_h != 1 || g.stride_h > 2) return Reach::any;
    return g.stride_h == 1 ? Reach::sliding1 : Reach::sliding2;
}

// If a kernel column's products with padding are left out, the column needs a loop of its own, which pays from about 32
// channels on.
constexpr int kFewChannels = 32;

int run_columns(const Geometry& g, Plan::Kind kind) {
    return kind == Plan::Kind::out_channels && g.channels() < kFewChannels ? g.kernel_w : 1;
}

}  // namespace

Convolution::Convolution(const Setting& setting, const float* weight, const float* bias)
    : Packed(setting),
      reach_(reach_of(g_, plan_.kind)),
      strips_(g_, kernels_, plan_, threads_),
      run_columns_(run_columns(g_, plan_.kind)),
      taps_(strips_.taps(reach_ == Reach::any ? g_.kernel_h : 1, run_columns_)) {
    if (!in_place(plan_.kind)) make_space();
    pack(weight, bias);
    for (int k = 0; k < std::max(kMaxFilters, kMaxPairs * plan_.lanes); ++k) {
        filters_.push_back(k * plane());
    }
}

void Convolution::make_space() { space_ = Floats(std::size_t(strips_.floats()) * threads_); }

// Returns how many weights of each tap lie side by side.
int Convolution::block_lanes(const Block& block) const {
    return across(plan_.kind) ? round_up(block.count, plan_.lanes) : block.count;
}

void Convolution::pack(const float* weight, const float* bias) {
    const int taps = g_.taps(), channels = g_.channels();
    if (across(plan_.kind)) {
        const int max_count = plan_.filters * plan_.lanes;
        for (int first = 0; first < g_.filters(); first += max_count) {
            blocks_.push_back({first, std::min(max_count, g_.filters() - first), 0});
        }
    } else {
        in_parts(g_.filters(), plan_.filters, [&](int first, int count) { blocks_.push_back({first, count, 0}); });
    }
    for (Block& block : blocks_) {
        block.weight = group_weights_;
        group_weights_ += std::ptrdiff_t{block_lanes(block)} * channels * taps;
        group_bias_ = block.first + block_lanes(block);
    }
    weight_ = Floats(group_weights_ * g_.groups);
    if (bias) bias_ = Floats(group_bias_ * g_.groups);
    for (int group = 0; group < g_.groups; ++group) {
        for (const Block& block : blocks_) {
            const std::ptrdiff_t first = std::ptrdiff_t{group} * g_.filters() + block.first;
            float* to = weight_.data() + group * group_weights_ + block.weight;
            for (int c = 0; c < channels; ++c) {
                for (int i = 0; i < taps; ++i) {
                    const int row = i / g_.kernel_w, column = i % g_.kernel_w;
                    const int run = column / run_columns_, runs = g_.kernel_w / run_columns_;
                    const int before = across(plan_.kind) ? run * channels + c : c * runs + run;
                    const int tap = (before * g_.kernel_h + row) * run_columns_ + column % run_columns_;
                    float* at = to + std::ptrdiff_t{tap} * block_lanes(block);
                    for (int k = 0; k < block.count; ++k) at[k] = weight[((first + k) * channels + c) * taps + i];
                }
            }
            for (int k = 0; bias && k < block.count; ++k) {
                bias_.data()[group * group_bias_ + block.first + k] = bias[first + k];
            }
        }
    }
}

void Convolution::run(const Input& x, int n, float* y) {
    const int strips = strips_.count(), bundles = ceil_div(g_.groups, strips_.bundle());
    const int jobs = n * bundles * strips;
    const int blocks = int(blocks_.size());
    // Where there are few strips, threads share the filters of a strip.
    const int parts = parts_of_each(jobs, threads_, blocks);
    const bool in_place = featherbench::in_place(plan_.kind) && x.column == 1;
    std::vector<std::ptrdiff_t> taps_in_place;  // masked kernels compute theirs
    if (in_place && plan_.kind == Plan::Kind::out_channels_inplace) taps_in_place = taps(x.row);
    if (!in_place && space_.bytes() == 0) make_space();
    std::vector<int> loaded(threads_, -1);  // the strip that each thread has copied
    parallel_for(threads_, jobs * parts, [&](int unit, int thread) {
        const int job = unit / parts, share = unit % parts;
        const int image = job / strips / bundles, first = job / strips % bundles * strips_.bundle();
        const int end = std::min(first + strips_.bundle(), g_.groups);
        const Strips::Part part = strips_.part(job % strips);
        float* strip = space_.data() + thread * strips_.floats();
        const float* from = x.from(image, first * g_.channels()).data;
        if (!in_place && loaded[thread] != job) strips_.copy(x, from, (end - first) * g_.channels(), part, strip);
        loaded[thread] = job;
        View view{strip + strips_.lead(), strips_.channel(), strips_.pitch(), strips_.step(), taps_.data(), reach_};
        if (in_place) {
            const std::ptrdiff_t row = part.top * g_.stride_h - g_.top;
            view = {from + row * x.row + part.columns.first * g_.stride_w - g_.left,
                    x.channel,
                    x.row,
                    g_.stride_w,
                    taps_in_place.data(),
                    g_.stride_h == 1 ? Reach::masked1 : Reach::masked2};
        }
        for (int group = first; group < end; ++group, view.x += g_.channels() * view.channel) {
            float* to = outputs(y, image, group * g_.filters());
            for (int b = share * blocks / parts; b < (share + 1) * blocks / parts; ++b) {
                compute(to, group, blocks_[b], part, view);
            }
        }
    });
}

// Returns the offsets of kernel positions in the original inputs.
std::vector<std::ptrdiff_t> Convolution::taps(std::ptrdiff_t row) const {
    std::vector<std::ptrdiff_t> offsets;
    for (int j = 0; j < g_.kernel_w; ++j) {
        for (int i = 0; i < g_.kernel_h; ++i) offsets.push_back(i * g_.dilation_h * row + j * g_.dilation_w);
    }
    return offsets;
}

void Convolution::compute(float* y, int group, const Block& block, const Strips::Part& part, const View& view) const {
    const float* weight = weight_.data() + group * group_weights_ + block.weight;
    const float* bias = bias_.bytes() ? bias_.data() + group * group_bias_ + block.first : nullptr;
    float* to = y + block.first * plane() + std::ptrdiff_t{part.top} * g_.out_w() + part.columns.first;
    if (across(plan_.kind)) {
        const int lanes = block_lanes(block);
        FilterTile tile{};
        tile.x_channel = view.channel;
        tile.x_row = g_.stride_h * view.row;
        tile.channels = g_.channels();
        tile.weight = weight;
        tile.taps_run = run_columns_ * g_.kernel_h;
        tile.weight_channel = std::ptrdiff_t{lanes} * tile.taps_run;
        tile.weight_run = tile.weight_channel * g_.channels();
        tile.bias = bias;
        tile.y_filters = filters_.data();
        tile.y_row = g_.out_w();
        tile.filters = block.count;
        tile.relu = relu_;
        compute_filters(tile, lanes / plan_.lanes, part, view, to);
        return;
    }
    RowTile tile{};
    tile.x_channel = view.channel;
    tile.taps = view.taps;
    tile.tap_count = int(taps_.size());
    tile.channels = g_.channels();
    tile.weight = weight;
    tile.bias = bias;
    tile.y_filters = filters_.data();
    tile.relu = relu_;
    if (plan_.kind == Plan::Kind::flat_rows) {
        compute_flat(tile, block.count, (strips_.one_piece() ? part.rows : 1) * part.columns.count, view, to);
    } else {
        compute_rows(tile, block.count, part, view, to);
    }
}

void Convolution::compute_rows(RowTile tile, int filters, const Strips::Part& part, const View& view, float* y) const {
    tile.x_row = view.row * (view.reach == Reach::any ? g_.stride_h : 1);
    tile.y_row = g_.out_w();
    tile.width = g_.w;
    for (int t = part.tiles.first; t < part.tiles.first + part.tiles.count; ++t) {
        const Span& rows = strips_.tile(t);
        const std::ptrdiff_t below = rows.first - part.top;
        const int in_row = rows.first * g_.stride_h - g_.top;
        tile.first_row = std::max(-in_row, 0);
        tile.end_row = g_.h - in_row;
        for (int at = 0; at < part.columns.count;) {
            int width = width_;
            while (width + 1 < kWidths && kernels_.lanes[width + 1] >= part.columns.count - at) ++width;
            tile.x = view.x + below * g_.stride_h * view.row + at * view.step;
            tile.column = (part.columns.first + at) * g_.stride_w - g_.left;
            tile.y = y + below * g_.out_w() + at;
            tile.columns = std::min(part.columns.count - at, kernels_.lanes[width]);
            kernels_.rows->of[width][int(view.reach)][filters][rows.count](tile);
            at += kernels_.lanes[width];
        }
    }
}

void Convolution::compute_flat(RowTile tile, int filters, int positions, const View& view, float* y) const {
    tile.x_row = tile.y_row = tile.columns = plan_.lanes;
    const auto* kernels = kernels_.rows->of[width_][int(Reach::any)][filters];
    const auto run = [&](int at, int vectors) {
        tile.x = view.x + at;
        tile.y = y + at;
        kernels[vectors](tile);
    };
    in_parts(positions / plan_.lanes, plan_.rows, [&](int first, int vectors) { run(first * plan_.lanes, vectors); });
    tile.columns = positions % plan_.lanes;
    if (tile.columns) run(positions - tile.columns, 1);
}

// Sorts runs of taps by the output columns at which they meet inputs; returns the first run that meets any.
int Convolution::sort_runs(FilterTile& tile, const Span& columns) const {
    if (run_columns_ > 1) {
        tile.whole = 1;
        return 0;
    }
    const Span all = kernel_columns(g_, columns);
    const Span first = kernel_columns(g_, {columns.first, 1}), last = kernel_columns(g_, {end(columns) - 1, 1});
    tile.not_first = first.first - all.first;
    tile.not_last = std::min(all.count - tile.not_first, end(all) - end(last));
    tile.whole = all.count - tile.not_first - tile.not_last;
    return all.first;
}

void Convolution::compute_filters(FilterTile tile, int vectors, const Strips::Part& part, const View& view,
                                  float* y) const {
    const float* weight = tile.weight;
    in_parts(part.columns.count, plan_.columns, [&](int at, int count) {
        const int first_run = sort_runs(tile, {part.columns.first + at, count});
        for (int t = part.tiles.first; t < part.tiles.first + part.tiles.count; ++t) {
            const Span& rows = strips_.tile(t);
            const Span kernel = kernel_rows(g_, rows);
            const int tap = kernel.first * run_columns_;
            tile.taps = view.taps + first_run * tile.taps_run + tap;
            tile.weight = weight + first_run * tile.weight_run + tap * vectors * plan_.lanes;
            tile.tap_count = kernel.count * run_columns_;
            const std::ptrdiff_t below = rows.first - part.top;
            tile.x = view.x + below * tile.x_row + at * view.step;
            tile.y = y + below * g_.out_w() + at;
            kernels_.filters->of[width_][vectors][rows.count][strips_.step()][count](tile);
        }
    });
}

}  // namespace featherbench
