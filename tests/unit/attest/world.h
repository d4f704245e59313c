/* What the tests of attesters share: a request, what comes of it, and its end. */
#ifndef TESTS_UNIT_ATTEST_WORLD_H
#define TESTS_UNIT_ATTEST_WORLD_H

#include "tests/attest_stand_in.h"
#include "tests/bytes.h"
#include "tests/check.h"

struct world {
	struct stand_in machine;
	struct attest_request request;
	struct attest_output output;
	struct tobi_fault fault;
};

static inline void world_make(struct world *world, unsigned has)
{
	stand_in_make(&world->machine, has);
	world->request = stand_in_request(&world->machine);
	world->output = attest_output_init();
	world->fault = (struct tobi_fault){0};
}

static inline void world_done(struct world *world)
{
	/* Nothing stays behind, whatever happened. */
	assert_int_equal(world->machine.open_files, 0);
	assert_int_equal(world->machine.folders_made, world->machine.folders_removed);
	attest_output_done(&world->output);
	stand_in_done(&world->machine);
}

static inline enum tobi_err world_run(struct world *world, const char *name)
{
	const struct attester *attester = attester_named(name);

	assert_non_null(attester);
	return attester_run(attester, &world->request, &world->output, &world->fault);
}

/* It fails so, and its message has these words. */
static inline void world_fails(struct world *world, const char *name, enum tobi_err err,
			       const char *words)
{
	assert_int_equal(world_run(world, name), err);
	assert_int_equal(world->fault.code, err);
	if (!strstr(world->fault.message, words))
		fail_msg("'%s' is not in: %s", words, world->fault.message);
}

static inline const struct attest_piece *world_piece(const struct world *world,
						     const char *name)
{
	for (size_t i = 0; i < world->output.piece_count; i++) {
		if (strcmp(world->output.pieces[i].name, name) == 0)
			return &world->output.pieces[i];
	}
	return NULL;
}

#endif
