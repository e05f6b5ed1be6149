// The same as weight_gradient.cu, in float32 and without tensor cores (SIMT): a thread computes 8 outputs by 4 entries.
#include "row_loader.cuh"

template <bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    weight_gradient_simt(const float* dy, const float* x, float* partial_sums, const int* outputs, const int* first,
                         const int* inputs, const int* chunk_tiles, const int* chunk_entries, u32 chunks, u32 entries,
                         u32 pixels, u32 pixels_each, u32 size, u32 dy_channels, u32 x_channels) {
    using Loader = RowLoader<Float, CHANNELS_LAST, VECTOR>;
    constexpr int THREAD_TILE = 8, COLUMNS = 4, LANES = ROWS / COLUMNS;
    __shared__ __align__(16) u32 dy_tile[2][Loader::SIZE];
    __shared__ __align__(16) u32 x_tile[2][Loader::SIZE];

    const ImageLayout<CHANNELS_LAST> of_dy{dy_channels, size}, of_x{x_channels, size};
    const u32 chunk = blockIdx.x % chunks, slice = blockIdx.x / chunks;
    const int tile = chunk_tiles[chunk], begin = chunk_entries[chunk], count = min(ROWS, first[tile + 1] - begin);
    const int row = threadIdx.x / LANES * THREAD_TILE, lane = threadIdx.x % LANES;
    const u32 from = slice * pixels_each, end = min(pixels, from + pixels_each);

    float sums[THREAD_TILE][COLUMNS] = {};
    Loader dy_loader(of_dy, dy, outputs + tile * BLOCK_M, BLOCK_M), x_loader(of_x, x, inputs + begin, count);
    dy_loader.load_global(from, end), x_loader.load_global(from, end);
    dy_loader.store_shared(dy_tile[0]), x_loader.store_shared(x_tile[0]);
    __syncthreads();
    int buffer = 0;
    for (u32 pixel = from; pixel < end; pixel += Loader::STAGE, buffer ^= 1) {
        const bool has_next = pixel + Loader::STAGE < end;
        if (has_next)
            dy_loader.load_global(pixel + Loader::STAGE, end), x_loader.load_global(pixel + Loader::STAGE, end);
#pragma unroll
        for (int k = 0; k < BLOCK_K_WORDS; ++k) {
            float a[THREAD_TILE], b[COLUMNS];
#pragma unroll
            for (int i = 0; i < THREAD_TILE; ++i) a[i] = as_float(dy_tile[buffer][(row + i) * Loader::PITCH + k]);
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j) b[j] = as_float(x_tile[buffer][(lane + LANES * j) * Loader::PITCH + k]);
#pragma unroll
            for (int i = 0; i < THREAD_TILE; ++i) {
#pragma unroll
                for (int j = 0; j < COLUMNS; ++j) sums[i][j] += a[i] * b[j];
            }
        }
        if (has_next) dy_loader.store_shared(dy_tile[buffer ^ 1]), x_loader.store_shared(x_tile[buffer ^ 1]);
        __syncthreads();
    }

#pragma unroll
    for (int j = 0; j < COLUMNS; ++j) {
        const int entry = lane + LANES * j;
        if (entry >= count) continue;
        float* offset = partial_sums + (static_cast<u64>(slice) * entries + begin + entry) * BLOCK_M + row;
#pragma unroll
        for (int i = 0; i < THREAD_TILE; ++i) offset[i] = sums[i][j];
    }
}
