#include "user.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

/* Whether id has a place in the map, e.g. /proc/self/uid_map. */
static enum tobi_err is_mapped(const char *path, unsigned id, bool *ret_mapped,
			       struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned first, host, count;
	char text[4096], *line = text;
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size <= 0)
		return fault_errno(fault, "user", "", "cannot read %s", path);
	text[size] = '\0';
	*ret_mapped = false;
	/* NOLINTNEXTLINE: the kernel's own numbers */
	while (line && sscanf(line, "%u %u %u", &first, &host, &count) == 3) {
		if (id >= first && id - first < count)
			*ret_mapped = true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return TOBI_OK;
}

enum tobi_err user_find(const struct manifest *manifest, uid_t *ret_uid, gid_t *ret_gid,
			struct tobi_fault *fault)
{
	bool has_user = false, has_group = false;
	enum tobi_err err;

	*ret_uid = (uid_t)-1;
	*ret_gid = (gid_t)-1;
	err = is_mapped("/proc/self/uid_map", manifest->uid, &has_user, fault);
	if (!err)
		err = is_mapped("/proc/self/gid_map", manifest->gid, &has_group, fault);
	if (err || !has_user || !has_group)
		return err;
	*ret_uid = manifest->uid;
	*ret_gid = manifest->gid;
	return TOBI_OK;
}
