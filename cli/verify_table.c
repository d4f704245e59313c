#include <string.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "cli/verify_many.h"
#include "codec/json.h"

enum { TABLE_MAX = 256 << 20, FILE_SHOWN_MAX = 60, REASON_SHOWN_MAX = 400 };

static const char *const states[] = {
    [VERIFY_ACCEPTED] = "accepted",
    [VERIFY_REFUSED] = "refused",
    [VERIFY_UNREADABLE] = "unreadable",
};

size_t verify_table_count(const struct verify_jobs *jobs, enum verify_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		for (size_t k = 0; k < jobs->jobs[i].count; k++)
			count += jobs->jobs[i].rows[k].state == state;
	}
	return count;
}

/* ---- for people ---- */

/* What comes from outside, in a column: as wide as it needs to be, or more. */
static void put_column(struct writer *out, const char *text, size_t width)
{
	struct writer shown = wr_init(4 * strlen(text) + 1);

	utf8_write_escaped(&shown,
			   (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	wr_bytes(out, shown.ptr, shown.size);
	for (size_t i = shown.size; i < width; i++)
		wr_u8(out, ' ');
	wr_done(&shown);
}

/* Below one folder its own name says nothing. */
static const char *shown_name(const struct verify_jobs *jobs, const char *file)
{
	size_t size = jobs->below ? strlen(jobs->below) : 0;

	while (size > 1 && jobs->below[size - 1] == '/')
		size--;
	return size && strncmp(file, jobs->below, size) == 0 && file[size] == '/' &&
		       file[size + 1]
		   ? file + size + 1
		   : file;
}

static size_t widest(const struct verify_jobs *jobs)
{
	size_t width = 4;

	for (size_t i = 0; i < jobs->count; i++) {
		for (size_t k = 0; k < jobs->jobs[i].count; k++) {
			size_t size =
			    strlen(shown_name(jobs, jobs->jobs[i].rows[k].file));

			if (size > width)
				width = size;
		}
	}
	return width > FILE_SHOWN_MAX ? FILE_SHOWN_MAX : width;
}

static void put_row(struct writer *out, const struct verify_row *row, const char *name,
		    size_t width, bool color)
{
	static const char *const colors[] = {
	    [VERIFY_ACCEPTED] = "\033[32m",
	    [VERIFY_REFUSED] = "\033[31m",
	    [VERIFY_UNREADABLE] = "\033[33m",
	};
	char reason[REASON_SHOWN_MAX + 1];

	put_column(out, name, width);
	wr_printf(out, "  ");
	put_column(out, row->kind ? row->kind : "-", 13);
	wr_printf(out, "  ");
	put_column(out, row->tier ? row->tier : "-", 10);
	wr_printf(out, "  %s", color ? colors[row->state] : "");
	put_column(out, states[row->state], row->state == VERIFY_ACCEPTED ? 0 : 10);
	wr_printf(out, "%s", color ? "\033[0m" : "");
	if (row->state != VERIFY_ACCEPTED) {
		wr_printf(out, "  ");
		snprintf(reason, sizeof(reason), "%s", row->reason);
		put_column(out, reason, 0);
	}
	wr_u8(out, '\n');
}

static void put_table(const struct verify_jobs *jobs, bool color, double seconds,
		      struct writer *out)
{
	size_t width = widest(jobs);

	put_column(out, "file", width);
	wr_printf(out, "  %-13s  %-10s  %-10s  %s\n", "kind", "tier", "verdict",
		  "reason");
	for (size_t i = 0; i < jobs->count; i++) {
		for (size_t k = 0; k < jobs->jobs[i].count; k++)
			put_row(out, &jobs->jobs[i].rows[k],
				shown_name(jobs, jobs->jobs[i].rows[k].file), width,
				color);
	}
	wr_printf(out, "\n%zu accepted, %zu refused, %zu unreadable, in %.1f s\n",
		  verify_table_count(jobs, VERIFY_ACCEPTED),
		  verify_table_count(jobs, VERIFY_REFUSED),
		  verify_table_count(jobs, VERIFY_UNREADABLE), seconds);
}

/* ---- for programs ---- */

/* A name of a file need not be UTF-8. */
static json_t *text_of(const char *text)
{
	struct writer shown = wr_init(4 * strlen(text) + 1);
	json_t *json = json_string(text);

	if (!json) {
		utf8_write_escaped(
		    &shown, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
		json = json_stringn((const char *)shown.ptr, shown.size);
	}
	wr_done(&shown);
	return json;
}

static bool put_codes(json_t *object, const char *codes)
{
	json_t *list = json_array();
	bool good = list != NULL;

	while (good && codes && *codes) {
		size_t size = strcspn(codes, " ");

		good = json_array_append_new(list, json_stringn(codes, size)) == 0;
		codes += size + (codes[size] == ' ');
	}
	return json_object_set_new(object, "failed", list) == 0 && good;
}

static bool put_object(const struct verify_row *row, json_t *object)
{
	bool good =
	    json_object_set_new(object, "file", text_of(row->file)) == 0 &&
	    json_object_set_new(object, "verdict", json_string(states[row->state])) ==
		0 &&
	    json_object_set_new(object, "kind",
				row->kind ? text_of(row->kind) : json_null()) == 0 &&
	    json_object_set_new(object, "tier",
				row->tier ? text_of(row->tier) : json_null()) == 0 &&
	    json_object_set_new(object, "reason", text_of(row->reason)) == 0;

	return good && put_codes(object, row->failed);
}

static enum tobi_err put_line(json_t *object, bool good, struct writer *out,
			      struct tobi_fault *fault)
{
	enum tobi_err err = !object || !good ? fault_set(fault, TOBI_E_MEMORY, "table",
							 "", "out of memory")
					     : json_write(object, false, out, fault);

	json_decref(object);
	wr_u8(out, '\n');
	return err;
}

static enum tobi_err put_lines(const struct verify_jobs *jobs, double seconds,
			       struct writer *out, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	json_t *summary;

	for (size_t i = 0; i < jobs->count; i++) {
		for (size_t k = 0; k < jobs->jobs[i].count && !err; k++) {
			json_t *object = json_object();

			err = put_line(
			    object, object && put_object(&jobs->jobs[i].rows[k], object),
			    out, fault);
		}
	}
	summary = json_pack(
	    "{s:{s:I,s:I,s:I,s:f}}", "summary", "accepted",
	    (json_int_t)verify_table_count(jobs, VERIFY_ACCEPTED), "refused",
	    (json_int_t)verify_table_count(jobs, VERIFY_REFUSED), "unreadable",
	    (json_int_t)verify_table_count(jobs, VERIFY_UNREADABLE), "seconds", seconds);
	if (err)
		json_decref(summary);
	return err ? err : put_line(summary, true, out, fault);
}

enum tobi_err verify_table_write(const struct verify_jobs *jobs, bool json, bool color,
				 double seconds, struct writer *out,
				 struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (json)
		err = put_lines(jobs, seconds, out, fault);
	else
		put_table(jobs, color, seconds, out);
	if (!err && wr_err(out))
		err = fault_set(fault, wr_err(out), "table", "",
				"over %d bytes, or out "
				"of memory",
				TABLE_MAX);
	return err;
}
