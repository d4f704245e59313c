/*
 * A request to a broker's administration, before it reaches the database: the query on
 * the first line, a name on the second, the body behind them. A name that is read is
 * written as it was; a value and a policy's files are within their limits.
 */
#include <string.h>

#include "base/limits.h"
#include "broker/admin_input.h"
#include "fuzz/fuzz.h"

enum { LINE_MAX_SIZE = 1024 };

/* Up to the line's end; without zero bytes, as the server gives it. */
static void take_line(struct tobi_bytes *input, char out[static LINE_MAX_SIZE])
{
	size_t size = 0;

	while (size < input->size && input->ptr[size] != '\n')
		size++;
	for (size_t i = 0; i < size && i < LINE_MAX_SIZE - 1; i++)
		out[i] = input->ptr[i] ? (char)input->ptr[i] : ' ';
	out[size < LINE_MAX_SIZE ? size : LINE_MAX_SIZE - 1] = 0;
	size += size < input->size;
	input->ptr += size;
	input->size -= size;
}

static bool read_query(const struct admin_call *call)
{
	static const char *const names[] = {"after", "secrets", NULL};
	char value[ADMIN_VALUE_SIZE];

	if (admin_query(call, names, "after", value, NULL))
		return false;
	must(strlen(value) < sizeof(value) && !strpbrk(value, "%&= \"'<>"));
	return true;
}

static bool read_name(const char *text)
{
	char again[RESOURCE_NAME_SIZE];
	struct resource_name name;

	if (resource_scope_read(text, &name, NULL))
		return false;
	resource_name_write(&name, again);
	must(strcmp(again, text) == 0);
	must((resource_name_read(text, &name, NULL) == TOBI_OK) == (name.tag[0] != 0));
	return true;
}

static bool read_body(const struct admin_call *call)
{
	static const struct admin_field fields[] = {
	    {"value", JSON_STRING, true},      {"expires", JSON_INTEGER, false},
	    {"releases", JSON_INTEGER, false}, {"policy", JSON_STRING, false},
	    {"files", JSON_ARRAY, false},      {NULL, JSON_NULL, false}};
	struct admin_input input = {0};
	struct resource_value value = {0};
	bool good = !admin_body(call, fields, &input.body, NULL) &&
		    !admin_input_value(&input, &value, NULL) &&
		    !admin_input_policy(&input, "a/b/c", NULL);

	if (good) {
		must(value.plain.size <= LIMIT_SECRET);
		must(value.expires >= 0 && value.releases >= RESOURCE_ANY_RELEASES);
		must(input.policy.file_count <= LIMIT_CORIM_DOCUMENTS);
		for (size_t i = 0; i < input.policy.file_count; i++)
			must(input.policy.files[i].name &&
			     input.policy.files[i].content.size <= LIMIT_CORIM);
	}
	admin_input_done(&input);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	char query[LINE_MAX_SIZE], name[LINE_MAX_SIZE];
	struct broker_request request = {.query = query, .path = "/"};
	const struct admin_call call = {.request = &request};
	bool good;

	take_line(&input, query);
	take_line(&input, name);
	request.body = input;
	good = read_query(&call);
	good = read_name(name) && good;
	return read_body(&call) && good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const good[] = {
	    "\na/b/c\n{\"value\":\"YQ==\"}",
	    "after=a/b/c\nrepo/type\n{\"value\":\"YWI=\",\"expires\":1900000000,"
	    "\"releases\":3}",
	    "secrets=delete\nrepo\n{\"value\":\"YWJj\",\"policy\":\"version: 1\\n\","
	    "\"files\":[{\"name\":\"web.corim\",\"content\":\"AAEC\"}]}"};
	static const char *const bad[] = {"after=%2e\n../a\n{\"value\":\"YQ\"}",
					  "x\na//b\n{\"value\":\"YQ==\",\"files\":[]}",
					  "after=a&after=b\n.a/b/c\n{\"value\":1}"};

	if (number < 3)
		wr_printf(out, "%s", good[number]);
	else if (number < 6)
		wr_printf(out, "%s", bad[number - 3]);
	return number < 3 ? FUZZ_GOOD : number < 6 ? FUZZ_BAD : FUZZ_NO_SEED;
}
