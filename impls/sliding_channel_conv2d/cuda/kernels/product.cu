// Y[o] = bias[o] + sum_j V[o, j] X[j] over all pixels, tile by tile, on tensor cores: the layer, or the gradient of its
// input. A block computes the OUTPUTS outputs of one tile for PIXELS pixels; blocks that read the same pixels are
// neighbours in the grid, so that all but the first find them in the L2 cache.
#include "answers.cuh"

constexpr int STEP = 8;  // words that an instruction multiplies

template <class Format, bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    product(const typename Format::Stored* x, const uint4* weights, const typename Format::Stored* bias,
            typename Format::Stored* y, const int* outputs, const int* first, const int* inputs, u32 tiles, u32 pixels,
            u32 size, u32 from_channels, u32 to_channels) {
    using Stored = typename Format::Stored;
    using Staged = Stage<Format, CHANNELS_LAST, VECTOR>;
    using Answered = Answers<Format, CHANNELS_LAST, VECTOR>;
    constexpr int BLOCKS = 2, COLUMNS = 8;  // a warp computes 2 x 8 products of 16 outputs by 8 pixels
    __shared__ __align__(16) u32 on_chip[larger(2 * Staged::SIZE, Answered::SIZE)];

    const Planes<CHANNELS_LAST> in{from_channels, size}, out{to_channels, size};
    const u32 tile = blockIdx.x % tiles, first_pixel = blockIdx.x / tiles * PIXELS;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int row = lane / 4, column = lane % 4, upper = warp / 2 * BLOCKS, left = warp % 2 * 8 * COLUMNS;
    const int begin = first[tile], end = first[tile + 1];
    constexpr int ENTRIES = WORDS * Format::per_word;

    float sums[BLOCKS][COLUMNS][4] = {};
    Staged stage(in, x, first_pixel, pixels);
    stage.fetch(inputs + begin);
    stage.deposit(on_chip);
    __syncthreads();
    for (int entry = begin, now = 0; entry < end; entry += ENTRIES, now ^= 1) {
        const bool more = entry + ENTRIES < end;
        if (more) stage.fetch(inputs + entry + ENTRIES);
#pragma unroll
        for (int step = 0; step < WORDS / STEP; ++step) {
            const int steps = entry / (STEP * Format::per_word) + step;
            u32 a[BLOCKS][4];
#pragma unroll
            for (int block = 0; block < BLOCKS; ++block) {
                const uint4 four = weights[(steps * (OUTPUTS / 16) + upper + block) * 32 + lane];
                a[block][0] = four.x, a[block][1] = four.y, a[block][2] = four.z, a[block][3] = four.w;
            }
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i) {
                const int pixel = left + 8 * i + row;
                const u32 b[2] = {Staged::read(on_chip + now * Staged::SIZE, STEP * step + column, pixel),
                                  Staged::read(on_chip + now * Staged::SIZE, STEP * step + column + 4, pixel)};
#pragma unroll
                for (int block = 0; block < BLOCKS; ++block) multiply<Format>(sums[block][i], a[block], b);
            }
        }
        if (more) stage.deposit(on_chip + (now ^ 1) * Staged::SIZE);
        __syncthreads();
    }

    for (int part = 0; part < Answered::PARTS; ++part) {
        if (part > 0) __syncthreads();
        if (left == part * Answered::PART) {
#pragma unroll
            for (int half = 0; half < 2 * BLOCKS; ++half) {
                const int within = 16 * upper + 8 * half + row, output = outputs[tile * OUTPUTS + within];
                if (output == NONE) continue;
                const float added = bias ? widened<Format>(bias[output]) : 0.0f;
#pragma unroll
                for (int i = 0; i < COLUMNS; ++i) {
                    const float* pair = &sums[half / 2][i][half % 2 * 2];
                    const Stored both[2] = {narrowed<Format>(pair[0] + added), narrowed<Format>(pair[1] + added)};
                    if constexpr (CHANNELS_LAST) {
                        Answered::put(on_chip, within, 8 * i + 2 * column, {both[0]});
                        Answered::put(on_chip, within, 8 * i + 2 * column + 1, {both[1]});
                    } else {
                        Answered::put(on_chip, within, 8 * i + 2 * column, both);
                    }
                }
            }
        }
        __syncthreads();
        Answered::write(on_chip, y, out, outputs + tile * OUTPUTS, first_pixel + part * Answered::PART, pixels);
    }
}
