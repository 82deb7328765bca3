/* The decoders run over bytes from anywhere: the fuzz targets' one entry, and the replay of their corpus. */
#ifndef GANTRY_REPLAY_H
#define GANTRY_REPLAY_H

#include <stddef.h>
#include <stdint.h>

/* The first byte picks the decoder: w wire, o op program, u users, j json spool, d name
 * look-up, t table of the net helper. */
void replay_bytes(const uint8_t *data, size_t size);
int replay_main(int count, char **files);

#endif
