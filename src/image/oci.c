#include "image/oci.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "image/oci_tools.h"
#include "image/pack_tools.h"

static const char object[] = "container image";

enum { ARENA = 1 << 20, TAR_MAGIC_AT = 257 };

DEFINE_CLEANUP(struct oci *, oci_free)

bool oci_looks_like_image(const char *path)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t head[TAR_MAGIC_AT + 5] = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return false;
	if (S_ISDIR(st.st_mode))
		return true;
	if (!S_ISREG(st.st_mode) || pread(fd, head, sizeof(head), 0) < 4)
		return false;
	/* tar; gzip; zstd */
	return strncmp((const char *)head + TAR_MAGIC_AT, "ustar", 5) == 0 ||
	       (head[0] == 0x1f && head[1] == 0x8b) ||
	       (head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd);
}

void oci_note(struct oci *oci, const char *format, ...)
{
	char line[512];
	va_list args;

	if (oci->note_count == OCI_MAX_NOTES)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	oci->notes[oci->note_count] = arena_text(
	    &oci->arena, (struct tobi_bytes){(const uint8_t *)line, strlen(line)});
	if (oci->notes[oci->note_count])
		oci->note_count++;
}

size_t oci_notes(const struct oci *oci, const char *const **ret_notes)
{
	*ret_notes = oci->notes;
	return oci->note_count;
}

void oci_free(struct oci *oci)
{
	if (!oci)
		return;
	oci_source_free(oci->source);
	oci_manifest_done(&oci->manifest);
	oci_config_done(&oci->config);
	arena_done(&oci->arena);
	free(oci);
}

static enum tobi_err check_config(const struct oci *oci, const char *architecture,
				  struct tobi_fault *fault)
{
	const struct oci_platform *platform = &oci->config.platform;

	if (!oci_platform_fits(platform, architecture))
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, "image configuration", "architecture",
		    "the image is for %.32s/%.32s%s%.16s, not for linux/%s", platform->os,
		    platform->architecture, platform->variant[0] ? "/" : "",
		    platform->variant, oci_architecture(architecture));
	if (oci->config.diff_id_count != oci->manifest.count)
		return fault_set(fault, TOBI_E_MALFORMED, "image configuration",
				 "rootfs.diff_ids",
				 "it has %zu entries, but the manifest has %zu layers",
				 oci->config.diff_id_count, oci->manifest.count);
	return TOBI_OK;
}

enum tobi_err oci_open(const struct oci_request *request, struct oci **ret_oci,
		       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_OCI_JSON);
	CLEANUP(oci_freep) struct oci *oci = calloc(1, sizeof(*oci));
	enum tobi_err err;

	if (!oci)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	oci->arena = arena_init(ARENA);
	oci->stop = request->stop;
	oci->home = "/";
	err = oci_source_open(request->path, request->temporary, request->stop,
			      &oci->source, fault);
	if (!err)
		err = oci_select(oci->source, request->ref, request->architecture,
				 &oci->manifest, fault);
	if (!err)
		err = oci_blob_load(oci->source, &oci->manifest.config,
				    "image configuration", &bytes, fault);
	if (!err)
		err = oci_config_parse(wr_view(&bytes), &oci->config, fault);
	if (!err)
		err = check_config(oci, request->architecture, fault);
	if (err)
		return err;
	*ret_oci = TAKE(oci);
	return TOBI_OK;
}

static void note_dropped(struct oci *oci, const struct oci_dropped *dropped,
			 const char *what, const char *why)
{
	if (dropped->count)
		oci_note(oci, "%s of %zu file%s, the first is %s, %s", what,
			 dropped->count, dropped->count == 1 ? "" : "s", dropped->first,
			 why);
}

static void note_tree(struct oci *oci, struct pack *pack)
{
	const struct oci_tree *tree = &oci->tree;

	note_dropped(oci, &tree->set_id, "set-user-id or set-group-id bits",
		     "are dropped: no program inside gains rights");
	note_dropped(oci, &tree->capabilities, "capabilities",
		     "are dropped: no program inside gains rights");
	note_dropped(oci, &tree->attributes, "extended attributes or access lists",
		     "are dropped");
	pack->left_out_count += tree->special.count;
	if (tree->special.count)
		snprintf(pack->left_out, sizeof(pack->left_out), "%s",
			 tree->special.first);
}

enum tobi_err oci_unpack(struct oci *oci, struct pack *pack, struct tobi_fault *fault)
{
	struct oci_budget budget = {LIMIT_OCI_UNPACKED, LIMIT_OCI_ENTRIES};
	const uint64_t much = UINT64_C(16) << 20;
	struct stage_usage usage = {0};
	enum tobi_err err = TOBI_OK;

	oci->tree.stage = &pack->stage;
	for (size_t i = 0; i < oci->manifest.count && !err; i++) {
		struct oci_layer layer = {.source = oci->source,
					  .descriptor = &oci->manifest.layers[i],
					  .diff_id = &oci->config.diff_ids[i],
					  .budget = &budget,
					  .stop = oci->stop};

		snprintf(layer.object, sizeof(layer.object), "layer %zu", i);
		err = oci_apply_layer(&layer, &oci->tree, fault);
	}
	if (!err)
		err = stage_measure(&pack->stage, "/", &usage, fault);
	if (err)
		return err;
	note_tree(oci, pack);
	/* Unpacked by an ordinary user's enclave, each name is a file of its own. */
	if (usage.shared > much)
		oci_note(oci,
			 "hard links save %llu MiB; an ordinary user's enclave, which "
			 "unpacks the image, has no room for that",
			 (unsigned long long)(usage.shared >> 20));
	return TOBI_OK;
}
