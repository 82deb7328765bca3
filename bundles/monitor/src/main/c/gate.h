/* The gate: holds the API socket and the pidfile, and keeps a JVM behind them (PROTOCOL.md, "gate"). */
#ifndef GANTRY_GATE_H
#define GANTRY_GATE_H

/* The arguments behind "gate"; returns the exit code. */
int gate_main(int argc, char **argv);

#endif
