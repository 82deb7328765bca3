/* SHA-256, so that a helper can say which binary it is. */
#ifndef GANTRY_SHA256_H
#define GANTRY_SHA256_H

/* Hashes what is left of the file; 64 hex digits and a NUL. */
int sha256_file(int fd, char hex[65]);

#endif
