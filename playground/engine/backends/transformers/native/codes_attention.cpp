// Attention of each row's newest queries over keys and values as a quantized cache stores them: codes of sealed blocks,
// then the tail that is not full. Nothing is unpacked into memory. Each row is computed in one order, whatever other
// rows there are.

#include "codes_worker.h"

// Parts of every row and head, side by side, the last one with the tail.
static std::vector<Part> parts_of(const Step &step) {
    const Rows &rows = step.rows;
    const long chunk = std::max(1l, CHUNK / step.layer.size);
    std::vector<Part> parts;
    for (long row = 0; row < rows.count; row++)
        for (long head = 0; head < step.layer.heads; head++) {
            long first = rows.begins[row];
            const long end = rows.begins[row + 1];
            for (; end - first > chunk; first += chunk) parts.push_back({row, head, first, first + chunk, 0});
            parts.push_back({row, head, first, end, rows.opens[row]});
        }
    return parts;
}

// The parts from `first` on, before `last`, which are of one row and head, as one: written out, query by query.
template <class State>
static void merge(const Step &step, const Found &found, const Part &part, long first, long last) {
    const long dim = step.layer.dim, groups = step.groups, wides = dim / WIDE;
    State *out = (State *)step.out + (part.row * step.layer.heads + part.head) * groups * dim;
    for (long group = 0; group < groups; group++, out += dim) {
        float best = -INFINITY, total = 0;
        for (long at = first; at < last; at++) best = std::max(best, found.best[at * groups + group]);
        std::vector<Floats> sums(wides);
        for (long at = first; at < last; at++) {
            const float share = std::exp(found.best[at * groups + group] - best);
            total += share * found.total[at * groups + group];
            for (long n = 0; n < wides; n++) sums[n] += found.sums[(at * groups + group) * wides + n] * share;
        }
        for (long n = 0; n < wides; n++) store(sums[n] / total, out + n * WIDE);
    }
}

template <Kind KIND, class State> static void run(const Step &step, int threads) {
    const std::vector<Part> parts = parts_of(step);
    const long count = parts.size(), groups = step.groups, wides = step.layer.dim / WIDE;
    Found found{std::vector<float>(count * groups), std::vector<float>(count * groups),
                std::vector<Floats>(count * groups * wides)};
#pragma omp parallel num_threads(threads)
    {
        Worker<KIND, State> worker(step);
#pragma omp for schedule(dynamic)
        for (long at = 0; at < count; at++) {
            const long own = at * groups;
            worker.run(parts[at], &found.best[own], &found.total[own], &found.sums[own * wides]);
        }
    }
    for (long first = 0, last = 1; last <= count; last++)
        if (parts[last - 1].last == step.rows.begins[parts[last - 1].row + 1]) {
            merge<State>(step, found, parts[first], first, last);
            first = last;
        }
}

// queries, out: [rows, heads * groups, dim], where `groups` are some heads' newest tokens each; in float32, or where
// `brain` in bfloat16, as the tails are.
extern "C" void attend(const Layer *layer, const Rows *rows, const void *queries, void *out, long groups, long newest,
                       float scale, int kind, bool brain, int threads) {
    using Run = void (*)(const Step &, int);
    static constexpr Run runs[][2] = {{run<FP8, float>, run<FP8, Brain>},
                                      {run<INT8, float>, run<INT8, Brain>},
                                      {run<INT4, float>, run<INT4, Brain>},
                                      {run<INT2, float>, run<INT2, Brain>}};
    runs[kind][brain]({*layer, *rows, queries, out, groups, newest, scale}, threads);
}
