// One thread's way through a part of a row's tokens: scores, weights, and the weighted sum of values.

#pragma once

#include "codes.h"

// The step of a channel goes into the query, so that keys are multiplied as codes; the step of a token into its weight.
// A byte's codes are neighbours in a head, and wanted apart: what meets them lies in "planes", the first codes of all
// bytes before the second ones.

constexpr long TURN = 4;     // tokens at a time, which share what they are multiplied by; they divide a block
constexpr long CHUNK = 512;  // tokens of a part, more or less

template <Kind KIND, class State> class Worker {
    static constexpr long PER = codes_a_byte(KIND);
    const Step &step;
    const Layer &layer;
    const Rows &rows;
    const long dim, groups, size, wides, bytes, most;
    std::vector<Floats> queries, placed, scaled, codes, steps, lows;
    std::vector<float> scores, begins;

    // Where a number of a head lies among planes.
    long place(long at) const { return at % PER * bytes + at / PER; }

    const State *tail(const void *tails, const Part &part, long token) const {
        return (const State *)tails + ((rows.tails[part.row] + token) * layer.heads + part.head) * dim;
    }

    // The codes of one token, as numbers, in planes.
    void unpack(const uint8_t *from, Floats *to) const {
        for (long at = 0; at < bytes / WIDE; at++) {
            const Ints whole = widened(load<Bytes>(from + at * WIDE));
            for (long plane = 0; plane < PER; plane++) {
                const Ints code = whole >> plane * bits(KIND) & ((1 << bits(KIND)) - 1);
                to[plane * (bytes / WIDE) + at] = KIND == FP8 ? from_fp8(code) : __builtin_convertvector(code, Floats);
            }
        }
    }

    void take_queries(const Part &part) {
        const State *from = (const State *)step.queries + (part.row * layer.heads + part.head) * groups * dim;
        for (long at = 0; at < groups * wides; at++) queries[at] = wide(from + at * WIDE) * step.scale;
        for (long at = 0; at < groups * dim; at++)
            ((float *)placed.data())[at / dim * dim + place(at % dim)] = ((float *)queries.data())[at];
    }

    // Where the codes of a channel of keys begin.
    float key_low(long at, float step) const {
        if constexpr (KIND == FP8) return 0;
        if constexpr (KIND == INT8) return ((const Half *)layer.key_lows)[at];
        return step * ((const int8_t *)layer.key_lows)[at];
    }

    // Queries times the steps of a block's channels, and times where their codes begin.
    void scale_queries(long block, const Part &part) {
        const long from = (block * layer.heads + part.head) * dim;
        for (long at = 0; at < dim; at++) {
            const float step = layer.key_steps[from + at];
            ((float *)steps.data())[place(at)] = step;
            ((float *)lows.data())[place(at)] = key_low(from + at, step);
        }
        for (long group = 0; group < groups; group++) {
            Floats begin = {};
            for (long at = 0; at < wides; at++) {
                const Floats query = placed[group * wides + at];
                scaled[group * wides + at] = query * steps[at];
                begin += query * lows[at];
            }
            begins[group] = sum(begin);
        }
    }

    void score_block(long block, const Part &part, long at) {
        scale_queries(block, part);
        const uint8_t *keys = layer.keys + block * layer.key_stride + part.head * bytes;
        for (long token = 0; token < size; token += TURN) {
            for (long turn = 0; turn < TURN; turn++)
                unpack(keys + (token + turn) * layer.heads * bytes, &codes[turn * wides]);
            for (long group = 0; group < groups; group++) {
                Floats found[TURN] = {};
                for (long n = 0; n < wides; n++)
                    for (long turn = 0; turn < TURN; turn++)
                        found[turn] += codes[turn * wides + n] * scaled[group * wides + n];
                for (long turn = 0; turn < TURN; turn++)
                    scores[group * most + at + token + turn] = begins[group] + sum(found[turn]);
            }
        }
    }

    // A query sees the tail up to its own token; one that is padding sees a token all the same.
    void score_tail(const Part &part, long at) {
        for (long token = 0; token < part.tail; token++)
            for (long group = 0; group < groups; group++) {
                const State *key = tail(layer.key_tails, part, token);
                const long own = std::max(0l, part.tail - step.newest + group % step.newest);
                Floats found = {};
                for (long n = 0; n < wides; n++) found += wide(key + n * WIDE) * queries[group * wides + n];
                scores[group * most + at + token] = token > own ? -INFINITY : sum(found);
            }
    }

    // Softmax but for the division, which is the last thing done: a row's parts share it.
    void weigh(long count, long group, float &best, float &total) {
        float *own = &scores[group * most];
        std::fill(own + count, own + most, -INFINITY);
        Floats top = wide(own), found = {};
        for (long at = WIDE; at < count; at += WIDE) top = wide(own + at) > top ? wide(own + at) : top;
        best = std::max(largest(top), std::numeric_limits<float>::lowest());  // all may be minus infinity
        for (long at = 0; at < count; at += WIDE) {
            const Floats weights = exponential(wide(own + at) - best);
            store(weights, own + at);
            found += weights;
        }
        total = sum(found);
    }

    // Adds a block's values, in planes, and what their codes begin at.
    void add_block(long block, const Part &part, long at, Floats *sums, float *begun) {
        for (long token = 0; token < size; token += TURN) {
            float step[TURN], begin[TURN] = {};
            Floats shares[TURN];
            for (long turn = 0; turn < TURN; turn++) {
                const long from = (block * size + token + turn) * layer.heads + part.head;
                unpack(layer.values + from * layer.value_stride, &codes[turn * wides]);
                step[turn] = *(const Half *)(layer.value_steps + from * layer.value_step_stride);
                if (KIND != FP8) begin[turn] = *(const Half *)(layer.value_lows + from * layer.value_step_stride);
            }
            for (long group = 0; group < groups; group++) {
                const float *weights = &scores[group * most + at + token];
                for (long turn = 0; turn < TURN; turn++) begun[group] += weights[turn] * begin[turn];
                for (long turn = 0; turn < TURN; turn++) shares[turn] = Floats{} + weights[turn] * step[turn];
                for (long n = 0; n < wides; n++) {
                    Floats found = sums[group * wides + n];
                    for (long turn = 0; turn < TURN; turn++) found += codes[turn * wides + n] * shares[turn];
                    sums[group * wides + n] = found;
                }
            }
        }
    }

    void add_tail(const Part &part, long at, Floats *sums) {
        for (long token = 0; token < part.tail; token++)
            for (long group = 0; group < groups; group++) {
                const State *value = tail(layer.value_tails, part, token);
                for (long n = 0; n < wides; n++)
                    sums[group * wides + n] += wide(value + n * WIDE) * scores[group * most + at + token];
            }
    }

    // Out of planes, into the order of the head.
    void put_in_order(Floats *sums, const float *begun) {
        for (long group = 0; group < groups; group++, sums += wides) {
            const std::vector<Floats> planes(sums, sums + wides);
            for (long at = 0; at < dim; at++)
                ((float *)sums)[at] = ((const float *)planes.data())[place(at)] + begun[group];
        }
    }

public:
    Worker(const Step &step)
        : step(step), layer(step.layer), rows(step.rows), dim(layer.dim), groups(step.groups), size(layer.size),
          wides(dim / WIDE), bytes(dim / PER), most((std::max(CHUNK, size) + size + WIDE - 1) / WIDE * WIDE),
          queries(groups * wides), placed(queries), scaled(queries), codes(TURN * wides), steps(wides), lows(wides),
          scores(groups * most), begins(groups) {}

    void run(const Part &part, float *best, float *total, Floats *sums) {
        const long sealed = (part.last - part.first) * size;
        std::vector<float> begun(groups);
        take_queries(part);
        for (long at = part.first; at < part.last; at++) score_block(rows.blocks[at], part, (at - part.first) * size);
        score_tail(part, sealed);
        for (long group = 0; group < groups; group++) weigh(sealed + part.tail, group, best[group], total[group]);
        for (long at = part.first; at < part.last; at++)
            add_block(rows.blocks[at], part, (at - part.first) * size, sums, begun.data());
        put_in_order(sums, begun.data());
        add_tail(part, sealed, sums);
    }
};

