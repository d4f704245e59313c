#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "appraise/explain.h"
#include "appraise/trust.h"
#include "base/fault.h"
#include "base/utf8.h"

static void drop(json_t **json)
{
	json_decref(*json);
}

static json_t *text_of(const char *text)
{
	struct writer escaped = wr_init(LIMIT_EXPLANATION);
	json_t *json = NULL;

	utf8_write_escaped(&escaped,
			   (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	if (!wr_err(&escaped))
		json = json_stringn(escaped.size ? (const char *)escaped.ptr : "",
				    escaped.size);
	wr_done(&escaped);
	return json;
}

static json_t *line_of(const struct tobi_trust_line *line)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[]}", "kind",
			 trust_kind_name(line->kind), "name", text_of(line->name),
			 "value", text_of(line->value), "source", text_of(line->source),
			 "means", text_of(line->does), "if-bad", text_of(line->bad),
			 "smaller", text_of(line->smaller), "party", text_of(line->party),
			 "inside");
}

/* lists[depth] is where a line of that depth goes. */
static bool put_lines(const struct tobi_trust *trust, json_t *top)
{
	json_t *lists[TRUST_DEPTH_MAX + 1] = {top};

	for (size_t i = 0; i < trust->count; i++) {
		const struct tobi_trust_line *line = &trust->lines[i];
		json_t *json = line_of(line);

		if (!json || json_array_append_new(lists[line->depth], json))
			return false;
		lists[line->depth + 1] = json_object_get(json, "inside");
	}
	return true;
}

enum tobi_err trust_write_json(const struct tobi_trust *trust, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(drop) json_t *all = NULL;
	json_t *lines = json_array(), *parties = json_array();
	bool good = lines && parties;
	char *text;

	for (size_t i = 0; i < trust->party_count && good; i++)
		good = json_array_append_new(parties, text_of(trust->parties[i])) == 0;
	good = good && put_lines(trust, lines);
	all = json_pack("{s:o, s:o, s:o}", "policy", text_of(trust->policy_name),
			"each-alone", parties, "trusts", lines);
	text = good && all ? json_dumps(all, JSON_INDENT(2)) : NULL;
	if (!text)
		return fault_set(fault, TOBI_E_MEMORY, "trust", "", "out of memory");
	wr_printf(out, "%s\n", text);
	free(text);
	return TOBI_OK;
}
