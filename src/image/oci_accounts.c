/* The user of a container image, by the image's own accounts. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "image/oci_tools.h"

static const char object[] = "image configuration", field[] = "config.User";

enum { MAX_FIELDS = 7 };

static bool read_id(struct tobi_bytes text, uint64_t *ret_id)
{
	uint64_t id = 0;

	if (text.size == 0 || text.size > 10)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		id = id * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*ret_id = id;
	return id <= UINT32_MAX;
}

/* The fields of the next line; false at the end of the file. */
static bool next_line(struct tobi_bytes *file, struct tobi_bytes fields[MAX_FIELDS])
{
	size_t count = 0, start = 0, at = 0;

	for (size_t i = 0; i < MAX_FIELDS; i++)
		fields[i] = (struct tobi_bytes){0};
	if (!file->size)
		return false;
	for (;; at++) {
		bool end = at == file->size || file->ptr[at] == '\n';

		if (!end && file->ptr[at] != ':')
			continue;
		if (count < MAX_FIELDS)
			fields[count++] =
			    (struct tobi_bytes){file->ptr + start, at - start};
		start = at + 1;
		if (end)
			break;
	}
	at += at < file->size;
	file->ptr += at;
	file->size -= at;
	return true;
}

/* name or number; the first line that has it counts, as for the C library. */
static bool find(struct tobi_bytes file, struct tobi_bytes wanted,
		 struct tobi_bytes fields[MAX_FIELDS])
{
	uint64_t number = 0, id;
	bool is_number = read_id(wanted, &number);

	while (next_line(&file, fields)) {
		if (fields[0].size && bytes_equal(fields[0], wanted))
			return true;
		if (is_number && fields[0].size && read_id(fields[2], &id) &&
		    id == number)
			return true;
	}
	return false;
}

static enum tobi_err find_user(struct tobi_bytes wanted, struct tobi_bytes passwd,
			       struct oci_account *out, struct tobi_fault *fault)
{
	struct tobi_bytes fields[MAX_FIELDS];

	if (find(passwd, wanted, fields)) {
		if (!read_id(fields[2], &out->uid) || !read_id(fields[3], &out->gid))
			return fault_set(fault, TOBI_E_MALFORMED, object, field,
					 "the image's /etc/passwd has no numbers for "
					 "'%.*s'; give it by --user",
					 (int)(wanted.size < 64 ? wanted.size : 64),
					 (const char *)wanted.ptr);
		if (fields[5].size && fields[5].size < sizeof(out->home))
			snprintf(out->home, sizeof(out->home), "%.*s",
				 (int)fields[5].size, (const char *)fields[5].ptr);
		return TOBI_OK;
	}
	if (read_id(wanted, &out->uid))
		return TOBI_OK;
	return fault_set(fault, TOBI_E_NOT_FOUND, object, field,
			 "there is no user '%.*s' in the image's /etc/passwd; give one "
			 "by --user",
			 (int)(wanted.size < 64 ? wanted.size : 64),
			 (const char *)wanted.ptr);
}

enum tobi_err oci_find_account(const char *user, struct tobi_bytes passwd,
			       struct tobi_bytes group, struct oci_account *ret_account,
			       struct tobi_fault *fault)
{
	const char *colon = strchr(user, ':');
	struct tobi_bytes name = {(const uint8_t *)user,
				  colon ? (size_t)(colon - user) : strlen(user)};
	struct tobi_bytes fields[MAX_FIELDS];
	struct oci_account out = {0};
	enum tobi_err err;

	if (!name.size)
		name = (struct tobi_bytes){(const uint8_t *)"0", 1};
	err = find_user(name, passwd, &out, fault);
	if (err)
		return err;
	if (colon && colon[1]) {
		struct tobi_bytes wanted = {(const uint8_t *)colon + 1,
					    strlen(colon + 1)};

		if (find(group, wanted, fields) ? !read_id(fields[2], &out.gid)
						: !read_id(wanted, &out.gid))
			return fault_set(fault, TOBI_E_NOT_FOUND, object, field,
					 "there is no group '%.64s' in the image's "
					 "/etc/group; give one by --user",
					 colon + 1);
	}
	*ret_account = out;
	return TOBI_OK;
}
