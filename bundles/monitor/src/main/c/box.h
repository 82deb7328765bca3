/* A program of the host that reads what strangers have packed, with nothing but its standard streams (PROTOCOL.md, "box"). */
#ifndef GANTRY_BOX_H
#define GANTRY_BOX_H

#include <stdbool.h>

/* The arguments behind "box": the program and its own. Returns only when it cannot be run. */
int box_main(int argc, char **argv);

/* The program, to be run by descriptor: -1 and errno for one that is no regular file, or that others than root can change. */
int box_open(const char *path);
/* Puts this process into the box and becomes the program, which is the only descriptor besides 0 to 2. Returns what could not be
 * done, with errno. */
const char *box_become(int program, char **argv);

#endif
