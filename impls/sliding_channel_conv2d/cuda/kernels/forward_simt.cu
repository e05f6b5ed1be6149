// The same as forward.cu, in float32 and without tensor cores (SIMT): a thread computes 8 outputs for 8 pixels.
#include "epilogue.cuh"

constexpr int THREAD_TILE = 8, LANES = BLOCK_N / THREAD_TILE;  // LANES threads share THREAD_TILE rows of outputs

// Pixel i of a lane. A warp reads its pixels from all banks, and the pixels of one part of the outputs are consecutive.
template <bool CHANNELS_LAST>
__device__ inline int pixel_of(int lane, int i) {
    return CHANNELS_LAST ? lane + LANES * i : i / 4 * (BLOCK_N / 2) + 4 * lane + i % 4;
}

__device__ inline void copy_weights(const float* from, float* to) {
    static_assert(BLOCK_K_WORDS * BLOCK_M == 2 * 4 * THREADS);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int offset = 4 * (i * THREADS + threadIdx.x);
        *vector_at<uint4>(to + offset) = *vector_at<const uint4>(from + offset);
    }
}

template <bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    forward_simt(const float* x, const float* weights, const float* bias, float* y, const int* outputs,
                 const int* first, const int* inputs, u32 tiles, u32 pixels, u32 size, u32 from_channels,
                 u32 to_channels) {
    using Loader = PixelLoader<Float, CHANNELS_LAST, VECTOR>;
    using Output = Epilogue<Float, CHANNELS_LAST, VECTOR>;
    __shared__ __align__(16) u32 smem[greater(2 * Loader::SIZE, Output::SIZE)];
    __shared__ __align__(16) float shared_weights[2][BLOCK_K_WORDS * BLOCK_M];

    const ImageLayout<CHANNELS_LAST> in{from_channels, size}, out{to_channels, size};
    const u32 tile = blockIdx.x % tiles, first_pixel = blockIdx.x / tiles * BLOCK_N;
    const int row = threadIdx.x / LANES * THREAD_TILE, lane = threadIdx.x % LANES;
    const int begin = first[tile], end = first[tile + 1];

    float sums[THREAD_TILE][THREAD_TILE] = {};
    Loader x_loader(in, x, first_pixel, pixels);
    x_loader.load_global(inputs + begin);
    x_loader.store_shared(smem);
    copy_weights(weights + static_cast<u64>(begin) * BLOCK_M, shared_weights[0]);
    __syncthreads();
    for (int entry = begin, buffer = 0; entry < end; entry += BLOCK_K_WORDS, buffer ^= 1) {
        const bool has_next = entry + BLOCK_K_WORDS < end;
        if (has_next) x_loader.load_global(inputs + entry + BLOCK_K_WORDS);
#pragma unroll
        for (int k = 0; k < BLOCK_K_WORDS; ++k) {
            float w[THREAD_TILE], v[THREAD_TILE];
#pragma unroll
            for (int i = 0; i < THREAD_TILE; ++i) w[i] = shared_weights[buffer][k * BLOCK_M + row + i];
#pragma unroll
            for (int i = 0; i < THREAD_TILE; ++i)
                v[i] = as_float(Loader::read(smem + buffer * Loader::SIZE, k, pixel_of<CHANNELS_LAST>(lane, i)));
#pragma unroll
            for (int i = 0; i < THREAD_TILE; ++i) {
#pragma unroll
                for (int j = 0; j < THREAD_TILE; ++j) sums[i][j] += w[i] * v[j];
            }
        }
        if (has_next) {
            x_loader.store_shared(smem + (buffer ^ 1) * Loader::SIZE);
            copy_weights(weights + static_cast<u64>(entry + BLOCK_K_WORDS) * BLOCK_M, shared_weights[buffer ^ 1]);
        }
        __syncthreads();
    }

    float bias_values[THREAD_TILE] = {};
#pragma unroll
    for (int i = 0; i < THREAD_TILE; ++i) {
        const int output = outputs[tile * BLOCK_M + row + i];
        if (bias && output != NONE) bias_values[i] = bias[output];
    }
    constexpr int PASS_TILE = THREAD_TILE / Output::PASSES, VECTOR_M = CHANNELS_LAST ? 4 : 1, VECTOR_N = 4 / VECTOR_M;
#pragma unroll
    for (int part = 0; part < Output::PASSES; ++part) {
        if (part > 0) __syncthreads();
#pragma unroll
        for (int i = 0; i < THREAD_TILE; i += VECTOR_M) {
#pragma unroll
            for (int j = 0; j < PASS_TILE; j += VECTOR_N) {
                float values[4];
#pragma unroll
                for (int v = 0; v < 4; ++v) {
                    const int m = i + v % VECTOR_M, n = part * PASS_TILE + j + v % VECTOR_N;
                    values[v] = sums[m][n] + bias_values[m];
                }
                Output::put(smem, row + i, pixel_of<CHANNELS_LAST>(lane, j), values);
            }
        }
        __syncthreads();
        Output::write(smem, y, out, outputs + tile * BLOCK_M, first_pixel + part * Output::PASS_PIXELS, pixels);
    }
}
