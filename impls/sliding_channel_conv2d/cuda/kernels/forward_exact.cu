// The same as forward.cu, in float32 throughout: a thread computes 8 outputs for 8 pixels.
#include "epilogue.cuh"

constexpr int EACH = 8, LANES = BLOCK_N / EACH;  // LANES threads share EACH rows of outputs

// Pixel i of a lane. A warp reads its pixels from all banks, and the pixels of one part of the outputs are consecutive.
template <bool CHANNELS_LAST>
__device__ inline int pixel_of(int lane, int i) {
    return CHANNELS_LAST ? lane + LANES * i : i / 4 * (BLOCK_N / 2) + 4 * lane + i % 4;
}

__device__ inline void copy_weights(const float* from, float* to) {
    static_assert(BLOCK_K_WORDS * BLOCK_M == 2 * 4 * THREADS);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int place = 4 * (i * THREADS + threadIdx.x);
        *vector_at<uint4>(to + place) = *vector_at<const uint4>(from + place);
    }
}

template <bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    forward_exact(const float* x, const float* weights, const float* bias, float* y, const int* outputs,
                  const int* first, const int* inputs, u32 tiles, u32 pixels, u32 size, u32 from_channels,
                  u32 to_channels) {
    using Loader = PixelLoader<Float, CHANNELS_LAST, VECTOR>;
    using Output = Epilogue<Float, CHANNELS_LAST, VECTOR>;
    __shared__ __align__(16) u32 on_chip[larger(2 * Loader::SIZE, Output::SIZE)];
    __shared__ __align__(16) float shared_weights[2][BLOCK_K_WORDS * BLOCK_M];

    const Planes<CHANNELS_LAST> in{from_channels, size}, out{to_channels, size};
    const u32 tile = blockIdx.x % tiles, first_pixel = blockIdx.x / tiles * BLOCK_N;
    const int row = threadIdx.x / LANES * EACH, lane = threadIdx.x % LANES;
    const int begin = first[tile], end = first[tile + 1];

    float sums[EACH][EACH] = {};
    Loader stage(in, x, first_pixel, pixels);
    stage.load_global(inputs + begin);
    stage.store_shared(on_chip);
    copy_weights(weights + static_cast<u64>(begin) * BLOCK_M, shared_weights[0]);
    __syncthreads();
    for (int entry = begin, now = 0; entry < end; entry += BLOCK_K_WORDS, now ^= 1) {
        const bool more = entry + BLOCK_K_WORDS < end;
        if (more) stage.load_global(inputs + entry + BLOCK_K_WORDS);
#pragma unroll
        for (int k = 0; k < BLOCK_K_WORDS; ++k) {
            float w[EACH], v[EACH];
#pragma unroll
            for (int i = 0; i < EACH; ++i) w[i] = shared_weights[now][k * BLOCK_M + row + i];
#pragma unroll
            for (int i = 0; i < EACH; ++i)
                v[i] = number(Loader::read(on_chip + now * Loader::SIZE, k, pixel_of<CHANNELS_LAST>(lane, i)));
#pragma unroll
            for (int i = 0; i < EACH; ++i) {
#pragma unroll
                for (int j = 0; j < EACH; ++j) sums[i][j] += w[i] * v[j];
            }
        }
        if (more) {
            stage.store_shared(on_chip + (now ^ 1) * Loader::SIZE);
            copy_weights(weights + static_cast<u64>(entry + BLOCK_K_WORDS) * BLOCK_M, shared_weights[now ^ 1]);
        }
        __syncthreads();
    }

    float added[EACH] = {};
#pragma unroll
    for (int i = 0; i < EACH; ++i) {
        const int output = outputs[tile * BLOCK_M + row + i];
        if (bias && output != NONE) added[i] = bias[output];
    }
    constexpr int MINE = EACH / Output::PASSES, M_EACH = CHANNELS_LAST ? 4 : 1, N_EACH = 4 / M_EACH;
#pragma unroll
    for (int part = 0; part < Output::PASSES; ++part) {
        if (part > 0) __syncthreads();
#pragma unroll
        for (int i = 0; i < EACH; i += M_EACH) {
#pragma unroll
            for (int j = 0; j < MINE; j += N_EACH) {
                float values[4];
#pragma unroll
                for (int v = 0; v < 4; ++v) {
                    const int of = i + v % M_EACH, at = part * MINE + j + v % N_EACH;
                    values[v] = sums[of][at] + added[of];
                }
                Output::put(on_chip, row + i, pixel_of<CHANNELS_LAST>(lane, j), values);
            }
        }
        __syncthreads();
        Output::write(on_chip, y, out, outputs + tile * BLOCK_M, first_pixel + part * Output::PASS_PIXELS, pixels);
    }
}
