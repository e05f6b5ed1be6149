// Splits a convolution into strips, and makes their padded copies.
#include "strips.hpp"

#include <algorithm>

namespace featherbench {
namespace {

// A strip should stay in the first-level cache while all filters pass over it ...
constexpr std::ptrdiff_t kFloats = 6 << 10;
// ... and where the rows of a single tile are larger, its columns are cut so that it stays in the second-level cache.
constexpr std::ptrdiff_t kMaxFloats = 96 << 10;

int floor_mod(int a, int b) { return (a % b + b) % b; }

// Returns which of `wanted` positions, `step` apart, hold inputs. The first position lies `before` positions before the
// first of `size` inputs.
Span inputs_of(int before, int size, int step, int wanted) {
    const int low = std::clamp(ceil_div(std::max(before, 0), step), 0, wanted);
    const int high = std::clamp(before + size > 0 ? ceil_div(before + size, step) : 0, low, wanted);
    return {low, high - low};
}

// Plans across filters read single inputs, which may lie anywhere; the others read vectors of inputs side by side.
int step_of(const Geometry& g, const Plan& plan) {
    return across(plan.kind) && g.stride_w <= kMaxPairs ? g.stride_w : 1;
}

}  // namespace

Strips::Strips(const Geometry& geometry, const Kernels& kernels, const Plan& plan, int threads)
    : g_(geometry),
      kernels_(kernels),
      plan_(plan),
      width_(width_of(plan, geometry, kernels)),
      step_(step_of(geometry, plan)),
      column_step_(geometry.stride_w / step_) {
    for (int i = 0; i < g_.kernel_h; ++i) {
        for (int j = 0; j < g_.kernel_w; ++j) {
            const Copy copy = copy_of(i, j);
            if (index_of(copy) == copies_.size()) copies_.push_back(copy);
        }
    }
    const int widest = kernels.lanes[0];
    // Inputs begin at a cache line where vectors are loaded from them.
    if (plan.kind == Plan::Kind::rows && column_step_ == 1) lead_ = floor_mod(-g_.left, widest);
    // An in-place plan can leave padding out only where it is the same for all rows of a tile.
    for (int row = 0, end = 0; row < g_.out_h(); row = end) {
        const auto same = [&](int other) { return kernel_rows(g_, {other, 1}) == kernel_rows(g_, {row, 1}); };
        for (end = row + 1; end < g_.out_h() && (plan.kind != Plan::Kind::out_channels_inplace || same(end));) ++end;
        in_parts(end - row, flat() ? 1 : plan.rows,
                 [&](int first, int count) { tiles_.push_back({row + first, count}); });
    }
    split();
    const std::ptrdiff_t group = channel_ * g_.channels();
    const int enough = threads == 1 ? g_.groups : std::max(g_.groups * count() / (4 * threads), 1);
    bundle_ = int(std::clamp<std::ptrdiff_t>(kFloats / group, 1, std::min(enough, g_.groups)));
    floats_ = group * bundle_ + widest;
}

// Returns the copy that a kernel position reads. flat_rows has a copy for each kernel column and each phase of the row
// stride. In other plans kernel columns share copies; there is a single copy where no columns are left out.
Strips::Copy Strips::copy_of(int kernel_row, int kernel_column) const {
    const int column = kernel_column * g_.dilation_w;
    return flat() ? Copy{column, kernel_row * g_.dilation_h % g_.stride_h} : Copy{column % column_step_, 0};
}

std::size_t Strips::index_of(const Copy& copy) const {
    const auto same = [&](const Copy& other) { return other.column == copy.column && other.phase == copy.phase; };
    return std::size_t(std::find_if(copies_.begin(), copies_.end(), same) - copies_.begin());
}

std::vector<std::ptrdiff_t> Strips::taps(int rows, int columns) const {
    std::vector<std::ptrdiff_t> offsets;
    for (int first = 0; first < g_.kernel_w; first += columns) {
        for (int i = 0; i < rows; ++i) {
            for (int j = first; j < first + columns; ++j) {
                const std::ptrdiff_t row = i * g_.dilation_h / (flat() ? g_.stride_h : 1);
                const int column = flat() ? 0 : j * g_.dilation_w / column_step_;
                offsets.push_back(std::ptrdiff_t(index_of(copy_of(i, j))) * plane_ + row * pitch_ + column);
            }
        }
    }
    return offsets;
}

// Returns the rows of a plane that `out_rows` output rows need.
int Strips::in_rows(int out_rows) const {
    return flat() ? out_rows + row_span() / g_.stride_h : (out_rows - 1) * g_.stride_h + row_span() + 1;
}

// Returns the floats of a row that `out_columns` output columns need.
int Strips::in_columns(int out_columns) const {
    return flat() ? out_columns : (out_columns - 1) * step_ + 1 + column_span() / column_step_;
}

int Strips::pitch_for(int out_columns) const {
    if (flat()) return out_columns;
    const int needed = in_columns(out_columns), widest = kernels_.lanes[0];
    if (out_columns < g_.out_w()) return round_up(lead_ + needed, widest);
    int min_count = 0;  // a row's zeros on the right may also be the next row's on the left
    for (const Copy& copy : copies_) {
        const Span inputs = inputs_of(g_.left - copy.column, g_.w, column_step_, needed);
        min_count = std::max({min_count, needed - inputs.first, inputs.first + inputs.count});
    }
    return across(plan_.kind) ? min_count : round_up(min_count, widest);
}

// Returns the floats of a plane, with room for the zeros on the last row's right and for vectors that reach beyond it.
int Strips::plane_for(int out_rows, int out_columns) const {
    const int widest = kernels_.lanes[0];
    const int pitch = pitch_for(out_columns);
    return round_up(lead_ + (in_rows(out_rows) - 1) * pitch + std::max(pitch, in_columns(out_columns)) + 2 * widest,
                    widest);
}

// Cuts the output into strips that fit a cache, and sets the distances within them.
void Strips::split() {
    const auto floats = [&](int out_rows, int columns) {
        return std::ptrdiff_t(copies_.size()) * g_.channels() * plane_for(out_rows, columns);
    };
    int columns = g_.out_w(), max_rows = 0;
    for (const Span& tile : tiles_) max_rows = std::max(max_rows, tile.count);
    while (columns > plan_.lanes && floats(max_rows, columns) > kMaxFloats) {
        columns = round_up(ceil_div(columns, 2), plan_.lanes);
    }
    for (int first = 0; first < g_.out_w(); first += columns) {
        columns_.push_back({first, std::min(columns, g_.out_w() - first)});
    }
    // Strips of flat_rows are one row high where columns are cut, since rows then do not lie end to end in the output;
    // otherwise they are high enough to fill a tile.
    const bool stacked = !flat() || one_piece();
    const int min_count = flat() ? ceil_div(plan_.rows * plan_.lanes, g_.out_w()) : 1;
    int max_count = 1;
    while (stacked && max_count < int(tiles_.size()) &&
           floats((max_count + 1) * max_rows, columns) <= (max_count < min_count ? kMaxFloats : kFloats)) {
        ++max_count;
    }
    in_parts(int(tiles_.size()), max_count, [&](int first, int count) { strips_.push_back({first, count}); });
    int rows = 0;
    for (int i = 0; i < count(); ++i) rows = std::max(rows, part(i).rows);
    pitch_ = pitch_for(columns);
    plane_ = plane_for(rows, columns);
    channel_ = plane_ * std::ptrdiff_t(copies_.size());
}

Strips::Part Strips::part(int index) const {
    const Span& tiles = strips_[index / columns_.size()];
    const Span &begin = tiles_[tiles.first], &end = tiles_[tiles.first + tiles.count - 1];
    return {tiles, columns_[index % columns_.size()], begin.first, end.first + end.count - begin.first};
}

// In each plane, position i holds input column columns.first * stride + column - left + i * thin. Its row r is input
// row top * stride + phase - padding + r; for flat_rows, the last term is r * stride.
void Strips::copy(const Input& x, const float* from, int channels, const Part& part, float* to) const {
    const int row_step = flat() ? g_.stride_h : 1, column_step = flat() ? g_.stride_w : column_step_;
    const int wanted_rows = in_rows(part.rows), wanted = in_columns(part.columns.count);
    // Padding is zero from the start, and stays so unless inputs of another strip were copied there.
    const bool other_rows = strips_.size() > 1, other_columns = !one_piece();
    if (other_columns) std::fill(to, to + channels * channel_, 0.0f);

    for (std::size_t i = 0; i < copies_.size(); ++i) {
        const int top = part.top * g_.stride_h + copies_[i].phase - g_.top;
        const int left = part.columns.first * g_.stride_w + copies_[i].column - g_.left;
        const Span rows = inputs_of(-top, g_.h, row_step, wanted_rows),
                   columns = inputs_of(-left, g_.w, column_step, wanted);
        float* first = to + std::ptrdiff_t(i) * plane_ + lead_ + columns.first;
        for (int c = 0; other_rows && !other_columns && c < channels; ++c) {
            for (int row = 0; row < wanted_rows; ++row) {
                const bool empty = row < rows.first || row >= rows.first + rows.count;
                float* at = first + c * channel_ + std::ptrdiff_t{row} * pitch_;
                if (empty) std::fill(at, at + columns.count, 0.0f);
            }
        }
        if (rows.count == 0 || columns.count == 0) continue;
        const std::ptrdiff_t source = (top + std::ptrdiff_t{rows.first} * row_step) * x.row +
                                      (left + std::ptrdiff_t{columns.first} * column_step) * x.column;
        kernels_.copies->copy[width_]({from + source, x.channel, x.row * row_step, x.column * column_step, channels,
                                       rows.count, columns.count, first + std::ptrdiff_t{rows.first} * pitch_, channel_,
                                       pitch_});
    }
}

}  // namespace featherbench
