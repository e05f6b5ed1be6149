// Random input images.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "arrays.hpp"
#include "geometry.hpp"

namespace featherbench {

// Small integers in any memory order. Axes may have gaps, run backwards or have stride 0.
struct Images {
    Images(Random& random, int n, int channels, int h, int w) : n(n) {
        const std::array<int, 4> sizes{n, channels, h, w};
        std::array<int, 4> order{3, 2, 1, 0};
        std::array<std::ptrdiff_t, 4> steps{};
        const bool contiguous = random.one_in(2);
        if (!contiguous && random.one_in(2)) std::shuffle(order.begin(), order.end(), random.engine());
        std::ptrdiff_t extent = 1, start = 0;
        for (const int axis : order) {
            const int last = std::max(sizes[axis] - 1, 0);
            const bool backwards = !contiguous && random.one_in(4), same = !contiguous && random.one_in(30);
            const std::ptrdiff_t step = same ? 0 : extent * (contiguous || random.one_in(2) ? 1 : random.pick(2, 3));
            if (backwards) start += last * step;
            steps[axis] = backwards ? -step : step;
            extent += last * step;
        }
        floats = std::make_unique<Array>(n ? extent : 0);
        x = {floats->data() + (n ? start : 0), steps[0], steps[1], steps[2], steps[3]};
        for (int i = 0; i < n; ++i) {
            for (int c = 0; c < channels; ++c) {
                for (int row = 0; row < h; ++row) {
                    for (int column = 0; column < w; ++column) {
                        floats->data()[&at(i, c, row, column) - floats->data()] = random.small();
                    }
                }
            }
        }
    }

    const float& at(int image, int channel, int row, int column) const {
        return x.data[image * x.image + channel * x.channel + row * x.row + column * x.column];
    }

    int n;
    std::unique_ptr<Array> floats;
    Input x;
};

}  // namespace featherbench
