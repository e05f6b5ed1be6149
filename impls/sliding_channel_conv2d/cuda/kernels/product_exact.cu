// As product.cu, in float32 throughout: a thread computes 8 outputs for 8 pixels.
#include "stage.cuh"

constexpr int EACH = 8, LANES = PIXELS / EACH;  // LANES threads share EACH rows of outputs

// Pixel i of a lane: such that a warp reads from all banks, and i and i + 1 are neighbours where they can be stored so.
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
    __shared__ __align__(16) u32 staged[2][Staged::SIZE];
    __shared__ __align__(16) float shared_weights[2][WORDS * OUTPUTS];

    const Planes<CHANNELS_LAST> in{from_channels, size}, out{to_channels, size};
    const u32 tile = blockIdx.x % tiles, first_pixel = blockIdx.x / tiles * PIXELS;
    const int row = threadIdx.x / LANES * EACH, lane = threadIdx.x % LANES;
    const int begin = first[tile], end = first[tile + 1];

    float sums[EACH][EACH] = {};
    Staged stage(in, x, first_pixel, pixels);
    stage.fetch(inputs + begin);
    stage.deposit(staged[0]);
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
                v[i] = number(Staged::read(staged[now], k, pixel_of<CHANNELS_LAST>(lane, i)));
#pragma unroll
            for (int i = 0; i < EACH; ++i) {
#pragma unroll
                for (int j = 0; j < EACH; ++j) sums[i][j] += w[i] * v[j];
            }
        }
        if (more) {
            stage.deposit(staged[now ^ 1]);
            copy_weights(weights + static_cast<u64>(entry + WORDS) * OUTPUTS, shared_weights[now ^ 1]);
        }
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < EACH; ++i) {
        const int output = outputs[tile * OUTPUTS + row + i];
        if (output == NONE) continue;
        const float added = bias ? bias[output] : 0.0f;
        float* plane = y + out.plane(output);
#pragma unroll
        for (int j = 0; j < EACH; j += 2) {
            const float both[2] = {sums[i][j] + added, sums[i][j + 1] + added};
            const u32 pixel = first_pixel + pixel_of<CHANNELS_LAST>(lane, j);
            if constexpr (CHANNELS_LAST) {
                if (pixel < pixels) plane[out.place(pixel)] = both[0];
                if (pixel + LANES < pixels) plane[out.place(pixel + LANES)] = both[1];
            } else {
                store_pair<VECTOR % 2 == 0>(plane, out, both, pixel, pixels);
            }
        }
    }
}
