// Bfloat16 states [rows, inputs] times a bfloat16 weight in panels, in float32, for CPUs with AVX-512.
//
// A panel holds 32 outputs as [inputs / 2, 32, 2]: 16 numbers of 32 bits are two inputs of 16 outputs each, and a shift
// or a mask makes float32 of either. Each row adds up its inputs in one order, whatever other rows there are.

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

using Half = uint16_t;  // a bfloat16 number, as bits

constexpr long PANEL = 32;
constexpr long TILE = 12;             // rows at a time: two registers each, of 32
constexpr long AHEAD = 4096;          // numbers of the weight that are fetched before their turn: two pages
constexpr long CACHED = 256 * 1024;   // numbers of states that stay in a core's cache while the weight passes

static __m512 even(__m512i pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }

static __m512 odd(__m512i pairs) {
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(0xffff0000)));
}

static __m512 widened(__m256i halves) { return even(_mm512_cvtepu16_epi32(halves)); }

// To the nearest, ties to even; what is no number stays none.
static __m256i rounded(__m512 sums) {
    const __m512i bits = _mm512_castps_si512(sums);
    const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, last), _mm512_set1_epi32(0x7fff));
    const __mmask16 none = _mm512_cmp_ps_mask(sums, sums, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(_mm512_srli_epi32(up, 16), none, _mm512_set1_epi32(0x7fc0)));
}

static __mmask16 first(long count) { return (1u << std::clamp(count, 0l, 16l)) - 1; }

// One matrix product: where its numbers lie, and how many there are.
struct Product {
    const Half *panels, *bias;
    Half *out;
    long outputs, inputs;
};

// `ROWS` rows of states, `stride` apart, through the panel that begins with output `at`. The first tile that meets a
// panel fetches it.
template <long ROWS>
static void tile(const Product &product, long at, const float *states, long stride, Half *out, bool fetch) {
    const long inputs = product.inputs + product.inputs % 2;
    const __mmask16 left[2] = {first(product.outputs - at), first(product.outputs - at - 16)};
    __m512 sums[ROWS][2];
    for (long half = 0; half < 2; half++) {
        const Half *bias = product.bias + at + half * 16;
        const __m512 start = product.bias ? widened(_mm256_maskz_loadu_epi16(left[half], bias)) : _mm512_setzero_ps();
        for (long row = 0; row < ROWS; row++) sums[row][half] = start;
    }
    const Half *weight = product.panels + at * inputs;
    for (long input = 0; input < inputs; input += 2, weight += 2 * PANEL) {
        const __m512i one = _mm512_loadu_si512(weight), two = _mm512_loadu_si512(weight + PANEL);
        if (fetch) {
            _mm_prefetch((const char *)(weight + AHEAD), _MM_HINT_T1);
            _mm_prefetch((const char *)(weight + AHEAD + PANEL), _MM_HINT_T1);
        }
        for (long row = 0; row < ROWS; row++) {
            const __m512 state = _mm512_set1_ps(states[row * stride + input]);
            sums[row][0] = _mm512_fmadd_ps(state, even(one), sums[row][0]);
            sums[row][1] = _mm512_fmadd_ps(state, even(two), sums[row][1]);
        }
        for (long row = 0; row < ROWS; row++) {
            const __m512 state = _mm512_set1_ps(states[row * stride + input + 1]);
            sums[row][0] = _mm512_fmadd_ps(state, odd(one), sums[row][0]);
            sums[row][1] = _mm512_fmadd_ps(state, odd(two), sums[row][1]);
        }
    }
    for (long row = 0; row < ROWS; row++)
        for (long half = 0; half < 2; half++)
            _mm256_mask_storeu_epi16(out + row * product.outputs + at + half * 16, left[half], rounded(sums[row][half]));
}

using Tile = void (*)(const Product &, long, const float *, long, Half *, bool);

template <long... COUNTS>
static Tile chosen(long rows, std::integer_sequence<long, COUNTS...>) {
    static constexpr Tile tiles[] = {tile<COUNTS + 1>...};
    return tiles[rows - 1];
}

static void widen(const Half *from, float *to, long count) {
    for (long at = 0; at < count; at += 16) {
        const __mmask16 left = first(count - at);
        _mm512_mask_storeu_ps(to + at, left, widened(_mm256_maskz_loadu_epi16(left, from + at)));
    }
    to[count] = 0;  // an odd number of inputs is one more, which says nothing
}

// bias: [outputs] or none. out: [rows, outputs].
extern "C" void product(const Half *panels, const Half *states, const Half *bias, Half *out, long rows, long outputs,
                        long inputs, int threads) {
    const Product product{panels, bias, out, outputs, inputs};
    const long stride = inputs + 16;  // rows a power of two apart would contend for the same lines of the cache
    const long most = std::max(TILE, CACHED / stride);
    static thread_local std::vector<float> kept;
    kept.resize(std::min(rows, most) * stride);
    float *wide = kept.data();
#pragma omp parallel num_threads(threads)
    for (long begin = 0; begin < rows; begin += most) {
        const long count = std::min(rows - begin, most);
        const long tiles = (count + TILE - 1) / TILE, size = (count + tiles - 1) / tiles;
#pragma omp for schedule(static)
        for (long row = 0; row < count; row++) widen(states + (begin + row) * inputs, wide + row * stride, inputs);
#pragma omp for schedule(static)
        for (long at = 0; at < outputs; at += PANEL)
            for (long row = 0; row < count; row += size) {
                const Tile run = chosen(std::min(size, count - row), std::make_integer_sequence<long, TILE>());
                run(product, at, wide + row * stride, stride, out + (begin + row) * outputs, row == 0);
            }
    }
}
