// Loads tiles for sums over pixels: ROWS planes, in stages of BLOCK_K_WORDS words of their pixels. pixel_loader.cuh
// loads the tiles for products.
#pragma once

#include "memory.cuh"

constexpr int ROWS = CHUNK;
static_assert(ROWS == BLOCK_M);

// Neighbours in memory are pixels of a plane or, with CHANNELS_LAST, channels of a pixel. One load takes VECTOR of
// them. The plane after the last plane of the images is not in memory; it is all ones.
template <class Format, bool CHANNELS_LAST, int VECTOR>
class RowLoader {
public:
    using Stored = typename Format::Stored;
    static constexpr int PER_WORD = Format::per_word;
    static constexpr int STAGE = BLOCK_K_WORDS * PER_WORD;  // pixels
    static constexpr int PITCH = BLOCK_K_WORDS + 4;         // a warp reads from all 32 banks
    static constexpr int SIZE = ROWS * PITCH;

    // ``planes`` are those of the first ``count`` of the ROWS.
    __device__ RowLoader(const ImageLayout<CHANNELS_LAST>& layout, const Stored* x, const int* planes, int count)
        : layout_(layout), x_(x), planes_(planes), count_(count) {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) first_[i] = first_plane(row_of(i));
    }

    // Loads the stage that begins at ``first_pixel``; ``end`` is the end of the pixels.
    __device__ void load_global(u32 first_pixel, u32 end) {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) {
            const u32 pixel = first_pixel + pixel_of(i);
            if constexpr (CHANNELS_LAST) {
#pragma unroll
                for (int element = 0; element < PER_WORD; ++element) {
                    load_channels(registers_[i][element], i, pixel + element, end);
                }
            } else {
                load_pixels(registers_[i][0], first_[i], pixel, end);
            }
        }
    }

    __device__ void store_shared(u32* words) const {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) {
            u32* to = words + row_of(i) * PITCH + pixel_of(i) / PER_WORD;
            if constexpr (CHANNELS_LAST) {
#pragma unroll
                for (int v = 0; v < GROUP; ++v) to[v * PITCH] = word(&registers_[i][0][v], GROUP);
            } else {
                u32 packed[GROUP / PER_WORD];
#pragma unroll
                for (int v = 0; v < GROUP; v += PER_WORD) packed[v / PER_WORD] = word(&registers_[i][0][v], 1);
                store_words(to, packed);
            }
        }
    }

private:
    // An item is what a thread handles at once: GROUP pixels of a plane, or one word of GROUP planes.
    static constexpr int GROUP = !CHANNELS_LAST && VECTOR < PER_WORD ? PER_WORD : VECTOR;
    static constexpr int ITEMS = ROWS * BLOCK_K_WORDS / (CHANNELS_LAST ? GROUP : GROUP / PER_WORD) / THREADS;
    // The items that are contiguous in memory, before the next row or pixel. With channels last they are no more than
    // the 32 bytes of a memory sector: a warp that went further along a pixel would store to few banks.
    static constexpr int CONTIGUOUS = CHANNELS_LAST ? 32 / sizeof(Stored) / GROUP : STAGE / GROUP;
    static constexpr int SCATTERED = -2;

    __device__ static int item(int i) { return i * THREADS + static_cast<int>(threadIdx.x); }
    __device__ static int row_of(int i) {
        if constexpr (CHANNELS_LAST)
            return (item(i) / (CONTIGUOUS * BLOCK_K_WORDS) * CONTIGUOUS + item(i) % CONTIGUOUS) * GROUP;
        return item(i) / CONTIGUOUS;
    }
    __device__ static int pixel_of(int i) {
        return CHANNELS_LAST ? item(i) / CONTIGUOUS % BLOCK_K_WORDS * PER_WORD : item(i) % CONTIGUOUS * GROUP;
    }

    // Returns the plane of a row or, with channels last, of the first of GROUP rows that are neighbours in memory. If
    // they are not, returns SCATTERED.
    __device__ int first_plane(int row) const {
        const int first = plane(row);
        if constexpr (!CHANNELS_LAST || GROUP == 1) return first;
        // Planes ascend, so the last shows whether all are neighbours.
        return first % VECTOR == 0 && plane(row + GROUP - 1) == first + GROUP - 1 ? first : SCATTERED;
    }

    __device__ int plane(int row) const { return row < count_ ? planes_[row] : NONE; }
    __device__ bool in_memory(int plane) const { return static_cast<u32>(plane) < layout_.channels; }

    // Returns the value of a plane that is not in memory. The plane of ones is one beyond the end of the pixels too,
    // where the other factor is zero.
    __device__ Stored constant(int plane) const {
        return plane == static_cast<int>(layout_.channels) ? from_float<Format>(1.0f) : Stored{};
    }

    __device__ void load_pixels(Stored (&into)[GROUP], int plane, u32 pixel, u32 end) const {
        const Stored* from = in_memory(plane) ? x_ + layout_.channel_offset(plane) : nullptr;
        if constexpr (VECTOR == GROUP) {
            const bool in_bounds = from && pixel < end;
            load(into, in_bounds ? from + layout_.pixel_offset(pixel) : nullptr, in_bounds, constant(plane));
        } else {
#pragma unroll
            for (int v = 0; v < GROUP; ++v) {
                into[v] = from && pixel + v < end ? from[layout_.pixel_offset(pixel + v)] : constant(plane);
            }
        }
    }

    __device__ void load_channels(Stored (&into)[GROUP], int i, u32 pixel, u32 end) const {
        const bool inside = pixel < end;
        const Stored* from = inside ? x_ + layout_.pixel_offset(pixel) : nullptr;
        if (GROUP > 1 && first_[i] != SCATTERED) {
            load(into, from + first_[i], inside);
            return;
        }
#pragma unroll
        for (int v = 0; v < GROUP; ++v) {
            const int from_plane = GROUP == 1 ? first_[i] : plane(row_of(i) + v);
            into[v] = from && in_memory(from_plane) ? from[from_plane] : constant(from_plane);
        }
    }

    __device__ static u32 word(const Stored* elements, int stride) {
        if constexpr (PER_WORD == 1) {
            return as_word(elements[0], Format{});
        } else {
            return as_word(elements[0], elements[stride]);
        }
    }

    const ImageLayout<CHANNELS_LAST> layout_;
    const Stored* x_;
    const int* planes_;
    int count_;
    int first_[ITEMS];
    Stored registers_[ITEMS][CHANNELS_LAST ? PER_WORD : 1][GROUP];
};
