// As product.cu, in float32 throughout: a thread computes 8 outputs for 8 pixels.
#include "answers.cuh"

constexpr int EACH = 8, LANES = PIXELS / EACH;  // LANES threads share EACH rows of outputs

// Pixel i of a lane: such that a warp reads from all banks, and those of one part of the answers follow one another.
template <bool CHANNELS_LAST>
__device__ inline int pixel_of(int lane, int i) {
    return CHANNELS_LAST ? lane + LANES * i : i / 4 * (PIXELS / 2) + 4 * lane + i % 4;
}

__device__ inline void copy_weights(const float* from, float* to) {
    static_assert(WORDS * OUTPUTS == 2 * 4 * THREADS);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int place = 4 * (i * THREADS + threadIdx.x);
        *vector_at<uint4>(to + place) = *vector_at<const uint4>(from + place);
    }
}

template <bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    product_exact(const float* x, const float* weights, const float* bias, float* y, const int* outputs,
                  const int* first, const int* inputs, u32 tiles, u32 pixels, u32 size, u32 from_channels,
                  u32 to_channels) {
    using Staged = Stage<Float, CHANNELS_LAST, VECTOR>;
    using Answered = Answers<Float, CHANNELS_LAST, VECTOR>;
    __shared__ __align__(16) u32 on_chip[larger(2 * Staged::SIZE, Answered::SIZE)];
    __shared__ __align__(16) float shared_weights[2][WORDS * OUTPUTS];

    const Planes<CHANNELS_LAST> in{from_channels, size}, out{to_channels, size};
    const u32 tile = blockIdx.x % tiles, first_pixel = blockIdx.x / tiles * PIXELS;
    const int row = threadIdx.x / LANES * EACH, lane = threadIdx.x % LANES;
    const int begin = first[tile], end = first[tile + 1];

    float sums[EACH][EACH] = {};
    Staged stage(in, x, first_pixel, pixels);
    stage.fetch(inputs + begin);
    stage.deposit(on_chip);
    copy_weights(weights + static_cast<u64>(begin) * OUTPUTS, shared_weights[0]);
    __syncthreads();
    for (int entry = begin, now = 0; entry < end; entry += WORDS, now ^= 1) {
        const bool more = entry + WORDS < end;
        if (more) stage.fetch(inputs + entry + WORDS);
#pragma unroll
        for (int k = 0; k < WORDS; ++k) {
            float w[EACH], v[EACH];
#pragma unroll
            for (int i = 0; i < EACH; ++i) w[i] = shared_weights[now][k * OUTPUTS + row + i];
#pragma unroll
            for (int i = 0; i < EACH; ++i)
                v[i] = number(Staged::read(on_chip + now * Staged::SIZE, k, pixel_of<CHANNELS_LAST>(lane, i)));
#pragma unroll
            for (int i = 0; i < EACH; ++i) {
#pragma unroll
                for (int j = 0; j < EACH; ++j) sums[i][j] += w[i] * v[j];
            }
        }
        if (more) {
            stage.deposit(on_chip + (now ^ 1) * Staged::SIZE);
            copy_weights(weights + static_cast<u64>(entry + WORDS) * OUTPUTS, shared_weights[now ^ 1]);
        }
        __syncthreads();
    }

    float added[EACH] = {};
#pragma unroll
    for (int i = 0; i < EACH; ++i) {
        const int output = outputs[tile * OUTPUTS + row + i];
        if (bias && output != NONE) added[i] = bias[output];
    }
    constexpr int MINE = EACH / Answered::PARTS, OUTPUTS_EACH = CHANNELS_LAST ? 4 : 1, PIXELS_EACH = 4 / OUTPUTS_EACH;
#pragma unroll
    for (int part = 0; part < Answered::PARTS; ++part) {
        if (part > 0) __syncthreads();
#pragma unroll
        for (int i = 0; i < EACH; i += OUTPUTS_EACH) {
#pragma unroll
            for (int j = 0; j < MINE; j += PIXELS_EACH) {
                float answers[4];
#pragma unroll
                for (int v = 0; v < 4; ++v) {
                    const int of = i + v % OUTPUTS_EACH, at = part * MINE + j + v % PIXELS_EACH;
                    answers[v] = sums[of][at] + added[of];
                }
                Answered::put(on_chip, row + i, pixel_of<CHANNELS_LAST>(lane, j), answers);
            }
        }
        __syncthreads();
        Answered::write(on_chip, y, out, outputs + tile * OUTPUTS, first_pixel + part * Answered::PART, pixels);
    }
}
