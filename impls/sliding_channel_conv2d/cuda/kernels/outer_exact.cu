// As outer.cu, in float32 throughout: a thread computes 8 outputs by 4 entries.
#include "rows.cuh"

template <bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    outer_exact(const float* dy, const float* x, float* parts, const int* outputs, const int* first, const int* inputs,
                const int* chunk_tiles, const int* chunk_entries, u32 chunks, u32 entries, u32 pixels, u32 pixels_each,
                u32 size, u32 dy_channels, u32 x_channels) {
    using Staged = Rows<Float, CHANNELS_LAST, VECTOR>;
    constexpr int EACH = 8, COLUMNS = 4, LANES = ROWS / COLUMNS;
    __shared__ __align__(16) u32 left[2][Staged::SIZE];
    __shared__ __align__(16) u32 right[2][Staged::SIZE];

    const Planes<CHANNELS_LAST> of_dy{dy_channels, size}, of_x{x_channels, size};
    const u32 chunk = blockIdx.x % chunks, split = blockIdx.x / chunks;
    const int tile = chunk_tiles[chunk], begin = chunk_entries[chunk], count = min(ROWS, first[tile + 1] - begin);
    const int row = threadIdx.x / LANES * EACH, lane = threadIdx.x % LANES;
    const u32 from = split * pixels_each, end = min(pixels, from + pixels_each);

    float sums[EACH][COLUMNS] = {};
    Staged of_left(of_dy, dy, outputs + tile * OUTPUTS, OUTPUTS), of_right(of_x, x, inputs + begin, count);
    of_left.fetch(from, end), of_right.fetch(from, end);
    of_left.deposit(left[0]), of_right.deposit(right[0]);
    __syncthreads();
    int now = 0;
    for (u32 pixel = from; pixel < end; pixel += Staged::STAGE, now ^= 1) {
        const bool more = pixel + Staged::STAGE < end;
        if (more) of_left.fetch(pixel + Staged::STAGE, end), of_right.fetch(pixel + Staged::STAGE, end);
#pragma unroll
        for (int k = 0; k < WORDS; ++k) {
            float a[EACH], b[COLUMNS];
#pragma unroll
            for (int i = 0; i < EACH; ++i) a[i] = number(left[now][(row + i) * Staged::PITCH + k]);
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j) b[j] = number(right[now][(lane + LANES * j) * Staged::PITCH + k]);
#pragma unroll
            for (int i = 0; i < EACH; ++i) {
#pragma unroll
                for (int j = 0; j < COLUMNS; ++j) sums[i][j] += a[i] * b[j];
            }
        }
        if (more) of_left.deposit(left[now ^ 1]), of_right.deposit(right[now ^ 1]);
        __syncthreads();
    }

#pragma unroll
    for (int j = 0; j < COLUMNS; ++j) {
        const int entry = lane + LANES * j;
        if (entry >= count) continue;
        float* place = parts + (static_cast<u64>(split) * entries + begin + entry) * OUTPUTS + row;
#pragma unroll
        for (int i = 0; i < EACH; ++i) place[i] = sums[i][j];
    }
}
