// Loads tiles of inputs into shared memory, in stages of BLOCK_K_WORDS words for each of BLOCK_N pixels.
#pragma once

#include "memory.cuh"

// A thread loads its part into registers while the previous stage is being multiplied, then stores it in shared memory.
// Neighbours in memory are pixels of a plane or, with CHANNELS_LAST, channels of a pixel. One load takes VECTOR of
// them. For pixels, the size of a plane must be a multiple of VECTOR. For channels, the number of channels must be a
// multiple of VECTOR, and only groups whose inputs are neighbours are loaded so.
template <class Format, bool CHANNELS_LAST, int VECTOR>
class PixelLoader {
public:
    using Stored = typename Format::Stored;
    static constexpr int PER_WORD = Format::per_word;
    static constexpr int PITCH =
        CHANNELS_LAST ? BLOCK_K_WORDS + 4 : BLOCK_N + 8;  // so that a warp reads from all 32 banks
    static constexpr int SIZE = CHANNELS_LAST ? BLOCK_N * PITCH : BLOCK_K_WORDS * PITCH;

    __device__ PixelLoader(const ImageLayout<CHANNELS_LAST>& layout, const Stored* x, u32 first_pixel, u32 pixels)
        : layout_(layout) {
#pragma unroll
        for (int i = 0; i < (CHANNELS_LAST ? ITEMS : 1); ++i) {
            const u32 pixel = first_pixel + pixel_of(i);
            from_[i] = pixel < pixels ? x + layout.pixel_offset(pixel) : nullptr;
        }
    }

    // ``inputs`` are the BLOCK_K_WORDS * PER_WORD planes of the stage.
    __device__ void load_global(const int* inputs) {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) {
            if constexpr (CHANNELS_LAST) {
                load_channels(i, inputs + entry_of(i));
            } else {
#pragma unroll
                for (int element = 0; element < PER_WORD; ++element) {
                    const int input = inputs[entry_of(i) + element];
                    load(registers_[i][element], from_[0] + layout_.channel_offset(input), from_[0] && input != NONE);
                }
            }
        }
    }

    __device__ void store_shared(u32* words) const {
#pragma unroll
        for (int i = 0; i < ITEMS; ++i) {
            const int index = entry_of(i) / PER_WORD;
            u32 packed[CHANNELS_LAST ? GROUP / PER_WORD : VECTOR];
            if constexpr (CHANNELS_LAST) {
#pragma unroll
                for (int v = 0; v < GROUP; v += PER_WORD) packed[v / PER_WORD] = word(&registers_[i][0][v], 1);
                store_words(words + pixel_of(i) * PITCH + index, packed);
            } else {
#pragma unroll
                for (int v = 0; v < VECTOR; ++v) packed[v] = word(&registers_[i][0][v], VECTOR);
                store_words(words + index * PITCH + pixel_of(i), packed);
            }
        }
    }

    // Returns word ``index`` of a pixel from a stored stage.
    __device__ static u32 read(const u32* words, int index, int pixel) {
        return CHANNELS_LAST ? words[pixel * PITCH + index] : words[index * PITCH + pixel];
    }

private:
    // An item is what a thread handles at once: GROUP pixels of one word, or GROUP channels of one pixel.
    static constexpr int GROUP = CHANNELS_LAST && VECTOR < PER_WORD ? PER_WORD : VECTOR;
    static constexpr int ITEMS = BLOCK_K_WORDS * BLOCK_N / (CHANNELS_LAST ? GROUP / PER_WORD : GROUP) / THREADS;
    static constexpr int CONTIGUOUS = (CHANNELS_LAST ? BLOCK_K_WORDS * PER_WORD : BLOCK_N) / GROUP;  // contiguous items

    __device__ static int item(int i) { return i * THREADS + static_cast<int>(threadIdx.x); }
    __device__ static int pixel_of(int i) {
        return CHANNELS_LAST ? item(i) / CONTIGUOUS : item(i) % CONTIGUOUS * GROUP;
    }
    __device__ static int entry_of(int i) {
        return CHANNELS_LAST ? item(i) % CONTIGUOUS * GROUP : item(i) / CONTIGUOUS * PER_WORD;
    }

    __device__ void load_channels(int i, const int* inputs) {
        const int first = inputs[0];  // inputs ascend, so the last shows whether all are neighbours
        if (VECTOR > 1 && first != NONE && first % VECTOR == 0 && inputs[GROUP - 1] == first + GROUP - 1) {
            load(registers_[i][0], from_[i] + first, from_[i] != nullptr);
            return;
        }
#pragma unroll
        for (int v = 0; v < GROUP; ++v) {
            registers_[i][0][v] = from_[i] && inputs[v] != NONE ? from_[i][inputs[v]] : Stored{};
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
    const Stored* from_[CHANNELS_LAST ? ITEMS : 1];
    Stored registers_[ITEMS][CHANNELS_LAST ? 1 : PER_WORD][GROUP];
};
