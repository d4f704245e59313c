/*
 * The attacks. Each is one function that tries one thing and says in one line what it
 * got, or why it did not. It knows nothing of walls: the same function is run against an
 * unprotected process and against an enclave, by suite.py.
 */
#ifndef TOBI_ATTACK_H
#define TOBI_ATTACK_H

enum outcome { WORKED = 0, REFUSED = 1, ABSENT = 77 };

struct attack {
	const char *name;
	enum outcome (*run)(char **arguments); /* ended by NULL */
};

/* Ended by a row without a name. */
extern const struct attack memory_attacks[], process_attacks[], kernel_attacks[],
    escape_attacks[], namespace_attacks[], socket_attacks[], neighbour_attacks[],
    hog_attacks[], victims[];

/* The attack's own line; each returns the outcome that it says. */
enum outcome worked(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum outcome refused(const char *step); /* with the name of errno */
enum outcome refused_because(const char *why);
enum outcome absent(const char *why); /* this kernel has not what is attacked */

/* An argument, or an end with a message when it is missing. */
const char *need(char **arguments, int index);
long number(const char *text);

/*
 * Runs a file of attacks, each line "LABEL NAME ARGUMENT...", each in a process of its
 * own, and prints "LABEL<TAB>outcome<TAB>text" for each. Arguments that are "{pid}"
 * become pid.
 */
int attack_batch(const char *path, const char *pid);
int attack_one(char **arguments); /* NAME ARGUMENT... */

#endif
