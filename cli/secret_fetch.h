/* tobichi secret fetch: not an owner's, but a machine's that a secret is meant for. */
#ifndef CLI_SECRET_FETCH_H
#define CLI_SECRET_FETCH_H

/* From its own name on. The exit status: EXIT_REFUSED when the broker does not give it,
 * or is not the one that is meant. */
int secret_fetch(int argc, char **argv);

#endif
