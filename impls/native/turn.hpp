// Planes turned so that the planes of a position lie side by side, and turned back.

#pragma once

#include "geometry.hpp"
#include "tiles.hpp"

namespace featherbench {

struct Area {
    Span rows, columns;
    int positions() const { return rows.count * columns.count; }
};

// An area of up to as many planes as a vector has lanes, of h x w each, of which the first begins at x.data; to
// [row][column][plane]. The area may reach beyond the planes; what lies there stays as it was. `width` is the kernels'
// index of the lanes.
void turn(const Kernels& kernels, int width, const Input& x, int planes, int h, int w, const Area& area, float* to);

// An area of contiguous planes, each h x w, of which the first begins at y; from [row][column][plane].
void turn_back(const Kernels& kernels, int width, const float* from, int planes, int h, int w, const Area& area,
               float* y);

}  // namespace featherbench
