#include "tests/vectors/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/check.h"

enum { COLUMNS = 11, LIST_MAX = 4 << 20 };

int64_t vectors_time(const char *text)
{
	struct tm tm = {0};
	const char *end;

	if (text[0] == '-')
		return 0;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		fail_msg("MANIFEST.tsv: '%s' is no time", text);
	return timegm(&tm);
}

static void take_line(struct vectors *vectors, char *line)
{
	char *columns[COLUMNS];
	size_t count = 0;

	for (char *at = line; at && count < COLUMNS; count++) {
		columns[count] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = 0;
	}
	if (count != COLUMNS)
		fail_msg("MANIFEST.tsv: %s: %zu columns", columns[0], count);
	vectors->rows =
	    realloc(vectors->rows, (vectors->count + 1) * sizeof(vectors->rows[0]));
	assert_non_null(vectors->rows);
	vectors->rows[vectors->count++] =
	    (struct vector_row){.path = columns[0],
				.tee = columns[1],
				.kind = columns[2],
				.expected = columns[7],
				.notes = columns[9],
				.time = vectors_time(columns[8])};
}

bool vectors_open(struct vectors *vectors)
{
	struct tobi_fault fault = {0};
	char path[LIMIT_PATH], *line, *rest;

	*vectors = (struct vectors){.folder = getenv("TOBICHI_VECTORS")};
	if (!vectors->folder)
		vectors->folder = VECTORS_FOLDER;
	snprintf(path, sizeof(path), "%s/MANIFEST.tsv", vectors->folder);
	if (access(path, R_OK))
		return false;
	vectors->text = wr_init(LIST_MAX);
	if (file_read(path, LIST_MAX, "MANIFEST.tsv", &vectors->text, &fault))
		fail_msg("%s", fault.message);
	wr_u8(&vectors->text, 0);
	assert_int_equal(wr_err(&vectors->text), 0);
	strtok_r((char *)vectors->text.ptr, "\n", &rest); /* the names of the columns */
	while ((line = strtok_r(NULL, "\n", &rest)))
		take_line(vectors, line);
	return true;
}

void vectors_close(struct vectors *vectors)
{
	for (size_t i = 0; i < vectors->count; i++)
		wr_done(&vectors->rows[i].file);
	free(vectors->rows);
	wr_done(&vectors->text);
}

struct vector_row *vectors_find(struct vectors *vectors, const char *path)
{
	for (size_t i = 0; i < vectors->count; i++) {
		if (strcmp(vectors->rows[i].path, path) == 0)
			return &vectors->rows[i];
	}
	fail_msg("MANIFEST.tsv has no row %s", path);
	return NULL;
}

struct tobi_bytes vectors_bytes(const struct vectors *vectors, struct vector_row *row)
{
	struct tobi_fault fault = {0};
	char path[LIMIT_PATH];

	if (!row->file.ptr) {
		row->file = wr_init(LIMIT_EVIDENCE);
		snprintf(path, sizeof(path), "%s/%s", vectors->folder, row->path);
		if (file_read(path, LIMIT_EVIDENCE, row->path, &row->file, &fault))
			fail_msg("%s: %s", row->path, fault.message);
	}
	return wr_view(&row->file);
}

bool vectors_beside(const struct vector_row *row, const struct vector_row *other)
{
	size_t size = (size_t)(strrchr(other->path, '/') - other->path) + 1;

	return strncmp(row->path, other->path, size) == 0 &&
	       !strchr(row->path + size, '/');
}

int vectors_missing(void)
{
	printf("skipped: TOBICHI_VECTORS names no folder with a MANIFEST.tsv\n");
	return 77;
}
