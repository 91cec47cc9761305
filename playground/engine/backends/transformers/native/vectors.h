// Vectors as wide as the CPU's, as g++ and clang know them, and what attention computes with them.

#pragma once

#ifdef __AVX512F__
#include <immintrin.h>
constexpr long WIDE = 16;  // numbers of a vector
#else
constexpr long WIDE = 8;  // of wider ones than there are registers, g++ 12 makes code of half the speed
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <vector>

typedef float Floats __attribute__((vector_size(4 * WIDE)));
typedef int32_t Ints __attribute__((vector_size(4 * WIDE)));
typedef uint16_t Shorts __attribute__((vector_size(2 * WIDE)));
typedef uint8_t Bytes __attribute__((vector_size(WIDE)));
typedef float Four __attribute__((vector_size(16)));
using Half = _Float16;
using Brain = uint16_t;  // a bfloat16 number, as bits

template <class V, class T> static V load(const T *at) {
    V vector;
    std::memcpy(&vector, at, sizeof vector);
    return vector;
}

static Floats wide(const float *at) { return load<Floats>(at); }
static Floats wide(const Brain *at) { return (Floats)(__builtin_convertvector(load<Shorts>(at), Ints) << 16); }
static void store(Floats numbers, float *at) { std::memcpy(at, &numbers, sizeof numbers); }

// To the nearest, ties to even; what is no number stays none.
static void store(Floats numbers, Brain *at) {
    const Ints bits = (Ints)numbers, up = (bits + (bits >> 16 & 1) + 0x7fff) >> 16;
    const Shorts halves = __builtin_convertvector(numbers == numbers ? up : (Ints{} + 0x7fc0), Shorts);
    std::memcpy(at, &halves, sizeof halves);
}

static Ints widened(Bytes bytes) {
#ifdef __AVX512F__
    return (Ints)_mm512_cvtepu8_epi32((__m128i)bytes);  // g++ 12 takes eight instructions
#else
    return __builtin_convertvector(__builtin_convertvector(bytes, Shorts), Ints);
#endif
}

static float sum(Floats v) {
    Four parts[WIDE / 4];
    std::memcpy(parts, &v, sizeof v);
    for (long count = WIDE / 8; count > 0; count /= 2)
        for (long at = 0; at < count; at++) parts[at] += parts[at + count];
    return (parts[0][0] + parts[0][2]) + (parts[0][1] + parts[0][3]);
}

static float largest(Floats v) {
    float most = v[0];
    for (long at = 1; at < WIDE; at++) most = std::max(most, v[at]);
    return most;
}

// e to the x, for x that are not positive: 2 to a whole number, times a polynomial of the rest (Cephes).
static Floats exponential(Floats x) {
    const Floats kept = x < -87.f ? Floats{} - 87.f : x;
    const Ints power = __builtin_convertvector(kept * 1.44269504f - 0.5f, Ints);
    const Floats whole = __builtin_convertvector(power, Floats);
    const Floats rest = (kept - whole * 0.693359375f) + whole * 2.12194440e-4f;
    Floats sum = rest * 1.9875691500e-4f + 1.3981999507e-3f;
    for (const float next : {8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
        sum = sum * rest + next;
    sum = sum * rest * rest + rest + 1.f;
    return x == x ? (Floats)((Ints)sum + (power << 23)) : x;
}

// Of float8_e4m3fn: sign, 4 bits of exponent around 7, 3 of mantissa.
static Floats from_fp8(Ints code) {
    const Ints size = code & 0x7f;
    const Floats tiny = __builtin_convertvector(size, Floats) * 0x1p-9f, other = (Floats)((size << 20) + (120 << 23));
    return (Floats)((Ints)(size < 8 ? tiny : other) | (code & 0x80) << 24);
}
