#include "log/leaf_json.h"

#include "base/hex.h"

static void set_text(json_t *json, const char *name, struct tobi_bytes text)
{
	if (text.size)
		json_object_set_new(json, name,
				    json_stringn((const char *)text.ptr, text.size));
}

static void set_hash(json_t *json, const char *name, struct tobi_bytes hash)
{
	char hex[2 * LOG_DIGEST_SIZE + 1];

	if (!hash.size)
		return;
	hex_write(hash, hex, sizeof(hex));
	json_object_set_new(json, name, json_string(hex));
}

/* {"passed": ["CODE", ...], ...} */
static json_t *checks_json(const struct log_leaf *leaf)
{
	json_t *json = json_object();

	for (size_t i = 0; i < leaf->check_count; i++) {
		const char *outcome = log_outcome_name(leaf->checks[i].outcome);
		struct tobi_bytes code = leaf->checks[i].code;
		json_t *list = json_object_get(json, outcome);

		if (!list) {
			list = json_array();
			json_object_set_new(json, outcome, list);
		}
		json_array_append_new(list,
				      json_stringn((const char *)code.ptr, code.size));
	}
	return json;
}

json_t *log_leaf_json(const struct log_leaf *leaf)
{
	json_t *json = json_object();

	json_object_set_new(json, "kind", json_string(log_kind_name(leaf->kind)));
	json_object_set_new(json, "time", json_integer((json_int_t)leaf->time));
	json_object_set_new(json, "accepted", json_boolean(leaf->accepted));
	set_text(json, "remote", leaf->remote);
	set_text(json, "channel", leaf->channel);
	set_text(json, "owner", leaf->principal);
	set_text(json, "resource", leaf->resource);
	if (leaf->version)
		json_object_set_new(json, "version",
				    json_integer((json_int_t)leaf->version));
	set_text(json, "action", leaf->action);
	set_text(json, "reason", leaf->reason);
	set_hash(json, "evidence", leaf->evidence);
	set_hash(json, "policy", leaf->policy);
	if (leaf->check_count)
		json_object_set_new(json, "checks", checks_json(leaf));
	return json;
}
