/* The little that C tests need: a check that says where it failed, and tests with names that are sentences. */
#ifndef GANTRY_CHECK_H
#define GANTRY_CHECK_H

#include <stdio.h>
#include <string.h>

extern int failures;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      failures++; \
      fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition); \
    } \
  } while (0)

#define CHECK_NUMBER(actual, expected) \
  do { \
    long long a_ = (long long)(actual), e_ = (long long)(expected); \
    if (a_ != e_) { \
      failures++; \
      fprintf(stderr, "%s:%d: %s: %s is %lld, not %lld\n", __FILE__, __LINE__, __func__, #actual, a_, e_); \
    } \
  } while (0)

#define CHECK_TEXT(actual, expected) \
  do { \
    const char *a_ = (actual), *e_ = (expected); \
    if (!a_ || strcmp(a_, e_) != 0) { \
      failures++; \
      fprintf(stderr, "%s:%d: %s: %s is\n  %s\nnot\n  %s\n", __FILE__, __LINE__, __func__, #actual, a_ ? a_ : "(null)", e_); \
    } \
  } while (0)

#endif
