// As stage.cuh, for sums over pixels: ROWS planes, in stages of WORDS words of their pixels.
#pragma once

#include "planes.cuh"

constexpr int ROWS = 64;

// Neighbours in memory are pixels of a plane, or with CHANNELS_LAST channels of a pixel; VECTOR of them come in one
// load. The plane behind the last of the images, which is not in memory, is all ones.
template <class Format, bool CHANNELS_LAST, int VECTOR>
class Rows {
public:
    using Stored = typename Format::Stored;
    static constexpr int PER_WORD = Format::per_word;
    static constexpr int STAGE = WORDS * PER_WORD;  // pixels
    static constexpr int PITCH = WORDS + 4;         // so that a warp reads from all 32 banks
    static constexpr int SIZE = ROWS * PITCH;

    // ``numbers`` are those of the planes, the first ``count`` of the ROWS.
    __device__ Rows(const Planes<CHANNELS_LAST>& planes, const Stored* x, const int* numbers, int count)
        : planes_(planes), x_(x), numbers_(numbers), count_(count) {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) first_[i] = first_plane(row_of(i));
    }

    // The stage that begins at a pixel; from ``end`` on there are none.
    __device__ void fetch(u32 first_pixel, u32 end) {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) {
            const u32 pixel = first_pixel + pixel_of(i);
            if constexpr (CHANNELS_LAST) {
#pragma unroll
                for (int number = 0; number < PER_WORD; ++number) {
                    fetch_channels(fetched_[i][number], i, pixel + number, end);
                }
            } else {
                fetch_pixels(fetched_[i][0], first_[i], pixel, end);
            }
        }
    }

    __device__ void deposit(u32* words) const {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) {
            u32* to = words + row_of(i) * PITCH + pixel_of(i) / PER_WORD;
            if constexpr (CHANNELS_LAST) {
#pragma unroll
                for (int v = 0; v < GROUP; ++v) to[v * PITCH] = word(&fetched_[i][0][v], GROUP);
            } else {
                u32 made[GROUP / PER_WORD];
#pragma unroll
                for (int v = 0; v < GROUP; v += PER_WORD) made[v / PER_WORD] = word(&fetched_[i][0][v], 1);
                store_words(to, made);
            }
        }
    }

private:
    // An item is what a thread handles at once: GROUP pixels of a plane, or one word of GROUP planes.
    static constexpr int GROUP = !CHANNELS_LAST && VECTOR < PER_WORD ? PER_WORD : VECTOR;
    static constexpr int ITEMS = ROWS * WORDS / (CHANNELS_LAST ? GROUP : GROUP / PER_WORD) / THREADS;
    // Items beside each other in memory, before the next row or pixel. With channels last no more than the 32 bytes
    // that memory is read by: a warp that went further along a pixel would deposit all in few banks.
    static constexpr int BESIDE = CHANNELS_LAST ? 32 / sizeof(Stored) / GROUP : STAGE / GROUP;
    static constexpr int APART = -2;

    __device__ static int item(int i) { return i * THREADS + static_cast<int>(threadIdx.x); }
    __device__ static int row_of(int i) {
        if constexpr (CHANNELS_LAST) return (item(i) / (BESIDE * WORDS) * BESIDE + item(i) % BESIDE) * GROUP;
        return item(i) / BESIDE;
    }
    __device__ static int pixel_of(int i) {
        return CHANNELS_LAST ? item(i) / BESIDE % WORDS * PER_WORD : item(i) % BESIDE * GROUP;
    }

    // The plane of a row or, with channels last, of the first of GROUP rows that are neighbours in memory; else APART.
    __device__ int first_plane(int row) const {
        const int first = plane(row);
        if constexpr (!CHANNELS_LAST || GROUP == 1) return first;
        // They ascend, so that the last tells whether all are neighbours.
        return first % VECTOR == 0 && plane(row + GROUP - 1) == first + GROUP - 1 ? first : APART;
    }

    __device__ int plane(int row) const { return row < count_ ? numbers_[row] : NONE; }
    __device__ bool in_memory(int plane) const { return static_cast<u32>(plane) < planes_.channels; }

    // Of a plane that is not in memory; of ones beyond the end too, where what they are multiplied by is zero.
    __device__ Stored constant(int plane) const {
        return plane == static_cast<int>(planes_.channels) ? narrowed<Format>(1.0f) : Stored{};
    }

    __device__ void fetch_pixels(Stored (&into)[GROUP], int plane, u32 pixel, u32 end) const {
        const Stored* from = in_memory(plane) ? x_ + planes_.plane(plane) : nullptr;
        if constexpr (VECTOR == GROUP) {
            const bool there = from && pixel < end;
            load(into, there ? from + planes_.place(pixel) : nullptr, there, constant(plane));
        } else {
#pragma unroll
            for (int v = 0; v < GROUP; ++v) {
                into[v] = from && pixel + v < end ? from[planes_.place(pixel + v)] : constant(plane);
            }
        }
    }

    __device__ void fetch_channels(Stored (&into)[GROUP], int i, u32 pixel, u32 end) const {
        const bool inside = pixel < end;
        const Stored* from = inside ? x_ + planes_.place(pixel) : nullptr;
        if (GROUP > 1 && first_[i] != APART) {
            load(into, from + first_[i], inside);
            return;
        }
#pragma unroll
        for (int v = 0; v < GROUP; ++v) {
            const int number = GROUP == 1 ? first_[i] : plane(row_of(i) + v);
            into[v] = from && in_memory(number) ? from[number] : constant(number);
        }
    }

    __device__ static u32 word(const Stored* numbers, int apart) {
        if constexpr (PER_WORD == 1) {
            return as_word(numbers[0], Format{});
        } else {
            return as_word(numbers[0], numbers[apart]);
        }
    }

    const Planes<CHANNELS_LAST> planes_;
    const Stored* x_;
    const int* numbers_;
    int count_;
    int first_[ITEMS];
    Stored fetched_[ITEMS][CHANNELS_LAST ? PER_WORD : 1][GROUP];
};
