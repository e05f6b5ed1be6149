// Number formats and tensor cores on the CPU, in place of those of device.cuh for a GPU.
#pragma once

#include "device.cuh"
#include "emulation.hpp"

inline u32 as_bits(float value) { return std::bit_cast<u32>(value); }
inline float as_float(u32 value) { return std::bit_cast<float>(value); }

inline u32 rounded_to_tf32(float value) { return (as_bits(value) + 0x1000) & ~0x1fffu; }  // half away from zero

template <class Format>
typename Format::Stored from_float(float value) {
    if constexpr (Format::per_word == 1) return value;
    if constexpr (std::is_same_v<Format, Half>) return std::bit_cast<u16>(static_cast<_Float16>(value));
    const u32 word = as_bits(value);
    return static_cast<u16>((word + 0x7fff + (word >> 16 & 1)) >> 16);  // half to even
}

template <class Format>
float to_float(typename Format::Stored stored) {
    if constexpr (Format::per_word == 1) return stored;
    if constexpr (std::is_same_v<Format, Half>) return std::bit_cast<_Float16>(static_cast<u16>(stored));
    return as_float(static_cast<u32>(stored) << 16);
}

template <class Format>
float product_of_words(u32 left, u32 right) {
    if constexpr (Format::per_word == 1) {
        if ((left | right) & 0x1fff) Emulator::fail("an operand is not rounded to TF32");
        return as_float(left) * as_float(right);
    } else {
        float sum = 0;
        for (int shift : {0, 16}) {
            sum +=
                to_float<Format>(static_cast<u16>(left >> shift)) * to_float<Format>(static_cast<u16>(right >> shift));
        }
        return sum;
    }
}

struct Operands {
    u32 a[4], b[2];
};

template <class Format>
void multiply(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    const Operands* lanes = Emulator::warp(Operands{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
    Emulator::wait(true);
    const int g = Emulator::lane() / 4, t = Emulator::lane() % 4;
    for (int i = 0; i < 4; ++i) {
        const int row = g + i / 2 * 8, column = 2 * t + i % 2;
        for (int k = 0; k < 8; ++k) {
            const u32 left = lanes[row % 8 * 4 + k % 4].a[row / 8 + k / 4 * 2];
            const u32 right = lanes[column * 4 + k % 4].b[k / 4];
            d[i] += product_of_words<Format>(left, right);
        }
    }
    Emulator::wait(true);
}
