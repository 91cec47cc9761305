// What attention takes of a quantized cache.

#pragma once

#include "vectors.h"

enum Kind { FP8, INT8, INT4, INT2 };
constexpr int bits(Kind kind) { return kind == INT4 ? 4 : kind == INT2 ? 2 : 8; }
constexpr long codes_a_byte(Kind kind) { return 8 / bits(kind); }

// One layer's blocks [blocks, size, heads, dim] and tails [tokens, heads, dim]. `key_stride` is the bytes from block to
// block; of values the others are those from head to head, which lie token by token.
struct Layer {
    const uint8_t *keys;
    const Half *key_steps;
    const void *key_lows;
    const uint8_t *values, *value_steps, *value_lows;
    const void *key_tails, *value_tails;
    long key_stride, value_stride, value_step_stride, heads, dim, size;
};

// Sealed blocks of row r are blocks[begins[r]] to before blocks[begins[r + 1]]; then `opens` tokens from `tails` on.
struct Rows {
    const long *blocks, *begins, *tails, *opens;
    long count;
};

// `groups` queries of a row share a head of keys; each run of `newest` of them is of a row's newest tokens.
struct Step {
    const Layer &layer;
    const Rows &rows;
    const void *queries;
    void *out;
    long groups, newest;
    float scale;
};

// A part of a row's tokens for one head of keys: sealed blocks from `first` on, before `last`, and the tail behind.
struct Part {
    long row, head, first, last, tail;
};

// What a part comes to: of each query its largest score, the sum of weights, and the weighted sum of values.
struct Found {
    std::vector<float> best, total;
    std::vector<Floats> sums;
};

