/* What programs load by name, where their libraries do not say so: docs/PACKING.md. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "image/pack_tools.h"

/* Programs that are nothing without files beside their libraries. In a pattern %s is the
 * file's real name (python3.11); one that ends in "/." is an empty folder. */
static const struct known {
	const char *program; /* the start of the file's real name */
	const char *patterns[7];
} known[] = {
    {"nginx",
     {"/etc/nginx", "/usr/share/nginx", "/usr/lib/nginx", "/var/www/html",
      "/var/lib/nginx/.", "/var/log/nginx/."}},
    {"perl", {"/etc/perl", "/usr/share/perl*", "/usr/lib/*-linux-gnu/perl*"}},
    {"python3", {"/usr/lib/%s", "/usr/lib/python3", "/usr/local/lib/%s"}},
};

static const char *const surroundings[] = {
    /* loaded by the C library itself */
    "/lib/*-linux-gnu/libnss_files.so.2",
    "/lib/*-linux-gnu/libnss_dns.so.2",
    "/lib/*-linux-gnu/libresolv.so.2",
    "/lib/*-linux-gnu/libgcc_s.so.1",
    "/usr/lib/*-linux-gnu/gconv/gconv-modules.cache",
    "/usr/lib/*-linux-gnu/gconv/{UTF-16,UTF-32,UTF-7,UNICODE,ISO8859-1,ISO8859-15,CP1252}"
    ".so",
    "/usr/lib/locale/C.utf8",
    "/usr/share/zoneinfo/UTC",
    "/etc/services",
    "/etc/protocols",
    "/etc/mime.types",
    /* certificate authorities and settings of OpenSSL */
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/lib/ssl/cert.pem",
    "/usr/lib/ssl/openssl.cnf",
    NULL,
};

static enum tobi_err add_pattern(struct pack *pack, const char *pattern, bool say,
				 struct tobi_fault *fault)
{
	size_t size = strlen(pattern);
	enum tobi_err err = TOBI_OK;
	glob_t found = {0};

	if (size > 2 && strcmp(pattern + size - 2, "/.") == 0) {
		char folder[PATH_MAX];

		snprintf(folder, sizeof(folder), "%.*s", (int)size - 2, pattern);
		return stage_folder(&pack->stage, folder, fault);
	}
	if (glob(pattern, GLOB_BRACE, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && !err; i++) {
			err = pack_add(pack, found.gl_pathv[i], NULL, fault);
			if (say && !err)
				wr_printf(&pack->extras, "%s%s",
					  pack->extras.size ? " " : "",
					  found.gl_pathv[i]);
		}
	}
	globfree(&found);
	return err;
}

static enum tobi_err add_patterns(struct pack *pack, const struct known *row,
				  const char *name, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	pack->note_objects = pack->without_caches = true;
	for (size_t i = 0; row->patterns[i] && !err; i++) {
		const char *hole = strstr(row->patterns[i], "%s");
		char pattern[PATH_MAX];

		if (hole)
			snprintf(pattern, sizeof(pattern), "%.*s%s%s",
				 (int)(hole - row->patterns[i]), row->patterns[i], name,
				 hole + 2);
		else
			snprintf(pattern, sizeof(pattern), "%s", row->patterns[i]);
		err = add_pattern(pack, pattern, true, fault);
	}
	pack->note_objects = pack->without_caches = false;
	return err;
}

enum tobi_err pack_add_known(struct pack *pack, const char *program,
			     struct tobi_fault *fault)
{
	char real[PATH_MAX];
	const char *name;

	if (!realpath(program, real))
		return fault_errno(fault, "program", "", "cannot find %s", program);
	name = strrchr(real, '/') + 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(name, known[i].program, strlen(known[i].program)) == 0)
			return add_patterns(pack, &known[i], name, fault);
	}
	return TOBI_OK;
}

/* Accounts of the image's own: nothing of the host's. */
static enum tobi_err add_accounts(struct pack *pack, uint32_t uid, uint32_t gid,
				  struct tobi_fault *fault)
{
	char passwd[256], group[128];
	const char *const files[][2] = {
	    {"/etc/passwd", passwd},
	    {"/etc/group", group},
	    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"
				   "services: files\nprotocols: files\n"},
	    {"/etc/hosts", PACK_HOSTS},
	    {"/etc/hostname", PACK_HOSTNAME},
	};
	enum tobi_err err = TOBI_OK;

	snprintf(passwd, sizeof(passwd),
		 "root:x:0:0:root:/:/sbin/nologin\n"
		 "app:x:%u:%u:app:/home:/sbin/nologin\n"
		 "nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
		 uid, gid);
	snprintf(group, sizeof(group), "root:x:0:\napp:x:%u:\nnogroup:x:65534:\n", gid);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		if (!stage_has(&pack->stage, files[i][0]))
			err = stage_text(&pack->stage, files[i][0], files[i][1], fault);
	}
	return err;
}

enum tobi_err pack_add_surroundings(struct pack *pack, uint32_t uid, uint32_t gid,
				    struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; surroundings[i] && !err; i++)
		err = add_pattern(pack, surroundings[i], false, fault);
	return err ? err : add_accounts(pack, uid, gid, fault);
}
