/* What the allocation torture runs: things that Tobichi does, each good and each bad. */
#ifndef TESTS_TORTURE_ALLOC_H
#define TESTS_TORTURE_ALLOC_H

#include <stdbool.h>

enum ending {
	FAILED,	  /* with an error */
	REFUSED,  /* it came to an end, and said no */
	ACCEPTED, /* it came to an end, and said yes */
};

struct scenario {
	const char *name;
	/* How it ends when nothing fails. With an allocation that fails it may also end
	 * with an error, or refuse; but what is refused is never accepted. */
	enum ending ending;
	void *(*prepare)(void);
	enum ending (*run)(void *context);
	void (*done)(void *context);
};

/* NULL-terminated by name. */
extern const struct scenario alloc_appraise[], alloc_image[], alloc_quote[],
    alloc_ratls[], alloc_session[];

#endif
