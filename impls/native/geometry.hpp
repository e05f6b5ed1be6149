// The sizes of a convolution.

#pragma once

#include <algorithm>
#include <cstddef>

namespace featherbench {

struct Geometry {
    int cin, cout, groups;
    int h, w;
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int top, bottom, left, right;

    int out_h() const { return (h + top + bottom - dilation_h * (kernel_h - 1) - 1) / stride_h + 1; }
    int out_w() const { return (w + left + right - dilation_w * (kernel_w - 1) - 1) / stride_w + 1; }
    int channels() const { return cin / groups; }  // input channels of a group
    int filters() const { return cout / groups; }  // output channels of a group
    int taps() const { return kernel_h * kernel_w; }
};

// Input images; distances are in floats.
struct Input {
    const float* data;
    std::ptrdiff_t image, channel, row, column;

    Input from(int image_index, int channel_index) const {
        return {data + image_index * image + channel_index * channel, image, channel, row, column};
    }
};

struct Span {  // a range of rows, columns or tiles
    int first, count;
    bool operator==(const Span&) const = default;
};
inline int end(const Span& span) { return span.first + span.count; }

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
inline int round_up(int a, int b) { return ceil_div(a, b) * b; }

// Cuts `total` into as few parts of at most `max_count` as possible, all about equal, and calls each(first, count).
template <class Each>
void in_parts(int total, int max_count, const Each& each) {
    const int parts = ceil_div(total, max_count);
    for (int i = 0, first = 0; i < parts; ++i) {
        const int count = total / parts + (i < total % parts);
        each(first, count);
        first += count;
    }
}

// Returns the kernel positions along one axis that meet inputs, not only padding, for some outputs.
inline Span kernel_span(int size, int before, int kernel, int stride, int dilation, const Span& outputs) {
    const int first = outputs.first * stride - before;
    const int last = (outputs.first + outputs.count - 1) * stride - before;
    const int begin = std::clamp(ceil_div(std::max(-last, 0), dilation), 0, kernel);
    const int end = std::clamp(first < size ? ceil_div(size - first, dilation) : 0, begin, kernel);
    return {begin, end - begin};
}

inline Span kernel_rows(const Geometry& g, const Span& out_rows) {
    return kernel_span(g.h, g.top, g.kernel_h, g.stride_h, g.dilation_h, out_rows);
}

inline Span kernel_columns(const Geometry& g, const Span& out_columns) {
    return kernel_span(g.w, g.left, g.kernel_w, g.stride_w, g.dilation_w, out_columns);
}

}  // namespace featherbench
