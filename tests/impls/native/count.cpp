// Counts instructions under QEMU. The plugin built from instructions.cpp writes the number of instructions executed so
// far to FILE whenever this program reads it:
//
//     qemu-aarch64 -plugin ./instructions.so,counter=FILE count FILE
//
// Prints, for some layers and each kind of plan, the count of the plan that needs the fewest. It is no measure of time.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>

#include "arrays.hpp"
#include "packed.hpp"

namespace featherbench {
namespace {

struct Layer {
    int channels, size, groups, stride;
};
constexpr Layer kLayers[] = {{64, 56, 32, 1}, {64, 56, 16, 1}, {64, 56, 8, 1},
                             {64, 56, 4, 1},  {64, 56, 64, 1}, {128, 28, 16, 2}};

std::uint64_t executed(int file) {
    std::uint64_t count = 0;
    return pread(file, &count, sizeof count, 0) == sizeof count ? count : 0;
}

bool count(const Layer& layer, int file) {
    const auto [channels, size, groups, stride] = layer;
    const Geometry g{channels, channels, groups, size, size, 3, 3, stride, stride, 1, 1, 1, 1, 1, 1};
    const double macs = double(g.cout) * g.channels() * g.taps() * g.out_h() * g.out_w();
    Random random(0, 0);
    Array weight(std::size_t(g.cout) * g.channels() * g.taps()), x(std::size_t(g.cin) * size * size),
        y(std::size_t(g.cout) * g.out_h() * g.out_w());
    weight.fill(random);
    x.fill(random);
    std::array<double, kKinds.size()> least;
    least.fill(std::numeric_limits<double>::infinity());
    std::array<std::string, kKinds.size()> plans;
    std::vector<Plan> all = candidates(g, **kernels());
    for (const Plan& plan : winograd_candidates(g, **kernels())) all.push_back(plan);
    for (const Plan& plan : all) {
        const std::unique_ptr<Packed> convolution = packed({g, **kernels(), 1, plan, false}, weight.data(), nullptr);
        const std::uint64_t before = executed(file);
        convolution->run({x.data(), 0, std::ptrdiff_t{size} * size, size, 1}, 1, y.data());
        const std::uint64_t after = executed(file);
        if (after <= before) return false;
        const double each = double(after - before) / macs;
        if (each >= least[int(plan.kind)]) continue;
        least[int(plan.kind)] = each;
        plans[int(plan.kind)] = plan.text();
    }
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        if (plans[kind].empty()) continue;
        std::printf("%4d x %d x %d, stride %d, %2d channels a group: %.3f instructions a MAC (not time), %s: %s\n",
                    channels, size, size, stride, g.channels(), least[kind], kKinds[kind], plans[kind].c_str());
    }
    return true;
}

}  // namespace
}  // namespace featherbench

int main(int arguments, char** argument) {
    const int file = open(arguments == 2 ? argument[1] : "", O_RDONLY);
    for (const auto& layer : featherbench::kLayers) {
        if (file < 0 || !featherbench::count(layer, file)) {
            std::fputs("count FILE needs QEMU's plugin instructions, which writes to FILE\n", stderr);
            return 2;
        }
    }
    return 0;
}
