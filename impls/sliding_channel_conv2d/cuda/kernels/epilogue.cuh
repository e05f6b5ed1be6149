// The epilogue of the products: it writes the outputs to memory. The outputs of all threads are first collected in
// shared memory, so that neighbouring threads write neighbours in memory at once. Memory is written in sectors of 32
// bytes. Without the epilogue, each instruction would touch twice (NCHW in half precision) to sixteen times (channels
// last) as many sectors as it fills.
#pragma once

#include "pixel_loader.cuh"

__device__ constexpr int greater(int one, int other) { return one > other ? one : other; }

// Writes a tile, PASS_PIXELS pixels at a time. VECTOR pixels of a plane are stored at once; with channels last, one
// number is.
template <class Format, bool CHANNELS_LAST, int VECTOR>
class Epilogue {
public:
    using Stored = typename Format::Stored;
    static constexpr int PASSES = 2, PASS_PIXELS = BLOCK_N / PASSES;

private:
    // The padding avoids bank conflicts between the threads of a warp, which put 8 outputs of 4 pairs of pixels.
    static constexpr int PITCH = CHANNELS_LAST ? BLOCK_M + 4 : PASS_PIXELS + 8;

public:
    static constexpr int SIZE =
        (CHANNELS_LAST ? PASS_PIXELS : BLOCK_M) * PITCH * sizeof(Stored) / sizeof(u32);  // words

    // Puts the values of ``output`` at ``pixel`` of the part and at its neighbours in shared memory. Neighbours are
    // pixels or, with CHANNELS_LAST, outputs.
    template <int COUNT>
    __device__ static void put(u32* smem, int output, int pixel, const Stored (&values)[COUNT]) {
        store(at(smem, output, pixel), values);
    }

    // All threads of the block write the part's outputs and pixels that exist. ``outputs`` are the planes of the tile.
    __device__ static void write(u32* smem, Stored* y, const ImageLayout<CHANNELS_LAST>& out, const int* outputs,
                                 u32 first_pixel, u32 pixels) {
        if constexpr (CHANNELS_LAST) {
            const int output = threadIdx.x % BLOCK_M, plane = outputs[output];
            if (plane == NONE) return;
#pragma unroll 4
            for (int pixel = threadIdx.x / BLOCK_M; pixel < PASS_PIXELS; pixel += THREADS / BLOCK_M) {
                if (first_pixel + pixel >= pixels) return;
                y[out.pixel_offset(first_pixel + pixel) + out.channel_offset(plane)] = *at(smem, output, pixel);
            }
        } else {
            constexpr int VECTORS = PASS_PIXELS / VECTOR;
            const int pixel = threadIdx.x % VECTORS * VECTOR;
            if (first_pixel + pixel >= pixels) return;
            Stored* to = y + out.pixel_offset(first_pixel + pixel);
#pragma unroll 4
            for (int output = threadIdx.x / VECTORS; output < BLOCK_M; output += THREADS / VECTORS) {
                if (outputs[output] == NONE) continue;
                Stored values[VECTOR];
                load(values, at(smem, output, pixel), true);
                store(to + out.channel_offset(outputs[output]), values);
            }
        }
    }

private:
    __device__ static Stored* at(u32* smem, int output, int pixel) {
        return reinterpret_cast<Stored*>(smem) + (CHANNELS_LAST ? pixel * PITCH + output : output * PITCH + pixel);
    }
};
