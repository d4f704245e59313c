#include "broker/admin_input.h"

#include <string.h>

#include "base/fault.h"
#include "codec/base64.h"
#include "codec/json.h"

void admin_input_done(struct admin_input *input)
{
	/* The parser's copies are wiped where json_wipe_memory() was called. */
	json_decref(input->body);
	wr_done(&input->value);
	for (size_t i = 0; i < LIMIT_CORIM_DOCUMENTS; i++)
		wr_done(&input->contents[i]);
}

static struct tobi_bytes bytes_of_json(const json_t *text)
{
	return (struct tobi_bytes){(const uint8_t *)json_string_value(text),
				   json_string_length(text)};
}

enum tobi_err admin_input_value(struct admin_input *input,
				struct resource_value *ret_value,
				struct tobi_fault *fault)
{
	struct resource_value value = {0};
	enum tobi_err err;

	input->value = wr_init(LIMIT_SECRET);
	err = base64_read(bytes_of_json(json_object_get(input->body, "value")), "value",
			  &input->value, fault);
	if (!err)
		err = admin_number(input->body, "expires", 0, &value.expires, fault);
	if (!err)
		err = admin_number(input->body, "releases", RESOURCE_ANY_RELEASES,
				   &value.releases, fault);
	if (err)
		return err;
	value.plain = wr_view(&input->value);
	*ret_value = value;
	return TOBI_OK;
}

static enum tobi_err take_file(struct admin_input *input, size_t at, json_t *file,
			       struct tobi_fault *fault)
{
	struct writer *content = &input->contents[at];
	enum tobi_err err = TOBI_OK;

	if (json_object_size(file) != 2 ||
	    !json_is_string(json_object_get(file, "name")) ||
	    !json_is_string(json_object_get(file, "content")))
		err = fault_set(fault, TOBI_E_MALFORMED, "request", "files",
				"each has a name and a content, and nothing else");
	if (!err)
		err = admin_text(file, "name", &input->files[at].name, fault);
	*content = wr_init(LIMIT_CORIM);
	if (!err)
		err = base64_read(bytes_of_json(json_object_get(file, "content")),
				  "content", content, fault);
	input->files[at].content = wr_view(content);
	return err;
}

enum tobi_err admin_input_policy(struct admin_input *input, const char *scope,
				 struct tobi_fault *fault)
{
	const json_t *text = json_object_get(input->body, "policy");
	const json_t *files = json_object_get(input->body, "files");
	size_t count = json_array_size(files);
	enum tobi_err err = TOBI_OK;

	if (files && !text)
		return fault_set(fault, TOBI_E_MALFORMED, "request", "files",
				 "there is no policy that names them");
	if (text && json_string_length(text) == 0)
		return fault_set(fault, TOBI_E_MALFORMED, "request", "policy",
				 "it is empty");
	if (count > LIMIT_CORIM_DOCUMENTS)
		return fault_set(fault, TOBI_E_LIMIT, "request", "files", "over %d",
				 LIMIT_CORIM_DOCUMENTS);
	for (size_t i = 0; i < count && !err; i++)
		err = take_file(input, i, json_array_get(files, i), fault);
	input->policy =
	    (struct policy_source){scope, bytes_of_json(text), input->files, count};
	return err;
}
