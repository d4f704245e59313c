#include "corim/reader.h"

#include "base/limits.h"

enum { MAP_MAX = 16 };

static const unsigned tag_ids = CORIM_MAY(CORIM_ID_TEXT) | CORIM_MAY(CORIM_ID_UUID);
static const unsigned elements = CORIM_MAY(CORIM_ID_OID) | CORIM_MAY(CORIM_ID_UUID) |
				 CORIM_MAY(CORIM_ID_UINT) | CORIM_MAY(CORIM_ID_TEXT);

static void read_identity(struct corim_reader *rd, struct corim_module *module)
{
	struct cbor_map map = cbor_map(&rd->cbor, 2, "tag-identity");
	int64_t key = 0;

	while (cbor_map_int(&rd->cbor, &map, &key, "tag-identity")) {
		if (key == 0)
			module->id = corim_read_id(rd, tag_ids, "tag-id");
		else if (key == 1)
			module->version = cbor_uint(&rd->cbor, "tag-version");
		else
			corim_fail(rd, TOBI_E_MALFORMED, "tag-identity");
	}
	cbor_require(&rd->cbor, module->id.kind != CORIM_ID_NONE, "tag-id");
}

static void *triple_list(struct corim_reader *rd, size_t size, const char *field,
			 size_t *ret_count)
{
	void *list = corim_list(rd, 1, size, field, ret_count);

	rd->triples += *ret_count;
	if (rd->triples > LIMIT_CORIM_TRIPLES)
		corim_fail(rd, TOBI_E_LIMIT, field);
	return list;
}

static void enter_pair(struct corim_reader *rd, const char *field)
{
	if (cbor_array(&rd->cbor, 2, field) != 2)
		corim_fail(rd, TOBI_E_MALFORMED, field);
}

static void read_triple(struct corim_reader *rd, const char *field,
			struct corim_triple *triple)
{
	enter_pair(rd, field);
	triple->environment = corim_read_environment(rd);
	triple->measurements = corim_read_measurements(rd, 1, field);
}

static struct corim_triples read_triples(struct corim_reader *rd, const char *field)
{
	size_t count;
	struct corim_triple *list = triple_list(rd, sizeof(*list), field, &count);

	for (size_t i = 0; i < count && !corim_failed(rd); i++)
		read_triple(rd, field, &list[i]);
	return (struct corim_triples){list, count};
}

static void read_key_conditions(struct corim_reader *rd, struct corim_key_triple *triple)
{
	struct cbor_map map = cbor_map(&rd->cbor, 2, "conditions");
	int64_t key = 0;

	while (cbor_map_int(&rd->cbor, &map, &key, "conditions")) {
		if (key == 0)
			triple->mkey = corim_read_id(rd, elements, "mkey");
		else if (key == 1)
			triple->authorities = corim_read_keys(rd, "authorized-by");
		else
			corim_fail(rd, TOBI_E_MALFORMED, "conditions");
	}
}

static const struct corim_key_triple *
read_key_triples(struct corim_reader *rd, const char *field, size_t *ret_count)
{
	struct corim_key_triple *list = triple_list(rd, sizeof(*list), field, ret_count);

	for (size_t i = 0; i < *ret_count && !corim_failed(rd); i++) {
		size_t size = cbor_array(&rd->cbor, 3, field);

		if (size < 2)
			corim_fail(rd, TOBI_E_MALFORMED, field);
		list[i].environment = corim_read_environment(rd);
		list[i].keys = corim_read_keys(rd, field);
		if (size == 3)
			read_key_conditions(rd, &list[i]);
	}
	return list;
}

static void read_conditionals(struct corim_reader *rd, struct corim_module *module)
{
	static const char field[] = "conditional endorsement";
	struct corim_conditional *list =
	    triple_list(rd, sizeof(*list), field, &module->conditional_count);

	for (size_t i = 0; i < module->conditional_count && !corim_failed(rd); i++) {
		enter_pair(rd, field);
		list[i].conditions = read_triples(rd, "condition");
		list[i].endorsements = read_triples(rd, "endorsement");
	}
	module->conditionals = list;
}

