/* A small NVML: as many GPUs as NVML_STUB_GPUS says, each cut into two MIG instances (slots 0 and 2 of 3) under
 * NVML_STUB_MIG. A call answers with the code in the environment variable of its own name, 0 being success, so a
 * test breaks any call, at any time, by setting one. The structs are those of nvml.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { unsigned card, slot, instance; } Device;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } MemoryV2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version, sensor; int celsius; } Temperature;
typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } Process;

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
#define GIB (1ULL << 30)

static int opened; /* a driver that fails at the count is gone until NVML is opened again */
static Device cards[8], instances[8][3];

static int setting(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
}

#define ANSWER_AS_TOLD { int code = setting(__func__); if (code) return code; }
#define WHOLE_CARDS_ONLY { if (device->instance) return NOT_SUPPORTED; }

int nvmlInitWithFlags(unsigned flags) {
    ANSWER_AS_TOLD
    for (unsigned card = 0; card < 8; card++) {
        cards[card] = (Device){card, 0, 0};
        for (unsigned slot = 0; slot < 3; slot++) instances[card][slot] = (Device){card, slot, 1};
    }
    opened = 1;
    return SUCCESS;
}
int nvmlShutdown(void) { ANSWER_AS_TOLD opened = 0; return SUCCESS; }
const char *nvmlErrorString(int code) { return code == 77 ? "a code that nvidia-ml-py does not know" : "an error"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    int code = setting(__func__);
    if (code) opened = 0;
    if (!opened) return code ? code : UNINITIALIZED;
    *count = setting("NVML_STUB_GPUS");
    return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    ANSWER_AS_TOLD
    *device = &cards[index];
    return SUCCESS;
}
int nvmlDeviceGetUUID(Device *device, char *uuid, unsigned length) {
    ANSWER_AS_TOLD
    if (device->instance) snprintf(uuid, length, "MIG-%08x-0000-0000-0000-00000000000%u", device->card, device->slot);
    else snprintf(uuid, length, "GPU-%08x-1111-2222-3333-444444444444", device->card + 0xabc0);
    return SUCCESS;
}
int nvmlDeviceGetName(Device *device, char *name, unsigned length) {
    ANSWER_AS_TOLD
    snprintf(name, length, device->instance ? "Stub MIG 1g.10gb" : setting("NVML_STUB_LATIN1") ? "St\xfc" "b" : "Stub");
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(Device *device, Memory *memory) {
    ANSWER_AS_TOLD
    *memory = (Memory){80 * GIB, 69 * GIB, 11 * GIB};
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo_v2(Device *device, MemoryV2 *memory) {
    ANSWER_AS_TOLD
    if (memory->version != (sizeof *memory | 2u << 24)) return INVALID_ARGUMENT;
    *memory = device->instance ? (MemoryV2){memory->version, 10 * GIB, 0, 9 * GIB, 1 * GIB}
                               : (MemoryV2){memory->version, 80 * GIB, 1 * GIB, 69 * GIB, 10 * GIB};
    return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(Device *device, Utilization *rates) {
    ANSWER_AS_TOLD WHOLE_CARDS_ONLY
    *rates = (Utilization){91 + device->card, 47};
    return SUCCESS;
}
int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
    ANSWER_AS_TOLD WHOLE_CARDS_ONLY
    *milliwatts = 312500;
    return SUCCESS;
}
int nvmlDeviceGetTemperature(Device *device, unsigned sensor, unsigned *celsius) {
    ANSWER_AS_TOLD WHOLE_CARDS_ONLY
    *celsius = 60;
    return SUCCESS;
}
int nvmlDeviceGetTemperatureV(Device *device, Temperature *temperature) {
    ANSWER_AS_TOLD WHOLE_CARDS_ONLY
    temperature->celsius = 61;
    return SUCCESS;
}
int nvmlDeviceGetCurrentClocksEventReasons(Device *device, unsigned long long *reasons) {
    ANSWER_AS_TOLD WHOLE_CARDS_ONLY
    *reasons = setting("NVML_STUB_CLOCK_REASONS");
    return SUCCESS;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(Device *device, unsigned long long *reasons) {
    ANSWER_AS_TOLD WHOLE_CARDS_ONLY
    *reasons = setting("NVML_STUB_CLOCK_REASONS");
    return SUCCESS;
}
int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending) {
    ANSWER_AS_TOLD
    if (!getenv("NVML_STUB_MIG")) return NOT_SUPPORTED;
    *current = *pending = setting("NVML_STUB_MIG");
    return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count) {
    ANSWER_AS_TOLD
    *count = 3;
    return SUCCESS;
}
int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned slot, Device **instance) {
    ANSWER_AS_TOLD
    if (slot == 1) return NOT_FOUND;
    *instance = &instances[device->card][slot];
    return SUCCESS;
}
/* One process of known and one of unknown memory; none on a MIG instance. */
int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *processes) {
    ANSWER_AS_TOLD
    unsigned room = *count;
    *count = device->instance ? 0 : 2;
    if (room < *count) return INSUFFICIENT_SIZE;
    if (*count) {
        processes[0] = (Process){4711, 3 * GIB, ~0u, ~0u};
        processes[1] = (Process){4712, ~0ULL, ~0u, ~0u};
    }
    return SUCCESS;
}
