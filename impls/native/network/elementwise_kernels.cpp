// Kernels that compute each channel of each position by itself. Compiled once for each instruction set; see
// kernels.cpp.

#include <cmath>

#include "blocked_tiles.hpp"
#include "simd.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::Activation;
using featherbench::BinaryOp;
using featherbench::Elementwise;
using featherbench::ElementwiseKernels;
using featherbench::PoolRow;

constexpr int kL = kWidest;
using Floats = V<kL>;

[[gnu::always_inline]] inline Floats all(float value) { return broadcast<kL>(value); }

// Returns e to the power of v, with a relative error of some 1e-7, for v between -87 and 88.
[[gnu::always_inline]] inline Floats exponential(Floats v) {
    // v = n log 2 + r, with r between -log(2) / 2 and log(2) / 2; n is rounded by adding and subtracting 1.5 * 2^23.
    const Floats shifted = v * 1.44269504f + all(12582912.0f);
    const Floats n = shifted - all(12582912.0f);
    const Floats r = (v - n * 0.693145752f) - n * 1.42860677e-6f;
    Floats p = all(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    typename Vector<kL>::Index bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + (127 - 0x4B400000)) << 23;  // the exponent's bits of 2^n
    Floats power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

[[gnu::always_inline]] inline Floats sigmoid(Floats v) {
    return 1.0f / (1.0f + exponential(-clamped<kL>(v, all(-87), all(87))));
}

[[gnu::always_inline]] inline Floats hardsigmoid(Floats v) {
    return clamped<kL>(v + 3.0f, Floats{}, all(6)) * (1.0f / 6);
}

template <Activation A>
[[gnu::always_inline]] inline Floats activated(Floats v, Floats low, Floats high) {
    if constexpr (A == Activation::clamp) return clamped<kL>(v, low, high);
    if constexpr (A == Activation::hardswish) return v * hardsigmoid(v);
    if constexpr (A == Activation::hardsigmoid) return hardsigmoid(v);
    if constexpr (A == Activation::sigmoid) return sigmoid(v);
    return clamped<kL>(v, all(-87), all(INFINITY)) * sigmoid(v);  // otherwise -1e38 would not become 0
}

template <Activation A, BinaryOp S>
void elementwise(const Elementwise& row) {
    const Elementwise t = row;
    const Floats scale = t.scale ? load<kL>(t.scale) : all(1), shift = t.scale ? load<kL>(t.shift) : Floats{};
    const Floats gate = S == BinaryOp::gate ? load<kL>(t.b) : all(1);
    const Floats low = all(t.low), high = all(t.high);
    for (int i = 0; i < t.positions * kL; i += kL) {
        Floats v = load<kL>(t.a + i);
        if constexpr (S == BinaryOp::add) v += load<kL>(t.b + i);
        if constexpr (S == BinaryOp::multiply) v *= load<kL>(t.b + i);
        if constexpr (S == BinaryOp::gate) v *= gate;
        if (t.scale) v = v * scale + shift;
        store<kL>(t.y + i, activated<A>(v, low, high));
    }
}

void pool(const PoolRow& row) {
    const PoolRow t = row;
    for (int c = 0; c < t.columns; ++c) {
        const int before = c * t.stride - t.padding;
        const int first = before < 0 ? 0 : before;
        const int end = before + t.kernel > t.width ? t.width : before + t.kernel;
        Floats v = t.mean ? Floats{} : load<kL>(t.x + first * kL);
        for (int i = 0; i < t.rows; ++i) {
            for (int j = first; j < end; ++j) {
                const Floats x = load<kL>(t.x + i * t.x_row + j * kL);
                v = t.mean ? v + x : (x > v) | (x != x) ? x : v;  // NaN stays
            }
        }
        if (t.mean) v /= all(float(t.padded_rows ? t.padded_rows * t.kernel : t.rows * (end - first)));
        store<kL>(t.y + c * kL, v);
    }
}

template <Activation A>
constexpr void add_elementwise(ElementwiseKernels& all) {
    auto& of = all.of[int(A)];
    of[int(BinaryOp::none)] = elementwise<A, BinaryOp::none>;
    of[int(BinaryOp::add)] = elementwise<A, BinaryOp::add>;
    of[int(BinaryOp::multiply)] = elementwise<A, BinaryOp::multiply>;
    of[int(BinaryOp::gate)] = elementwise<A, BinaryOp::gate>;
}

constexpr ElementwiseKernels make_kernels() {
    ElementwiseKernels all{.of = {}, .pool = pool};
    add_elementwise<Activation::clamp>(all);
    add_elementwise<Activation::hardswish>(all);
    add_elementwise<Activation::hardsigmoid>(all);
    add_elementwise<Activation::sigmoid>(all);
    add_elementwise<Activation::silu>(all);
    return all;
}

extern constinit const ElementwiseKernels offered_elementwise = make_kernels();

}  // namespace FEATHERBENCH_ISA
