#include "codec/yaml.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/utf8.h"

/* libcyaml tells what is wrong through a log callback only. */
struct log {
	char text[256];
};

static void keep_first(cyaml_log_t level, void *context, const char *format, va_list args)
{
	struct log *log = context;
	char line[256];
	const char *start = line;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	if (strncmp(start, "Load: ", 6) == 0)
		start += 6;
	if (strncmp(start, "Backtrace", 9) == 0)
		return;
	if (log->text[0] && strncmp(start, "  in ", 5) != 0)
		return;
	/* The first message, then the places that the backtrace names. */
	if (strlen(log->text) + strlen(start) + 3 < sizeof(log->text)) {
		size_t used = strlen(log->text);

		snprintf(log->text + used, sizeof(log->text) - used, "%s%s",
			 used ? "; " : "", start + strspn(start, " "));
	}
}

/* libcyaml reads the first document of a file and says nothing of others, whose rules a
 * reader of the file would believe in. Markers stand at the start of a line. */
static enum tobi_err check_one_document(struct tobi_bytes yaml, const char *name,
					struct tobi_fault *fault)
{
	bool content = false;

	for (size_t at = 0; at < yaml.size;) {
		const uint8_t *line = yaml.ptr + at;
		const uint8_t *end = memchr(line, '\n', yaml.size - at);
		size_t size = end ? (size_t)(end - line) : yaml.size - at;
		bool ends = size == 3 || (size > 3 && strchr(" \t\r", line[3]));
		bool start = size >= 3 && ends && memcmp(line, "---", 3) == 0;
		bool stop = size >= 3 && ends && memcmp(line, "...", 3) == 0;

		if (stop || (start && content))
			return fault_at(fault, TOBI_E_MALFORMED, name, "", at,
					"one document is allowed in the file, without a "
					"second --- or ...");
		content |= start || (size > 0 && line[0] != '#');
		at += size + 1;
	}
	return TOBI_OK;
}

/* What YAML takes for a line's end, or for a byte order, beside LF and CR LF. */
static bool has_odd_break(struct tobi_bytes line)
{
	static const char *const odd[] = {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (line.size && memmem(line.ptr, line.size, odd[i], strlen(odd[i])))
			return true;
	}
	return false;
}

/* A person must see what the parser sees: UTF-8 without control characters, lines that
 * end as everywhere, and no escapes (for which nobody has a need here). */
static const char *wrong_in_line(struct tobi_bytes line)
{
	size_t indent = 0;

	while (indent < line.size && line.ptr[indent] == ' ')
		indent++;
	if (!utf8_is_text(line) || has_odd_break(line))
		return "a character that is not plain text";
	if (indent < line.size && line.ptr[indent] == '#')
		return NULL;
	return line.size && memchr(line.ptr, '\\', line.size)
		   ? "a backslash: escapes are not allowed"
		   : NULL;
}

static enum tobi_err check_text(struct tobi_bytes yaml, const char *name,
				struct tobi_fault *fault)
{
	unsigned number = 1;

	for (size_t at = 0; at < yaml.size; number++) {
		const uint8_t *end = memchr(yaml.ptr + at, '\n', yaml.size - at);
		size_t size = end ? (size_t)(end - yaml.ptr) - at : yaml.size - at;
		struct tobi_bytes line = {yaml.ptr + at, size};
		const char *wrong;

		if (end && size && line.ptr[size - 1] == '\r')
			line.size--;
		wrong = wrong_in_line(line);
		if (wrong)
			return fault_at(fault, TOBI_E_MALFORMED, name, "", at,
					"line %u has %s", number, wrong);
		at += size + 1;
	}
	return TOBI_OK;
}

enum tobi_err yaml_read(struct tobi_bytes yaml, size_t ceiling, const char *name,
			const struct cyaml_schema_value *schema, void **ret_data,
			struct tobi_fault *fault)
{
	struct log log = {""};
	cyaml_config_t config = {.log_ctx = &log,
				 .log_fn = keep_first,
				 .log_level = CYAML_LOG_ERROR,
				 .mem_fn = cyaml_mem,
				 .flags = CYAML_CFG_NO_ALIAS};
	cyaml_err_t failed;
	enum tobi_err err;

	if (yaml.size > ceiling)
		return fault_set(fault, TOBI_E_LIMIT, name, "", "over %zu bytes",
				 ceiling);
	if (yaml.size == 0)
		return fault_set(fault, TOBI_E_TRUNCATED, name, "", "the file is empty");
	err = check_text(yaml, name, fault);
	if (!err)
		err = check_one_document(yaml, name, fault);
	if (err)
		return err;
	failed = cyaml_load_data(yaml.ptr, yaml.size, &config, schema, ret_data, NULL);
	if (failed) {
		/* It quotes the file. */
		const char *text = log.text[0] ? log.text : cyaml_strerror(failed);
		CLEANUP(wr_done) struct writer shown = wr_init(4 * sizeof(log.text) + 1);

		utf8_write_escaped(
		    &shown, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
		return fault_set(
		    fault, failed == CYAML_ERR_OOM ? TOBI_E_MEMORY : TOBI_E_MALFORMED,
		    name, "", "%.*s", (int)shown.size, (const char *)shown.ptr);
	}
	/* Nothing but blank lines and comments is no failure to libcyaml. */
	if (!*ret_data)
		return fault_set(fault, TOBI_E_TRUNCATED, name, "", "the file is empty");
	return TOBI_OK;
}

void yaml_done(const struct cyaml_schema_value *schema, void *data)
{
	const cyaml_config_t config = {.mem_fn = cyaml_mem};

	if (data)
		cyaml_free(&config, schema, data, 0);
}
