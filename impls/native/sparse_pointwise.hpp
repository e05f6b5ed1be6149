// Multiplies planes by a sparse matrix: Y[o] = sum over i of A[o, i] X[i] (+ b[o]), where each X[i] and Y[o] is a
// plane of numbers.
//
// A pointwise convolution whose filters read different channels is such a product, and so is the gradient of its input.
// The gradient of its weights has the same sparsity; its entries are scalar products of planes.

#pragma once

#include <cstdint>
#include <vector>

#include "geometry.hpp"
#include "memory.hpp"
#include "tiles.hpp"

namespace featherbench {

// The nonzero entries of A: those of row o lie in columns columns[starts[o]] up to columns[starts[o + 1]], ascending,
// and entry e is weight entries[e] of the weights as the user stores them.
struct CsrPattern {
    int inputs, outputs;
    std::vector<int> starts, columns, entries;
    std::vector<int> order;  // the rows, sorted so that those that share columns are neighbours
};

class SparsePointwise {
public:
    // `positions` is the size of a plane. The fastest tiles depend on it, so each size needs a product of its own.
    SparsePointwise(const CsrPattern& pattern, int positions, const Kernels& kernels, int threads);

    // Packs the weights of the pattern's entries. `bias` may be null. With `keep`, it copies the weights, and does not
    // pack them again if they are bit by bit those of the last call.
    void pack(const float* weight, const float* bias, bool keep = false);
    // Frees the table of where weights go: it is as large as the weights, and not needed once they are packed for good.
    void freeze();

    // x is (n, inputs, positions), y (n, outputs, positions), both contiguous.
    void multiply(const float* x, int n, float* y);

    std::size_t packed_bytes() const { return packed_.bytes() + bias_.bytes() + kept_.bytes(); }
    std::size_t workspace_bytes() const { return space_.bytes(); }

private:
    struct Tile {  // rows of A that are computed together, over the union of their columns
        std::vector<std::ptrdiff_t> outputs, taps;
        std::ptrdiff_t weight, bias;  // offsets in the packed weights
        int vectors;                  // vectors of rows where vectors hold rows; 0 where they hold positions
        int rows;                     // vectors of positions, or images, of a tile
    };

    struct Choice {
        double cycles;
        int count, rows;
        bool across;
    };
    Choice along_positions(int outputs, int inputs) const;
    Choice across_outputs(int outputs, int inputs) const;
    void split(const CsrPattern& pattern);
    void add(const CsrPattern& pattern, int first, const Choice& choice);
    void pack_weight(const float* weight, bool keep);
    void pack_bias(const float* bias);
    void compute(const Tile& tile, const float* space, int images, int count, float* y) const;

    int inputs_, outputs_, positions_;
    std::size_t weights_;
    const Kernels& kernels_;
    int threads_;
    bool in_place_;
    std::vector<Tile> tiles_;
    std::vector<std::int32_t> source_;  // index of each packed weight in the user's weights, or -1
    std::vector<std::int32_t> bias_source_;
    Floats packed_, bias_, space_;
    Floats kept_;                 // copy of the weights that are packed, as the user stores them; or empty
    int images_ = 1, chunk_ = 1;  // images of a strip, and positions of each
    std::ptrdiff_t image_ = 0, plane_ = 0, space_each_ = 0;
};

// Computes the gradient of the weights of a product, summed over images and positions.
class SparsePointwiseGradient {
public:
    SparsePointwiseGradient(const CsrPattern& pattern, const Kernels& kernels, int threads);

    // x is (n, inputs, positions), dy (n, outputs, positions), both contiguous. The gradient of each of the pattern's
    // entries is written to `weight`.
    void compute(const float* x, const float* dy, int n, int positions, float* weight);

    std::size_t workspace_bytes() const { return space_.bytes() + sums_.bytes(); }

private:
    struct Tile {                           // kDots outputs with kDots inputs
        int outputs[kDots], inputs[kDots];  // rows of a strip
        std::int32_t entry[kDots * kDots];  // [input][output]: index of the weight, or -1
    };

    int inputs_, outputs_;
    const Kernels& kernels_;
    int threads_;
    std::vector<Tile> tiles_;
    Floats space_, sums_;
};

}  // namespace featherbench
