// A block-sparse matrix times planes: Y[o] = sum over i of A[o, i] X[i] (+ b[o]), each X[i] and Y[o] a plane of
// numbers.
//
// A pointwise convolution whose filters read different channels is one, and so is its gradient for the input; the
// gradient for the weights is the same matrix's, of scalar products of planes.

#pragma once

#include <cstdint>
#include <vector>

#include "geometry.hpp"
#include "memory.hpp"
#include "tiles.hpp"

namespace featherbench {

// Which entries of A there are: row o has those in columns columns[starts[o]] up to columns[starts[o + 1]], ascending,
// and entry e is weight entries[e] of the weights as the user stores them.
struct Pattern {
    int inputs, outputs;
    std::vector<int> starts, columns, entries;
    std::vector<int> order;  // of the rows, those that share columns beside each other
};

class PlaneProduct {
public:
    // `positions`: numbers of a plane. What is fast depends on it, so that each size wants a product of its own.
    PlaneProduct(const Pattern& pattern, int positions, const Kernels& kernels, int threads);

    // Reads the weights; those of the pattern's entries. `bias` may be null. With `keep`, weights that are, bit by bit,
    // those of the last call stay packed: for that it copies them.
    void pack(const float* weight, const float* bias, bool keep = false);
    // Forgets where weights go: it is as large as they are, and not needed where they are packed once.
    void seal();

    // x is (n, inputs, positions), y (n, outputs, positions), both contiguous.
    void multiply(const float* x, int n, float* y);

    std::size_t packed_bytes() const { return packed_.bytes() + bias_.bytes() + kept_.bytes(); }
    std::size_t workspace_bytes() const { return space_.bytes(); }

private:
    struct Tile {  // rows of A that are computed together, over all columns that any of them has
        std::vector<std::ptrdiff_t> outputs, taps;
        std::ptrdiff_t weight, bias;  // where they are in what is packed
        int vectors;                  // of rows, where vectors hold rows; 0 where they hold positions
        int rows;                     // vectors of positions, or images, that share a tile
    };

    struct Choice {
        double cycles;
        int count, rows;
        bool across;
    };
    Choice along_positions(int outputs, int inputs) const;
    Choice across_outputs(int outputs, int inputs) const;
    void cut(const Pattern& pattern);
    void add(const Pattern& pattern, int first, const Choice& choice);
    void pack_weight(const float* weight, bool keep);
    void pack_bias(const float* bias);
    void compute(const Tile& tile, const float* space, int images, int count, float* y) const;

    int inputs_, outputs_, positions_;
    std::size_t weights_;
    const Kernels& kernels_;
    int threads_;
    bool in_place_;
    std::vector<Tile> tiles_;
    std::vector<std::int32_t> source_;  // for each packed weight, which of the user's it is, or -1
    std::vector<std::int32_t> bias_source_;
    Floats packed_, bias_, space_;
    Floats kept_;                 // the weights that are packed, as the user stores them; or nothing
    int images_ = 1, chunk_ = 1;  // of a strip: images, and positions of each
    std::ptrdiff_t image_ = 0, plane_ = 0, space_each_ = 0;
};

// The gradient of the weights of a product, summed over images and positions.
class PlaneGradient {
public:
    PlaneGradient(const Pattern& pattern, const Kernels& kernels, int threads);

    // x is (n, inputs, positions), dy (n, outputs, positions), both contiguous. `weight` receives each of the pattern's
    // entries.
    void compute(const float* x, const float* dy, int n, int positions, float* weight);

    std::size_t workspace_bytes() const { return space_.bytes() + sums_.bytes(); }

private:
    struct Tile {                           // kDots outputs with kDots inputs
        int outputs[kDots], inputs[kDots];  // rows of a strip
        std::int32_t entry[kDots * kDots];  // [input][output]: which weight, or -1
    };

    int inputs_, outputs_;
    const Kernels& kernels_;
    int threads_;
    std::vector<Tile> tiles_;
    Floats space_, sums_;
};

}  // namespace featherbench
