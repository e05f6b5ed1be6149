// Planes turned so that the planes of a position lie side by side.

#pragma once

#include "geometry.hpp"
#include "tiles.hpp"

namespace featherbench {

// Some rows and columns of up to as many planes as a vector has lanes, of which the first begins at x.data. Position
// `pitch` behind another in `to` is the one below it; what lies between rows in `to` stays as it was. `width` is the
// kernels' index of the lanes.
void turn(const Kernels& kernels, int width, const Input& x, int planes, const Span& rows, const Span& columns,
          float* to, std::ptrdiff_t pitch);

}  // namespace featherbench
