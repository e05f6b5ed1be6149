// Interleaves and deinterleaves planes.
#include "interleave.hpp"

namespace featherbench {
namespace {

Span within(const Span& span, int size) {
    const int first = std::clamp(span.first, 0, size);
    return {first, std::clamp(end(span), first, size) - first};
}

}  // namespace

void interleave(const Kernels& kernels, int width, const Input& x, int planes, int h, int w, const Area& area,
                float* to) {
    const int lanes = kernels.lanes[width], pitch = area.columns.count;
    const Span rows = within(area.rows, h), columns = within(area.columns, w);
    if (rows.count == 0 || columns.count == 0) return;
    const float* from = x.data + rows.first * x.row + columns.first * x.column;
    to += (std::ptrdiff_t{rows.first - area.rows.first} * pitch + columns.first - area.columns.first) * lanes;
    if (x.column == 1 && x.row == columns.count) {
        kernels.copies->gather[width](
            from, {x.channel, planes, rows.count * columns.count, columns.count, pitch - columns.count}, to);
        return;
    }
    for (int row = 0; row < rows.count; ++row, from += x.row, to += std::ptrdiff_t{pitch} * lanes) {
        if (x.column == 1) {
            kernels.copies->gather[width](from, {x.channel, planes, columns.count, columns.count, 0}, to);
            continue;
        }
        for (int column = 0; column < columns.count; ++column) {
            for (int k = 0; k < planes; ++k) to[column * lanes + k] = from[k * x.channel + column * x.column];
        }
    }
}

void deinterleave(const Kernels& kernels, int width, const float* from, int planes, int h, int w, const Area& area,
                  float* y) {
    const std::ptrdiff_t plane = std::ptrdiff_t{h} * w;
    float* to = y + std::ptrdiff_t{area.rows.first} * w + area.columns.first;
    if (area.columns.count == w) {
        kernels.copies->scatter[width](from, {plane, planes, area.positions(), 0, 0}, to);
        return;
    }
    for (int row = 0; row < area.rows.count; ++row, to += w) {
        kernels.copies->scatter[width](from, {plane, planes, area.columns.count, 0, 0}, to);
        from += std::ptrdiff_t{area.columns.count} * kernels.lanes[width];
    }
}

}  // namespace featherbench
