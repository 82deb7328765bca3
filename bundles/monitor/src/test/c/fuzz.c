/* The libFuzzer target: make fuzz, then run it over a copy of src/test/corpus. */
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  replay_bytes(data, size);
  return 0;
}
