// Compares random cases of the native kernels, on every instruction set of this processor, with plain loops in double:
//
//     check [CASES [SEED [FIRST]]]
//
// Numbers are small integers, so outputs must be exactly equal, except where Winograd's algorithm multiplies by thirds.
// The program prints the first failure in one line and ends.

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "cases.hpp"
#include "images.hpp"
#include "packed.hpp"
#include "sparse_pointwise.hpp"

namespace featherbench {
namespace {

std::array<long, kKinds.size()> runs_of_kind;
long plane_runs;

std::string text(const Geometry& g) {
    char found[200];
    std::snprintf(found, sizeof found,
                  "%d channels of %d x %d, %d filters of %d x %d, %d groups, stride %d x %d, dilation %d x %d, padding "
                  "%d %d %d %d",
                  g.cin, g.h, g.w, g.cout, g.kernel_h, g.kernel_w, g.groups, g.stride_h, g.stride_w, g.dilation_h,
                  g.dilation_w, g.top, g.bottom, g.left, g.right);
    return found;
}

Geometry random_geometry(Random& random) {
    for (;;) {
        Geometry g{};
        const bool depthwise = random.one_in(4), common = random.one_in(3), long_rows = random.one_in(60);
        const auto per_group = [&] { return depthwise ? 1 : random.pick(1, random.one_in(4) ? 40 : 20); };
        g.groups = random.pick(1, depthwise ? 70 : 6);
        g.cin = g.groups * per_group();
        g.cout = g.groups * per_group();
        g.h = random.pick(1, 30);
        g.w = long_rows ? random.pick(400, 4000) : random.pick(1, 40);
        for (int* size : {&g.kernel_h, &g.kernel_w}) *size = common ? 3 : random.pick(1, 5);
        for (int* stride : {&g.stride_h, &g.stride_w}) *stride = random.pick(1, common ? 2 : 3);
        for (int* dilation : {&g.dilation_h, &g.dilation_w})
            *dilation = common ? 1 : random.pick(1, random.one_in(10) ? 40 : 3);
        for (int* side : {&g.top, &g.bottom, &g.left, &g.right}) *side = random.pick(0, random.one_in(8) ? 90 : 2);
        if (g.h + g.top + g.bottom <= g.dilation_h * (g.kernel_h - 1)) continue;
        if (g.w + g.left + g.right <= g.dilation_w * (g.kernel_w - 1)) continue;
        const double macs = double(g.cout) * g.channels() * g.taps() * g.out_h() * g.out_w();
        if (macs < (long_rows ? 5e6 : 1e6)) return g;
    }
}

std::vector<double> convolved(const Geometry& g, const Images& images, const Array& weight, const Array* bias,
                              bool relu) {
    std::vector<double> y;
    for (int image = 0; image < images.n; ++image) {
        for (int filter = 0; filter < g.cout; ++filter) {
            const int first = filter / g.filters() * g.channels();
            for (int row = 0; row < g.out_h(); ++row) {
                for (int column = 0; column < g.out_w(); ++column) {
                    double sum = bias ? (*bias)[filter] : 0;
                    for (int c = 0; c < g.channels(); ++c) {
                        for (int i = 0; i < g.kernel_h; ++i) {
                            const int h = row * g.stride_h - g.top + i * g.dilation_h;
                            if (h < 0 || h >= g.h) continue;
                            for (int j = 0; j < g.kernel_w; ++j) {
                                const int w = column * g.stride_w - g.left + j * g.dilation_w;
                                if (w < 0 || w >= g.w) continue;
                                const int tap = (filter * g.channels() + c) * g.taps() + i * g.kernel_w + j;
                                sum += double{weight[tap]} * images.at(image, first + c, h, w);
                            }
                        }
                    }
                    y.push_back(relu ? std::max(sum, 0.0) : sum);
                }
            }
        }
    }
    return y;
}

void check_convolution(Random& random, const std::string& name) {
    const Geometry g = random_geometry(random);
    const bool relu = random.one_in(3);
    Array weight(std::size_t(g.cout) * g.channels() * g.taps()), biases(g.cout);
    weight.fill(random);
    biases.fill(random);
    const Array* bias = random.one_in(2) ? &biases : nullptr;
    // A first call with NaN leaves its traces in the workspace of later calls.
    Array spoilt(std::size_t(g.cin) * g.h * g.w), unread(std::size_t(g.cout) * g.out_h() * g.out_w());
    const auto n = [&] { return random.one_in(20) ? 0 : random.pick(1, 3); };
    const Images first(random, n(), g.cin, g.h, g.w), second(random, n(), g.cin, g.h, g.w);
    const std::array<const Images*, 2> both{&first, &second};
    const std::array expected{convolved(g, first, weight, bias, relu), convolved(g, second, weight, bias, relu)};
    for (const Kernels* const* kernels = featherbench::kernels(); *kernels; ++kernels) {
        std::vector<Plan> plans = candidates(g, **kernels);
        std::shuffle(plans.begin(), plans.end(), random.engine());
        plans.resize(std::min<std::size_t>(plans.size(), 4));
        for (const Plan& plan : winograd_candidates(g, **kernels)) plans.push_back(plan);
        for (const Plan& plan : plans) {
            const int threads = random.pick(1, 3);
            current = name + ": " + text(g) + (bias ? ", bias" : "") + (relu ? ", relu" : "") + "; " + (*kernels)->isa +
                      ", " + plan.text() + ", " + std::to_string(threads) + " threads";
            const std::unique_ptr<Packed> convolution =
                packed({g, **kernels, threads, plan, relu}, weight.data(), bias ? bias->data() : nullptr);
            convolution->run({spoilt.data(), 0, std::ptrdiff_t{g.h} * g.w, g.w, 1}, 1, unread.data());
            for (int i = 0; i < 2; ++i) {
                Array y(expected[i].size());
                convolution->run(both[i]->x, both[i]->n, y.data());
                const bool thirds = plan.kind == Plan::Kind::winograd && plan.rows > 2;
                compare(y, expected[i], "y", thirds ? 1e-5 * largest(expected[i]) : 0);
            }
            ++runs_of_kind[int(plan.kind)];
        }
    }
}

CsrPattern random_pattern(Random& random) {
    CsrPattern pattern{random.pick(1, 70), random.pick(1, 70), {0}, {}, {}, {}};
    const bool windows = random.one_in(2);
    const int width = random.pick(1, pattern.inputs);
    std::vector<int> all(pattern.inputs);
    std::iota(all.begin(), all.end(), 0);
    for (int row = 0; row < pattern.outputs; ++row) {
        if (windows) {
            std::rotate(all.begin(), all.begin() + random.pick(0, pattern.inputs - 1), all.end());
        } else {
            std::shuffle(all.begin(), all.end(), random.engine());
        }
        std::vector<int> columns(all.begin(), all.begin() + (windows ? width : random.pick(0, width)));
        std::sort(columns.begin(), columns.end());
        pattern.columns.insert(pattern.columns.end(), columns.begin(), columns.end());
        pattern.starts.push_back(int(pattern.columns.size()));
    }
    pattern.entries.resize(pattern.columns.size());
    pattern.order.resize(pattern.outputs);
    for (std::vector<int>* some : {&pattern.entries, &pattern.order}) {
        std::iota(some->begin(), some->end(), 0);
        if (random.one_in(2)) std::shuffle(some->begin(), some->end(), random.engine());
    }
    return pattern;
}

struct SparsePointwiseOutputs {
    std::vector<double> y, weight;
};

// Returns the product with weight and bias, and the gradient of the weight for the output gradient dy.
SparsePointwiseOutputs multiplied(const CsrPattern& pattern, const Array& x, const Array& weight, const Array* bias,
                                  const Array& dy, int n, int positions) {
    SparsePointwiseOutputs outputs{std::vector<double>(dy.size()), std::vector<double>(weight.size())};
    for (int row = 0; row < n * pattern.outputs; ++row) {
        const int image = row / pattern.outputs, output = row % pattern.outputs;
        for (int p = 0; p < positions; ++p) {
            const std::size_t at = std::size_t(row) * positions + p;
            double sum = bias ? (*bias)[output] : 0;
            for (int e = pattern.starts[output]; e < pattern.starts[output + 1]; ++e) {
                const double input = x[(std::size_t(image) * pattern.inputs + pattern.columns[e]) * positions + p];
                sum += weight[pattern.entries[e]] * input;
                outputs.weight[pattern.entries[e]] += dy[at] * input;
            }
            outputs.y[at] = sum;
        }
    }
    return outputs;
}

void check_planes(Random& random, const std::string& name) {
    const CsrPattern pattern = random_pattern(random);
    const int positions = random.one_in(20) ? 0 : random.pick(1, random.one_in(10) ? 3000 : 400);
    const int most = int(std::min<std::size_t>(1e6 / (positions + 1) / (pattern.entries.size() + 1), 20));
    const bool with_bias = random.one_in(2);
    std::vector<std::unique_ptr<SparsePointwise>> products;
    std::vector<std::unique_ptr<SparsePointwiseGradient>> gradients;
    const int threads = random.pick(1, 3);
    for (const Kernels* const* one = kernels(); *one; ++one) {
        products.push_back(std::make_unique<SparsePointwise>(pattern, positions, **one, threads));
        gradients.push_back(std::make_unique<SparsePointwiseGradient>(pattern, **one, threads));
    }
    for (int call = 0; call < 2; ++call) {  // the second call reuses the workspaces
        const int n = random.one_in(20) ? 0 : random.pick(1, std::max(most, 1));
        Array x(std::size_t(n) * pattern.inputs * positions), dy(std::size_t(n) * pattern.outputs * positions);
        Array weight(pattern.entries.size()), biases(pattern.outputs);
        for (Array* array : {&x, &dy, &weight, &biases}) array->fill(random);
        const Array* bias = with_bias ? &biases : nullptr;
        const SparsePointwiseOutputs expected = multiplied(pattern, x, weight, bias, dy, n, positions);
        for (std::size_t i = 0; i < products.size(); ++i, ++plane_runs) {
            current = name + ": " + std::to_string(n) + " images of " + std::to_string(positions) + " positions, " +
                      std::to_string(pattern.inputs) + " inputs, " + std::to_string(pattern.outputs) + " outputs, " +
                      std::to_string(pattern.entries.size()) + " entries" + (bias ? ", bias" : "") + "; " +
                      kernels()[i]->isa + ", " + std::to_string(threads) + " threads";
            Array y(dy.size()), dweight(weight.size());
            products[i]->pack(weight.data(), bias ? bias->data() : nullptr);
            products[i]->multiply(x.data(), n, y.data());
            compare(y, expected.y, "y");
            gradients[i]->compute(x.data(), dy.data(), n, positions, dweight.data());
            compare(dweight, expected.weight, "dweight");
        }
    }
}

int run(int count, char** arguments) {
    const std::string right = run_cases(count, arguments, [](Random& random, const std::string& name) {
        random.one_in(4) ? check_planes(random, name) : check_convolution(random, name);
    });
    std::string kinds;
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind)
        kinds += std::to_string(runs_of_kind[kind]) + " plans " + kKinds[kind] + ", ";
    std::printf("%s: %s%ld products and gradients of planes\n", right.c_str(), kinds.c_str(), plane_runs);
    return 0;
}

}  // namespace
}  // namespace featherbench

int main(int count, char** arguments) { return featherbench::run(count, arguments); }
