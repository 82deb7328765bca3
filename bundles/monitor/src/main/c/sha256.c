#include "sha256.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sys.h"

/* FIPS 180-4. */
static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

static void schedule(uint32_t w[64], const uint8_t *block) {
  for (unsigned i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (unsigned i = 16; i < 64; i++) {
    uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
}

static void compress(uint32_t h[8], const uint8_t *block) {
  uint32_t w[64], v[8];
  schedule(w, block);
  memcpy(v, h, sizeof v);
  for (unsigned i = 0; i < 64; i++) {
    uint32_t s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t t1 = v[7] + s1 + choice + rounds[i] + w[i];
    uint32_t s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + s0 + majority;
  }
  for (unsigned i = 0; i < 8; i++) h[i] += v[i];
}

/* The last blocks: a one bit, zeros, the length in bits. */
static void finish(uint32_t h[8], uint8_t tail[128], size_t used, uint64_t total) {
  tail[used++] = 0x80;
  size_t end = used <= 56 ? 64 : 128;
  memset(tail + used, 0, end - used);
  for (unsigned i = 0; i < 8; i++) tail[end - 1 - i] = (uint8_t)(total * 8 >> 8 * i);
  for (size_t at = 0; at < end; at += 64) compress(h, tail + at);
}

int sha256_file(int fd, char hex[65]) {
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t chunk[4096 + 64];
  uint64_t total = 0;
  ssize_t n;
  while ((n = read_all(fd, chunk, 4096)) == 4096) {
    for (unsigned at = 0; at < 4096; at += 64) compress(h, chunk + at);
    total += 4096;
  }
  if (n < 0) return -1;
  size_t at = 0;
  for (; at + 64 <= (size_t)n; at += 64) compress(h, chunk + at);
  uint8_t tail[128];
  memcpy(tail, chunk + at, (size_t)n - at);
  finish(h, tail, (size_t)n - at, total + (uint64_t)n);
  for (unsigned i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", h[i]);
  return 0;
}
