/* What a program in a container tries. Each attempt is harmless where it succeeds: things are opened, not written. */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* What an attempt found; the text says more. */
enum outcome { REFUSED, REACHED, ABSENT };

struct probe {
  const char *name, *stands_for, *holds;
  enum outcome (*attempt)(char *text, size_t size);
  /* Does what a careless runtime would have done, for a probe that looks at the state it was started in. */
  void (*plant)(void);
};

extern const struct probe calls[], files[], states[];
extern const size_t calls_count, files_count, states_count;

enum outcome said(enum outcome outcome, char *text, size_t size, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Refused by permission or by absence of the call, absent if the kernel has not got it, else reached. */
enum outcome by_errno(long result, char *text, size_t size);

#endif
