// Makes padded copies of inputs, a strip of a few rows at a time. In a strip, each kernel position lies at the same
// distance from every output's first input.

#pragma once

#include <vector>

#include "plan.hpp"

namespace featherbench {

// A strip holds, channel by channel, a plane for each copy of the input. A plane has rows of `pitch` floats. Distances
// are in floats.
class Strips {
public:
    Strips(const Geometry& geometry, const Kernels& kernels, const Plan& plan, int threads);

    // The outputs that a strip serves: some tiles of output rows, for a range of output columns.
    struct Part {
        Span tiles, columns;
        int top, rows;  // output rows of the tiles
    };
    int count() const { return int(strips_.size() * columns_.size()); }
    Part part(int index) const;
    const Span& tile(int index) const { return tiles_[index]; }

    // Copies `channels` channels into `to`; the first is at `from`. `to` must hold what an earlier call wrote, or
    // zeros.
    void copy(const Input& x, const float* from, int channels, const Part& part, float* to) const;

    int bundle() const { return bundle_; }             // groups of a strip
    std::ptrdiff_t floats() const { return floats_; }  // size of a strip
    std::ptrdiff_t channel() const { return channel_; }
    std::ptrdiff_t pitch() const { return pitch_; }
    int lead() const { return lead_; }                       // floats before a row's first input
    int step() const { return step_; }                       // floats between the inputs of neighbouring output columns
    bool one_piece() const { return columns_.size() == 1; }  // whether strips are as wide as the output
    // Returns the offset of each of `rows` x kernel_w kernel positions from an output's first input: row by row for the
    // first `columns` kernel columns, then for the next ones. `columns` must divide kernel_w.
    std::vector<std::ptrdiff_t> taps(int rows, int columns) const;

private:
    struct Copy {
        int column;  // first input column of the first output column, including padding
        int phase;   // first input row of the first output row; flat_rows: of every row
    };

    bool flat() const { return plan_.kind == Plan::Kind::flat_rows; }
    int row_span() const { return g_.dilation_h * (g_.kernel_h - 1); }     // from the first to the last kernel row
    int column_span() const { return g_.dilation_w * (g_.kernel_w - 1); }  // likewise for columns
    Copy copy_of(int kernel_row, int kernel_column) const;
    std::size_t index_of(const Copy& copy) const;
    int in_rows(int out_rows) const;
    int in_columns(int out_columns) const;
    int pitch_for(int out_columns) const;
    int plane_for(int out_rows, int out_columns) const;
    void split();

    Geometry g_;
    const Kernels& kernels_;
    Plan plan_;
    int width_;               // the kernels' index of the lanes
    int step_, column_step_;  // neighbouring floats of a row are `column_step_` input columns apart
    int lead_ = 0, bundle_ = 1;
    std::vector<Copy> copies_;
    std::vector<Span> tiles_;    // rows of each tile
    std::vector<Span> strips_;   // tiles of each strip
    std::vector<Span> columns_;  // columns of each strip
    int pitch_ = 0;
    std::ptrdiff_t plane_ = 0, channel_ = 0, floats_ = 0;
};

}  // namespace featherbench
