/* What is left to a process that reads what strangers send. */
#ifndef GANTRY_CONFINE_H
#define GANTRY_CONFINE_H

/* The net helper gives up all that it does not need from here on: -1 and errno. */
int confine(void);

/* Takes away what a program could gain capabilities from; needs CAP_SETPCAP, and does what it can without. */
void drop_bounding(void);
/* Gives up the capabilities that the process has: -1 and errno. */
int drop_capabilities(void);

#endif
