/*
 * Every allocation made to fail in turn, in what Tobichi does with bytes from outside: no
 * crash, no leak, and nothing is accepted that is refused when memory is plenty.
 *
 * Usage: alloc [EVERY [NAME]]    EVERY: 1 (the default) for each allocation, 7 for each
 * seventh; NAME: only what has it in its name
 */
#include "tests/torture/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tests/torture/failing.h"

static const struct scenario *const groups[] = {alloc_appraise, alloc_image, alloc_quote,
						alloc_ratls, alloc_session};
static unsigned wrong;

static void complain(const struct scenario *scenario, unsigned long number,
		     const char *what)
{
	printf("FAILED: %s, allocation %lu: %s\n", scenario->name, number, what);
	fflush(stdout);
	wrong++;
}

static enum ending run_once(const struct scenario *scenario, void *context,
			    unsigned long number, unsigned long *ret_count)
{
	enum ending ending;

	failing_start(number);
	ending = scenario->run(context);
	*ret_count = failing_stop();
	ERR_clear_error();
	return ending;
}

/* judges: the first walk fills what libraries keep for later, so it cannot tell leaks. */
static unsigned long walk(const struct scenario *scenario, void *context,
			  unsigned long step, bool judges)
{
	unsigned long number = 1, count, refusals = 0;

	for (;; number += step) {
		long before = failing_live(), after;
		enum ending ending = run_once(scenario, context, number, &count);

		if (!failing_happened())
			break;
		after = failing_live();
		if (ending == ACCEPTED && scenario->ending != ACCEPTED)
			complain(scenario, number, "it was accepted");
		refusals += ending != ACCEPTED;
		if (!judges || after == before)
			continue;
		/* Once more: what a library keeps from its first failure is no leak. */
		before = failing_live();
		run_once(scenario, context, number, &count);
		if (failing_live() > before)
			complain(scenario, number, "it leaks");
	}
	if (judges)
		printf("%s: %lu allocations, each %lu. one failed; %lu refusals and "
		       "errors\n",
		       scenario->name, count, step, refusals);
	fflush(stdout);
	return count;
}

static void torture(const struct scenario *scenario, unsigned long step)
{
	void *context = scenario->prepare();
	unsigned long count;

	/* The first run makes what libraries make once. */
	for (int i = 0; i < 2; i++) {
		if (run_once(scenario, context, 0, &count) != scenario->ending)
			complain(scenario, 0, "it ends in another way than it should");
	}
	walk(scenario, context, step, false);
	walk(scenario, context, step, true);
	if (run_once(scenario, context, 0, &count) != scenario->ending)
		complain(scenario, 0, "it is no longer as it was");
	scenario->done(context);
}

int main(int argc, char **argv)
{
	unsigned long step = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;

	failing_spare_libevent();
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		for (const struct scenario *s = groups[i]; s->name; s++) {
			if (argc < 3 || strstr(s->name, argv[2]))
				torture(s, step ? step : 1);
		}
	}
	printf("%u wrong\n", wrong);
	return wrong ? 1 : 0;
}
