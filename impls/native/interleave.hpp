// Interleaves planes, so that the numbers of a position lie side by side, and deinterleaves them again.

#pragma once

#include "geometry.hpp"
#include "tiles.hpp"

namespace featherbench {

struct Area {
    Span rows, columns;
    int positions() const { return rows.count * columns.count; }
};

// Copies an area of up to as many planes as a vector has lanes to [row][column][plane]. Each plane is h x w; the first
// begins at x.data. The area may reach beyond the planes; `to` is not written there. `width` is the kernels' index of
// the lanes.
void interleave(const Kernels& kernels, int width, const Input& x, int planes, int h, int w, const Area& area,
                float* to);

// Copies [row][column][plane] to an area of contiguous planes. Each plane is h x w; the first begins at y.
void deinterleave(const Kernels& kernels, int width, const float* from, int planes, int h, int w, const Area& area,
                  float* y);

}  // namespace featherbench
