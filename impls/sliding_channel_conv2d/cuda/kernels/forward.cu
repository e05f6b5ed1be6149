// Computes the forward pass or, with the transposed weights, the gradient of the input, on tensor cores, tile by tile:
// Y[o] = bias[o] + sum_j V[o, j] X[j] for all pixels. A block computes the BLOCK_M outputs of one tile for BLOCK_N
// pixels. Blocks that read the same pixels are neighbours in the grid, so that all but the first find them in the L2
// cache.
#include "epilogue.cuh"

constexpr int MMA_K_WORDS = 8;  // words that an instruction multiplies

template <class Format, bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    forward(const typename Format::Stored* x, const uint4* weights, const typename Format::Stored* bias,
            typename Format::Stored* y, const int* outputs, const int* first, const int* inputs, u32 tiles, u32 pixels,
            u32 size, u32 from_channels, u32 to_channels) {
    using Stored = typename Format::Stored;
    using Loader = PixelLoader<Format, CHANNELS_LAST, VECTOR>;
    using Output = Epilogue<Format, CHANNELS_LAST, VECTOR>;
    constexpr int WARP_MMAS_M = 2, WARP_MMAS_N = 8;  // a warp computes 2 x 8 products of 16 outputs by 8 pixels
    __shared__ __align__(16) u32 smem[greater(2 * Loader::SIZE, Output::SIZE)];

    const ImageLayout<CHANNELS_LAST> in{from_channels, size}, out{to_channels, size};
    const u32 tile = blockIdx.x % tiles, first_pixel = blockIdx.x / tiles * BLOCK_N;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int row = lane / 4, column = lane % 4, warp_m = warp / 2 * WARP_MMAS_M, warp_n = warp % 2 * 8 * WARP_MMAS_N;
    const int begin = first[tile], end = first[tile + 1];
    constexpr int ENTRIES = BLOCK_K_WORDS * Format::per_word;

    float sums[WARP_MMAS_M][WARP_MMAS_N][4] = {};
    Loader x_loader(in, x, first_pixel, pixels);
    x_loader.load_global(inputs + begin);
    x_loader.store_shared(smem);
    __syncthreads();
    for (int entry = begin, buffer = 0; entry < end; entry += ENTRIES, buffer ^= 1) {
        const bool has_next = entry + ENTRIES < end;
        if (has_next) x_loader.load_global(inputs + entry + ENTRIES);
#pragma unroll
        for (int step = 0; step < BLOCK_K_WORDS / MMA_K_WORDS; ++step) {
            const int steps = entry / (MMA_K_WORDS * Format::per_word) + step;
            u32 a[WARP_MMAS_M][4];
#pragma unroll
            for (int block = 0; block < WARP_MMAS_M; ++block) {
                const uint4 four = weights[(steps * (BLOCK_M / 16) + warp_m + block) * 32 + lane];
                a[block][0] = four.x, a[block][1] = four.y, a[block][2] = four.z, a[block][3] = four.w;
            }
#pragma unroll
            for (int i = 0; i < WARP_MMAS_N; ++i) {
                const int pixel = warp_n + 8 * i + row;
                const u32 b[2] = {Loader::read(smem + buffer * Loader::SIZE, MMA_K_WORDS * step + column, pixel),
                                  Loader::read(smem + buffer * Loader::SIZE, MMA_K_WORDS * step + column + 4, pixel)};
#pragma unroll
                for (int block = 0; block < WARP_MMAS_M; ++block) multiply<Format>(sums[block][i], a[block], b);
            }
        }
        if (has_next) x_loader.store_shared(smem + (buffer ^ 1) * Loader::SIZE);
        __syncthreads();
    }

    for (int part = 0; part < Output::PASSES; ++part) {
        if (part > 0) __syncthreads();
        if (warp_n == part * Output::PASS_PIXELS) {
#pragma unroll
            for (int half = 0; half < 2 * WARP_MMAS_M; ++half) {
                const int tile_row = 16 * warp_m + 8 * half + row, output = outputs[tile * BLOCK_M + tile_row];
                if (output == NONE) continue;
                const float bias_value = bias ? to_float<Format>(bias[output]) : 0.0f;
#pragma unroll
                for (int i = 0; i < WARP_MMAS_N; ++i) {
                    const float* pair = &sums[half / 2][i][half % 2 * 2];
                    const Stored pair_values[2] = {from_float<Format>(pair[0] + bias_value),
                                                   from_float<Format>(pair[1] + bias_value)};
                    if constexpr (CHANNELS_LAST) {
                        Output::put(smem, tile_row, 8 * i + 2 * column, {pair_values[0]});
                        Output::put(smem, tile_row, 8 * i + 2 * column + 1, {pair_values[1]});
                    } else {
                        Output::put(smem, tile_row, 8 * i + 2 * column, pair_values);
                    }
                }
            }
        }
        __syncthreads();
        Output::write(smem, y, out, outputs + tile * BLOCK_M, first_pixel + part * Output::PASS_PIXELS, pixels);
    }
}
