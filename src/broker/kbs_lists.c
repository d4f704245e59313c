#include "broker/kbs_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define ESCAPED "\\u0001"

enum {
	MARK_ROOM = 16,	    /* with quotes; no list is shorter than its mark */
	EVIDENCE_DEPTH = 1, /* where the name tee-evidence stands */
	PRIMARY_DEPTH = 2,  /* and primary_evidence */
};

struct scan {
	const uint8_t *at, *end, *copied; /* up to where the text is in out */
	uint8_t *out, *bytes;
	struct kbs_lists *lists;
	unsigned depth;
	bool in_evidence, in_primary;
	struct tobi_bytes last; /* string at the depths of the two names */
};

/* ---- one list ---- */

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/* A byte as JSON writes numbers: no sign, no leading zero. NULL for anything else. */
static const uint8_t *read_byte(const uint8_t *at, const uint8_t *end, uint8_t *ret_byte)
{
	const uint8_t *start = at;
	unsigned value = 0;

	while (at < end && at - start < 3 && *at >= '0' && *at <= '9')
		value = 10 * value + (*at++ - '0');
	if (at == start || value > UINT8_MAX || (*start == '0' && at - start > 1))
		return NULL;
	*ret_byte = (uint8_t)value;
	return at;
}

/* Behind its bracket; where it ends, or NULL when it is no list of bytes. */
static const uint8_t *read_list(const uint8_t *at, const uint8_t *end, uint8_t *bytes,
				size_t *ret_size)
{
	size_t size = 0;

	while (true) {
		at = read_byte(skip_blanks(at, end), end, &bytes[size]);
		if (!at)
			return NULL;
		size++;
		at = skip_blanks(at, end);
		if (at == end || (*at != ',' && *at != ']'))
			return NULL;
		if (*at++ == ']')
			break;
	}
	*ret_size = size;
	return at;
}

/* ---- the text around ---- */

static void copy_until(struct scan *scan, const uint8_t *until)
{
	size_t size = (size_t)(until - scan->copied);

	bytes_copy(scan->out, size, scan->copied, size);
	scan->out += size;
}

/* At a bracket, below the primary evidence. */
static bool take_list(struct scan *scan)
{
	struct kbs_lists *lists = scan->lists;
	const uint8_t *behind;
	char mark[MARK_ROOM];
	size_t size = 0, length;

	if (lists->count == KBS_LISTS_MAX)
		return false;
	behind = read_list(scan->at + 1, scan->end, scan->bytes, &size);
	if (!behind || size < KBS_LIST_MIN)
		return false;
	length = (size_t)snprintf(mark, sizeof(mark), "\"" ESCAPED "%zu\"", lists->count);
	copy_until(scan, scan->at);
	bytes_copy(scan->out, MARK_ROOM, mark, length);
	scan->out += length;
	lists->lists[lists->count++] = (struct tobi_bytes){scan->bytes, size};
	scan->bytes += size;
	scan->at = scan->copied = behind;
	return true;
}

/* Behind its closing quote. */
static void pass_string(struct scan *scan)
{
	const uint8_t *start = ++scan->at;

	while (scan->at < scan->end && *scan->at != '"')
		scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
	if (scan->depth <= PRIMARY_DEPTH)
		scan->last = (struct tobi_bytes){start, (size_t)(scan->at - start)};
	scan->at += scan->at < scan->end;
}

static void open_one(struct scan *scan, bool object)
{
	if (scan->depth == EVIDENCE_DEPTH)
		scan->in_evidence =
		    object && bytes_equal_text(scan->last, "tee-evidence");
	else if (scan->depth == PRIMARY_DEPTH)
		scan->in_primary = object && scan->in_evidence &&
				   bytes_equal_text(scan->last, "primary_evidence");
	scan->depth++;
	scan->at++;
}

static void close_one(struct scan *scan)
{
	scan->depth -= scan->depth > 0;
	scan->at++;
}

static void pass(struct scan *scan)
{
	switch (*scan->at) {
	case '"':
		pass_string(scan);
		return;
	case '[':
		if (scan->depth <= PRIMARY_DEPTH || !scan->in_primary || !take_list(scan))
			open_one(scan, false);
		return;
	case '{':
		open_one(scan, true);
		return;
	case ']':
	case '}':
		close_one(scan);
		return;
	default:
		scan->at++;
		return;
	}
}

enum tobi_err kbs_lists_take(struct tobi_bytes text, struct arena *arena,
			     struct kbs_lists *ret_lists, struct tobi_bytes *ret_text)
{
	uint8_t *out, *bytes;
	struct scan scan;

	ret_lists->count = 0;
	*ret_text = text;
	if (!text.size || memmem(text.ptr, text.size, ESCAPED, strlen(ESCAPED)))
		return TOBI_OK;
	out = arena_alloc(arena, text.size);
	/* A number has two characters, with what is behind it; and one is tried. */
	bytes = arena_alloc(arena, text.size / 2 + 1);
	if (!out || !bytes)
		return TOBI_E_MEMORY;
	scan = (struct scan){.at = text.ptr,
			     .end = text.ptr + text.size,
			     .copied = text.ptr,
			     .out = out,
			     .bytes = bytes,
			     .lists = ret_lists};
	while (scan.at < scan.end)
		pass(&scan);
	copy_until(&scan, scan.end);
	*ret_text = (struct tobi_bytes){out, (size_t)(scan.out - out)};
	return TOBI_OK;
}

const struct tobi_bytes *kbs_lists_find(const struct kbs_lists *lists,
					const json_t *value)
{
	const char *mark = json_string_value(value);
	unsigned long which;

	if (!lists || !mark || mark[0] != '\1')
		return NULL;
	which = strtoul(mark + 1, NULL, 10);
	return which < lists->count ? &lists->lists[which] : NULL;
}
