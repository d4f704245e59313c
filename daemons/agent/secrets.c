#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "codec/cbor.h"

#define OBJECT "secrets"

enum { MESSAGE_PUT = 1, MESSAGE_DONE = 2, MESSAGE_REPLY = 3 };

struct stored {
	char name[LIMIT_NAME + 1];
	size_t size;
	int fd; /* for the wiping: the file's mode lets nobody write it anew */
};

struct secret_store {
	const struct manifest *manifest;
	int folder;
	uid_t uid;
	gid_t gid;
	struct stored stored[LIMIT_SECRETS];
	size_t count;
	size_t total; /* bytes */
};

enum tobi_err secrets_message_parse(struct tobi_bytes bytes,
				    struct secrets_message *ret_message,
				    struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 3, "message");
	struct secrets_message message = {0};
	uint64_t kind = 0;
	unsigned seen = 0;
	enum tobi_err err;
	int64_t key;

	while (cbor_map_int(&cbor, &map, &key, "message")) {
		if (key < 0 || key > 2 || (key > 0 && kind != MESSAGE_PUT)) {
			cbor_fail(&cbor, TOBI_E_MALFORMED, "message");
			break;
		}
		seen |= 1u << key;
		if (key == 0)
			kind = cbor_uint_max(&cbor, MESSAGE_DONE, "message");
		else if (key == 1)
			message.name = cbor_text(&cbor, LIMIT_SECRETS_FRAME, "name");
		else
			message.content =
			    cbor_bytes(&cbor, LIMIT_SECRETS_FRAME, "content");
	}
	cbor_require(&cbor, kind != 0, "message");
	cbor_require(&cbor, kind != MESSAGE_PUT || (seen & 2), "name");
	cbor_require(&cbor, kind != MESSAGE_PUT || (seen & 4), "content");
	err = cbor_finish(&cbor, OBJECT, fault);
	if (err)
		return err;
	message.done = kind == MESSAGE_DONE;
	message.name_is_valid = !message.done && secret_name_is_valid(message.name);
	message.too_large = message.content.size > LIMIT_SECRET;
	*ret_message = message;
	return TOBI_OK;
}

void secrets_write_reply(struct writer *out, enum secret_status status, const char *text)
{
	CLEANUP(wr_done) struct writer body = wr_init(1024);

	cbor_write_map(&body, text ? 3 : 2);
	cbor_write_uint(&body, 0);
	cbor_write_uint(&body, MESSAGE_REPLY);
	cbor_write_uint(&body, 1);
	cbor_write_uint(&body, (uint64_t)status);
	if (text) {
		cbor_write_uint(&body, 2);
		cbor_write_text(&body, text);
	}
	wr_uint_be(out, wr_view(&body).size, 4);
	wr_bytes(out, body.ptr, wr_view(&body).size);
}

enum tobi_err secret_store_new(const char *folder, const struct manifest *manifest,
			       uid_t uid, gid_t gid, struct secret_store **ret_store,
			       struct tobi_fault *fault)
{
	struct secret_store *store = calloc(1, sizeof(*store));

	if (!store)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	store->manifest = manifest;
	store->uid = uid;
	store->gid = gid;
	store->folder = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->folder < 0) {
		fault_errno(fault, OBJECT, "folder", "cannot open %s", folder);
		free(store);
		return TOBI_E_SYSTEM;
	}
	*ret_store = store;
	return TOBI_OK;
}

static void wipe(int fd, size_t size)
{
	static const uint8_t zeros[4096];

	for (size_t at = 0; at < size; at += sizeof(zeros)) {
		size_t part = size - at < sizeof(zeros) ? size - at : sizeof(zeros);

		if (pwrite(fd, zeros, part, (off_t)at) < 0)
			return;
	}
}

void secret_store_free(struct secret_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->count; i++) {
		wipe(store->stored[i].fd, store->stored[i].size);
		unlinkat(store->folder, store->stored[i].name, 0);
		fd_close(&store->stored[i].fd);
	}
	fd_close(&store->folder);
	free(store);
}

bool secret_store_has(const struct secret_store *store, struct tobi_bytes name)
{
	for (size_t i = 0; i < store->count; i++)
		if (bytes_equal_text(name, store->stored[i].name))
			return true;
	return false;
}

static bool is_allowed(const struct secret_store *store, struct tobi_bytes name)
{
	const struct manifest *manifest = store->manifest;

	for (size_t i = 0; i < manifest->secret_count; i++)
		if (bytes_equal(manifest->secrets[i], name))
			return true;
	return manifest->secret_count == 0;
}

bool secret_store_is_complete(const struct secret_store *store)
{
	for (size_t i = 0; i < store->manifest->secret_count; i++)
		if (!secret_store_has(store, store->manifest->secrets[i]))
			return false;
	return true;
}

/* The content under a name that no secret can have; -1 with nothing left behind. */
static int write_hidden(const struct secret_store *store, const char *hidden,
			struct tobi_bytes content)
{
	int fd = openat(store->folder, hidden,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);

	if (fd < 0)
		return -1;
	if (fd_write_all(fd, content, OBJECT, NULL) || fchmod(fd, 0400) ||
	    (store->uid != (uid_t)-1 && fchown(fd, store->uid, store->gid))) {
		wipe(fd, content.size);
		unlinkat(store->folder, hidden, 0);
		fd_close(&fd);
	}
	return fd;
}

enum secret_status secret_store_put(struct secret_store *store,
				    const struct secrets_message *message)
{
	char name[LIMIT_NAME + 1] = "", hidden[LIMIT_NAME + 2];
	bool taken;
	int fd;

	if (!message->name_is_valid || !is_allowed(store, message->name))
		return SECRET_NOT_ALLOWED;
	if (secret_store_has(store, message->name))
		return SECRET_EXISTS;
	if (message->too_large || store->count == LIMIT_SECRETS ||
	    message->content.size > LIMIT_SECRETS_TOTAL - store->total)
		return SECRET_TOO_LARGE;
	bytes_copy(name, LIMIT_NAME, message->name.ptr, message->name.size);
	snprintf(hidden, sizeof(hidden), ".%s", name);
	fd = write_hidden(store, hidden, message->content);
	if (fd < 0)
		return SECRET_INTERNAL;
	if (renameat2(store->folder, hidden, store->folder, name, RENAME_NOREPLACE)) {
		taken = errno == EEXIST;
		wipe(fd, message->content.size);
		unlinkat(store->folder, hidden, 0);
		fd_close(&fd);
		return taken ? SECRET_EXISTS : SECRET_INTERNAL;
	}
	store->stored[store->count].fd = fd;
	store->stored[store->count].size = message->content.size;
	bytes_copy(store->stored[store->count].name, LIMIT_NAME, name,
		   message->name.size);
	store->count++;
	store->total += message->content.size;
	return SECRET_STORED;
}
