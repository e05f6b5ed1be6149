#include "turn.hpp"

namespace featherbench {

void turn(const Kernels& kernels, int width, const Input& x, int planes, const Span& rows, const Span& columns,
          float* to, std::ptrdiff_t pitch) {
    const int lanes = kernels.lanes[width];
    const float* from = x.data + rows.first * x.row + columns.first * x.column;
    if (rows.count <= 0 || columns.count <= 0) return;
    if (x.column == 1 && x.row == columns.count) {
        kernels.gather[width](
            from, {x.channel, planes, rows.count * columns.count, columns.count, int(pitch) - columns.count}, to);
        return;
    }
    for (int row = 0; row < rows.count; ++row, from += x.row, to += pitch * lanes) {
        if (x.column == 1) {
            kernels.gather[width](from, {x.channel, planes, columns.count, columns.count, 0}, to);
            continue;
        }
        for (int column = 0; column < columns.count; ++column) {
            for (int k = 0; k < planes; ++k) to[column * lanes + k] = from[k * x.channel + column * x.column];
        }
    }
}

}  // namespace featherbench
