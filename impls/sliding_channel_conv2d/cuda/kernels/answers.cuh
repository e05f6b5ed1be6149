// The epilogue of the products: outputs on their way to memory. What threads hold apart is put together on chip, so
// that neighbours in memory are written at once, by neighbouring threads. Memory is written by 32 bytes, and without
// this, each instruction would touch twice (NCHW in half precision) to sixteen times (with channels last) as many of
// them as it fills.
#pragma once

#include "stage.cuh"

__device__ constexpr int larger(int one, int other) { return one > other ? one : other; }

// Of a tile, PART pixels at a time. VECTOR pixels of a plane are stored at once, with channels last one number.
template <class Format, bool CHANNELS_LAST, int VECTOR>
class Answers {
public:
    using Stored = typename Format::Stored;
    static constexpr int PARTS = 2, PART = PIXELS / PARTS;

private:
    // So that the threads of a warp that put 8 outputs of 4 pairs of pixels there do not wait for each other at a bank.
    static constexpr int PITCH = CHANNELS_LAST ? OUTPUTS + 4 : PART + 8;

public:
    static constexpr int SIZE = (CHANNELS_LAST ? PART : OUTPUTS) * PITCH * sizeof(Stored) / sizeof(u32);  // words

    // Of ``output``, for ``pixel`` of the part, and of its neighbours on chip: pixels, or with CHANNELS_LAST outputs.
    template <int COUNT>
    __device__ static void put(u32* on_chip, int output, int pixel, const Stored (&answers)[COUNT]) {
        store(at(on_chip, output, pixel), answers);
    }

    // All of the part that there are, by all threads of the block. ``outputs`` are the planes of the tile.
    __device__ static void write(u32* on_chip, Stored* y, const Planes<CHANNELS_LAST>& out, const int* outputs,
                                 u32 first_pixel, u32 pixels) {
        if constexpr (CHANNELS_LAST) {
            const int output = threadIdx.x % OUTPUTS, plane = outputs[output];
            if (plane == NONE) return;
#pragma unroll 4
            for (int pixel = threadIdx.x / OUTPUTS; pixel < PART; pixel += THREADS / OUTPUTS) {
                const u32 number = first_pixel + pixel;
                if (number < pixels) y[out.place(number) + out.plane(plane)] = *at(on_chip, output, pixel);
            }
        } else {
            constexpr int VECTORS = PART / VECTOR;
            const int pixel = threadIdx.x % VECTORS * VECTOR;
            if (first_pixel + pixel >= pixels) return;
            Stored* to = y + out.place(first_pixel + pixel);
#pragma unroll 4
            for (int output = threadIdx.x / VECTORS; output < OUTPUTS; output += THREADS / VECTORS) {
                if (outputs[output] == NONE) continue;
                Stored answers[VECTOR];
                load(answers, at(on_chip, output, pixel), true);
                store(to + out.plane(outputs[output]), answers);
            }
        }
    }

private:
    __device__ static Stored* at(u32* on_chip, int output, int pixel) {
        return reinterpret_cast<Stored*>(on_chip) + (CHANNELS_LAST ? pixel * PITCH + output : output * PITCH + pixel);
    }
};
