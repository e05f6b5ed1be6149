// The layout of images in memory, and vector loads and stores.
//
// THREADS, BLOCK_M, BLOCK_N, BLOCK_K_WORDS and CHUNK are defined by the compiler's command line, see tiling.py.
#pragma once

#include "device.cuh"

constexpr int NONE = -1;  // as in tiling.py

// The layout of images of ``channels`` planes of ``size`` pixels: NCHW, or NHWC with CHANNELS_LAST. Pixels are numbered
// through all images in 32 bits; offsets in memory have 64 bits.
template <bool CHANNELS_LAST>
struct ImageLayout {
    u32 channels, size;

    // Offset of a pixel from the beginning of its plane in the first image.
    __device__ u64 pixel_offset(u32 pixel) const {
        if constexpr (CHANNELS_LAST) {
            return static_cast<u64>(pixel) * channels;
        } else {
            return static_cast<u64>(pixel / size) * channels * size + pixel % size;
        }
    }

    // Offset of the beginning of a channel's plane in the first image.
    __device__ u64 channel_offset(u32 channel) const {
        return CHANNELS_LAST ? channel : static_cast<u64>(channel) * size;
    }
};

// The type that a GPU loads and stores at once, by its size.
template <int BYTES>
struct Vector;
template <>
struct Vector<2> {
    using Type = u16;
};
template <>
struct Vector<4> {
    using Type = u32;
};
template <>
struct Vector<8> {
    using Type = uint2;
};
template <>
struct Vector<16> {
    using Type = uint4;
};

// A vector and its elements.
template <class Stored, int COUNT>
union VectorOrElements {
    typename Vector<sizeof(Stored) * COUNT>::Type vector;
    Stored elements[COUNT];
};

// Loads COUNT elements, or sets all to ``fallback`` unless ``in_bounds``. They are set before the load, because to set
// them afterwards would wait for it.
template <class Stored, int COUNT>
__device__ inline void load(Stored (&into)[COUNT], const Stored* from, bool in_bounds, Stored fallback = {}) {
    VectorOrElements<Stored, COUNT> value;
#pragma unroll
    for (int i = 0; i < COUNT; ++i) value.elements[i] = fallback;
    if (in_bounds) value.vector = *vector_at<const decltype(value.vector)>(from);
#pragma unroll
    for (int i = 0; i < COUNT; ++i) into[i] = value.elements[i];
}

template <class Stored, int COUNT>
__device__ inline void store(Stored* to, const Stored (&elements)[COUNT]) {
    VectorOrElements<Stored, COUNT> value;
#pragma unroll
    for (int i = 0; i < COUNT; ++i) value.elements[i] = elements[i];
    *vector_at<decltype(value.vector)>(to) = value.vector;
}

// Stores neighbouring words in shared memory, four at a time. One by one, threads that store COUNT words apart would
// have bank conflicts.
template <int COUNT>
__device__ inline void store_words(u32* to, const u32 (&words)[COUNT]) {
    constexpr int WIDTH = COUNT < 4 ? COUNT : 4;
#pragma unroll
    for (int i = 0; i < COUNT; i += WIDTH) {
        u32 four[WIDTH];
#pragma unroll
        for (int j = 0; j < WIDTH; ++j) four[j] = words[i + j];
        store(to + i, four);
    }
}

// Returns the word of one number or of two, as the tensor cores take it.
__device__ inline u32 as_word(float value, Tf32) { return rounded_to_tf32(value); }
__device__ inline u32 as_word(float value, Float) { return as_bits(value); }
__device__ inline u32 as_word(u16 low, u16 high) { return low | static_cast<u32>(high) << 16; }

// Returns a number as the products read it from memory.
template <class Stored, class Format>
__device__ inline Stored as_operand(Stored stored, Format) {
    return stored;
}
__device__ inline float as_operand(float stored, Tf32) { return as_float(rounded_to_tf32(stored)); }
