/* A scene and what dcap_examine() says of it, for the tests of this folder. */
#ifndef TESTS_UNIT_TEE_DCAP_WORLD_H
#define TESTS_UNIT_TEE_DCAP_WORLD_H

#include "pki/memo.h"
#include "tee/dcap.h"

#include "tests/bytes.h"
#include "tests/dcap_scene.h"

enum { CHECKS = 5 };

struct world {
	struct dcap_scene scene;
	struct tobi_collateral *set;
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	struct dcap_claims *dcap;
	struct tee_request request;
	struct writer quote, pem;
};

static inline int setup(void **state)
{
	static struct world world;

	world = (struct world){.set = tobi_collateral_new(),
			       .arena = arena_init(1 << 20),
			       .quote = wr_init(LIMIT_EVIDENCE),
			       .pem = wr_init(LIMIT_PEM)};
	world.list.arena = &world.arena;
	dcap_scene_make(&world.scene);
	world.request = (struct tee_request){
	    .time = DCAP_NOW, .pins = dcap_scene_pins(), .collateral = world.set};
	assert_non_null(world.set);
	*state = &world;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *world = *state;

	tobi_collateral_free(world->set);
	memo_free(world->request.memo);
	arena_done(&world->arena);
	wr_done(&world->quote);
	wr_done(&world->pem);
	return 0;
}

static inline void examine(struct world *world)
{
	static const struct check *const rows[] = {DCAP_CHECKS};
	struct dcap_quote quote;

	world->list = (struct checklist){.arena = world->list.arena};
	world->claims = (struct tee_claims){0};
	for (size_t i = 0; i < CHECKS; i++)
		check_owe(&world->list, rows[i]);
	assert_int_equal(dcap_quote_read(wr_view(&world->quote), "quote", &quote, NULL),
			 TOBI_OK);
	assert_int_equal(dcap_examine(&world->request, &quote, &world->list,
				      &world->claims, &world->dcap, NULL),
			 TOBI_OK);
}

static inline void make_and_examine(struct world *world)
{
	world->quote.size = 0;
	dcap_scene_quote(&world->scene, &world->quote);
	dcap_scene_put_crls(&world->scene, world->set);
	examine(world);
}

static inline enum tobi_outcome outcome(const struct world *world, const char *code)
{
	for (size_t i = 0; i < world->list.count; i++) {
		if (strcmp(world->list.records[i].check->code, code) == 0)
			return world->list.records[i].outcome;
	}
	return TOBI_NOT_RUN;
}

static inline const char *found(const struct world *world, const char *code)
{
	for (size_t i = 0; i < world->list.count; i++) {
		if (strcmp(world->list.records[i].check->code, code) == 0)
			return world->list.records[i].found;
	}
	return "";
}

static inline bool all_passed(const struct world *world)
{
	for (size_t i = 0; i < world->list.count; i++) {
		if (world->list.records[i].outcome != TOBI_PASSED)
			return false;
	}
	return world->list.count == CHECKS;
}

/* What cannot be asked any more once this has failed. */
static inline bool hides(const char *failed, const char *other)
{
	return strcmp(failed, "DCAP-PCK-CHAIN") == 0 &&
	       strcmp(other, "DCAP-PCK-REVOCATION") == 0;
}

static inline void expect_alone(const struct world *world, const char *code)
{
	for (size_t i = 0; i < world->list.count; i++) {
		const struct check_record *record = &world->list.records[i];
		const char *other = record->check->code;

		if (strcmp(other, code) == 0)
			assert_int_equal(record->outcome, TOBI_FAILED);
		else if (!hides(code, other))
			assert_int_equal(record->outcome, TOBI_PASSED);
		else
			assert_int_equal(record->outcome, TOBI_NOT_RUN);
	}
}

/* ---- what is wrong ---- */

struct failure {
	const char *code;
	void (*damage)(struct world *world);
};
#define FAILS(code, damage)                                                              \
	{                                                                                \
		code, damage                                                             \
	}

#define CERTIFICATE(role) (&world->scene.certificates[role])

/* Each damage alone: that check fails, and no other. */
static inline void expect_each(void **state, const struct failure *failures, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct world *world = *state;

		failures[i].damage(world);
		make_and_examine(world);
		expect_alone(world, failures[i].code);
		assert_int_equal(world->dcap->has_pck,
				 strcmp(failures[i].code, "DCAP-PCK-CHAIN") != 0);
		teardown(state);
		setup(state);
	}
}

static inline void other_root(struct world *world)
{
	world->request.pins.keys[0][0] ^= 1;
}

static inline void ca_revoked(struct world *world)
{
	world->scene.root_crl.revoked[1] = CERTIFICATE(DCAP_CA)->serial;
	world->scene.root_crl.revoked[0] = 5;
}

static inline void leaf_revoked(struct world *world)
{
	world->scene.pck_crl.revoked[2] = CERTIFICATE(DCAP_PCK)->serial;
}

#endif