static void read_one_series(struct corim_reader *rd, struct corim_series *series)
{
	size_t size;
	struct corim_step *steps;

	enter_pair(rd, "series");
	size = cbor_array(&rd->cbor, 3, "series");
	if (size < 2)
		corim_fail(rd, TOBI_E_MALFORMED, "series");
	series->common.environment = corim_read_environment(rd);
	series->common.measurements = corim_read_measurements(rd, 0, "series");
	if (size == 3)
		series->authorities = corim_read_keys(rd, "authorized-by");
	steps = triple_list(rd, sizeof(*steps), "series", &series->step_count);
	for (size_t i = 0; i < series->step_count && !corim_failed(rd); i++) {
		enter_pair(rd, "series");
		steps[i].condition = corim_read_measurements(rd, 1, "selection");
		steps[i].addition = corim_read_measurements(rd, 1, "addition");
	}
	series->steps = steps;
}

static void read_series(struct corim_reader *rd, struct corim_module *module)
{
	struct corim_series *list =
	    triple_list(rd, sizeof(*list), "series", &module->series_count);

	for (size_t i = 0; i < module->series_count && !corim_failed(rd); i++)
		read_one_series(rd, &list[i]);
	module->series = list;
}

/* Triples that say nothing to compare here: how many. */
static size_t pass_triples(struct corim_reader *rd, const char *field)
{
	size_t count = cbor_array(&rd->cbor, LIMIT_CORIM_TRIPLES, field);

	for (size_t i = 0; i < count && !corim_failed(rd); i++)
		cbor_skip(&rd->cbor, field);
	return count;
}

static void read_kind(struct corim_reader *rd, int64_t key, struct corim_module *module)
{
	switch (key) {
	case 0:
		module->references = read_triples(rd, "reference value");
		return;
	case 1:
		module->endorsed = read_triples(rd, "endorsed value");
		return;
	case 2:
		module->identity_keys =
		    read_key_triples(rd, "identity key", &module->identity_key_count);
		return;
	case 3:
		module->attest_keys =
		    read_key_triples(rd, "attest key", &module->attest_key_count);
		return;
	case 4:
		module->dependency_count = pass_triples(rd, "dependency");
		return;
	case 5:
		module->membership_count = pass_triples(rd, "membership");
		return;
	case 6:
		module->coswid_count = pass_triples(rd, "CoSWID triple");
		return;
	case 8:
		read_series(rd, module);
		return;
	case 10:
		read_conditionals(rd, module);
		return;
	default:
		if (!module->has_unknown)
			module->unknown = key;
		module->has_unknown = true;
		cbor_skip(&rd->cbor, "triples");
	}
}

static void read_kinds(struct corim_reader *rd, struct corim_module *module)
{
	struct cbor_map map = cbor_map(&rd->cbor, MAP_MAX, "triples");
	int64_t key = 0;
	bool any = false;

	while (cbor_map_int(&rd->cbor, &map, &key, "triples")) {
		any = true;
		read_kind(rd, key, module);
	}
	cbor_require(&rd->cbor, any, "triples");
}

void corim_read_module(struct corim_reader *rd, struct corim_module *module)
{
	struct cbor_map map = cbor_map(&rd->cbor, MAP_MAX, "CoMID");
	int64_t key = 0;
	bool has_id = false, has_triples = false;

	while (cbor_map_int(&rd->cbor, &map, &key, "CoMID")) {
		switch (key) {
		case 0:
			module->language =
			    cbor_text(&rd->cbor, CORIM_TEXT_MAX, "language");
			break;
		case 1:
			has_id = true;
			read_identity(rd, module);
			break;
		case 2:
			module->entities = corim_read_entities(rd);
			break;
		case 3:
			module->linked_count = pass_triples(rd, "linked-tags");
			break;
		case 4:
			has_triples = true;
			read_kinds(rd, module);
			break;
		default:
			cbor_skip(&rd->cbor, "CoMID");
		}
	}
	cbor_require(&rd->cbor, has_id, "tag-identity");
	cbor_require(&rd->cbor, has_triples, "triples");
}
