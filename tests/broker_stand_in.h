/* What stands for log and keyring in tests of what uses them: they can be told to fail,
 * and the log to show what was written. */
#ifndef TESTS_BROKER_STAND_IN_H
#define TESTS_BROKER_STAND_IN_H

#include <stdbool.h>

#include "broker/decision.h"

enum { NOTES_MAX = 256 };

struct note {
	enum decision_kind kind;
	bool accepted, has_result, has_policy;
	char principal[80], resource[400], action[40], reason[600];
	uint64_t version;
};

struct broker_stand_in {
	struct note notes[NOTES_MAX];
	size_t count;
	bool log_fails, seal_fails, open_fails;
	size_t opened; /* secrets that were opened */
	/* Called when a decision is written, before it counts; or NULL. */
	void (*on_append)(const struct decision *decision);
};
extern struct broker_stand_in stand_in;

void stand_in_reset(void);
/* The newest. */
const struct note *last_note(void);

#endif
