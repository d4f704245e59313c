#include "tests/boot_scene.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/hex.h"
#include "base/secret.h"
#include "pki/key.h"
#include "tests/event_log.h"

#define BYTES(text)                                                                      \
	{                                                                                \
		(const uint8_t *)(text), sizeof(text) - 1                                \
	}

const struct tobi_bytes boot_scene_loader = BYTES("a boot loader");
const struct tobi_bytes boot_scene_kernel = BYTES("a kernel");
const struct tobi_bytes boot_scene_initrd = BYTES("an initrd");
const struct tobi_bytes boot_scene_config = BYTES("a configuration of GRUB");

static const uint8_t global[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
				   0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
static const uint8_t security[16] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
				     0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};

/* Also for programs without cmocka. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

static void le(struct writer *out, size_t size, uint64_t value)
{
	uint8_t *room = wr_reserve(out, size);

	must(room != NULL);
	store_le(room, size, value);
}

void boot_scene_hash(struct tobi_bytes bytes, uint8_t out[static BOOT_SCENE_DIGEST])
{
	must(!hash_sha384(bytes, out));
}

void boot_scene_start(struct boot_scene *scene, enum boot_registers kind)
{
	*scene = (struct boot_scene){.kind = kind, .log = wr_init(4 << 20)};
	test_log_start(&scene->log, false);
}

void boot_scene_done(struct boot_scene *scene)
{
	wr_done(&scene->log);
}

/* PCR 0 is in MRTD, which no event extends. */
static unsigned map(const struct boot_scene *scene, unsigned pcr)
{
	if (scene->kind == BOOT_PCRS)
		return pcr;
	return pcr == 1 || pcr == 7 ? 1 : pcr < 7 ? 2 : 3;
}

void boot_scene_measured(struct boot_scene *scene, unsigned pcr, uint32_t type,
			 struct tobi_bytes measured, struct tobi_bytes data)
{
	unsigned index = map(scene, pcr);
	uint8_t digest[BOOT_SCENE_DIGEST];

	boot_scene_hash(measured, digest);
	test_log_digest(&scene->log, index, type, digest, data);
	if (type != EVENT_NO_ACTION)
		test_log_extend(scene->registers[index], digest);
}

void boot_scene_event(struct boot_scene *scene, unsigned pcr, uint32_t type,
		      struct tobi_bytes data)
{
	boot_scene_measured(scene, pcr, type, data, data);
}

void boot_scene_grub(struct boot_scene *scene, const char *word, const char *text)
{
	struct writer data = wr_init(1 << 16);

	wr_printf(&data, "%s%s", word, text);
	wr_u8(&data, 0);
	boot_scene_measured(scene, 8, EVENT_IPL, bytes_of_text(text), wr_view(&data));
	wr_done(&data);
}

static void put_name(struct writer *out, const char *name)
{
	for (size_t i = 0; name[i]; i++) {
		wr_u8(out, (uint8_t)name[i]);
		wr_u8(out, 0);
	}
}

void boot_scene_wide(struct writer *out, const char *text)
{
	put_name(out, text);
	wr_bytes(out, "\0\0", 2);
}

void boot_scene_variable(struct boot_scene *scene, const char *name,
			 struct tobi_bytes data)
{
	struct writer event = wr_init(1 << 16);

	wr_bytes(&event, strncmp(name, "db", 2) == 0 ? security : global, 16);
	le(&event, 8, strlen(name));
	le(&event, 8, data.size);
	put_name(&event, name);
	wr_bytes(&event, data.ptr, data.size);
	boot_scene_event(scene, 7, EVENT_EFI_VARIABLE_DRIVER_CONFIG, wr_view(&event));
	wr_done(&event);
}

void boot_scene_separators(struct boot_scene *scene)
{
	static const struct tobi_bytes zeros = {(const uint8_t *)"\0\0\0\0", 4};

	if (scene->kind == BOOT_RTMRS) {
		boot_scene_event(scene, 7, EVENT_SEPARATOR, zeros);
		boot_scene_event(scene, 4, EVENT_SEPARATOR, zeros);
		return;
	}
	for (unsigned pcr = 0; pcr < 8; pcr++)
		boot_scene_event(scene, pcr, EVENT_SEPARATOR, zeros);
}

void boot_scene_hand_over(struct boot_scene *scene)
{
	boot_scene_event(scene, 5, EVENT_EFI_ACTION,
			 bytes_of_text("Exit Boot Services Invocation"));
	boot_scene_event(scene, 5, EVENT_EFI_ACTION,
			 bytes_of_text("Exit Boot Services Returned with Success"));
}

static void put_variables(struct boot_scene *scene)
{
	static const struct tobi_bytes one = {(const uint8_t *)"\1", 1};

	boot_scene_variable(scene, "SecureBoot", one);
	boot_scene_variable(scene, "PK", bytes_of_text("owner"));
	boot_scene_variable(scene, "KEK", bytes_of_text("exchange"));
	boot_scene_variable(scene, "db", bytes_of_text("allowed"));
	boot_scene_variable(scene, "dbx", bytes_of_text("forbidden"));
}

void boot_scene_whole(struct boot_scene *scene, enum boot_registers kind)
{
	static const struct tobi_bytes config = BYTES("(hd0)/grub.cfg\0"),
				       kernel = BYTES("/vmlinuz\0"),
				       initrd = BYTES("/initrd\0");

	boot_scene_start(scene, kind);
	put_variables(scene);
	boot_scene_separators(scene);
	boot_scene_measured(scene, 4, EVENT_EFI_APPLICATION, boot_scene_loader,
			    bytes_of_text("somewhere in memory"));
	boot_scene_measured(scene, 9, EVENT_IPL, boot_scene_config, config);
	boot_scene_grub(scene, "grub_cmd: ", "linux " BOOT_SCENE_COMMAND_LINE);
	boot_scene_measured(scene, 9, EVENT_IPL, boot_scene_kernel, kernel);
	boot_scene_grub(scene, "kernel_cmdline: ", BOOT_SCENE_COMMAND_LINE);
	boot_scene_grub(scene, "grub_cmd: ", "initrd /initrd");
	boot_scene_measured(scene, 9, EVENT_IPL, boot_scene_initrd, initrd);
	boot_scene_hand_over(scene);
}

static void put_digest(struct writer *out, const char *key, struct tobi_bytes measured)
{
	uint8_t digest[BOOT_SCENE_DIGEST];
	char text[2 * BOOT_SCENE_DIGEST + 1];

	boot_scene_hash(measured, digest);
	hex_write((struct tobi_bytes){digest, sizeof(digest)}, text, sizeof(text));
	wr_printf(out, "  %s: [%s]\n", key, text);
}

void boot_scene_policy(struct writer *out)
{
	wr_printf(out, "boot:\n  secure-boot: required\n  command-lines: [\"%s\"]\n",
		  BOOT_SCENE_COMMAND_LINE);
	put_digest(out, "boot-loaders", boot_scene_loader);
	put_digest(out, "kernels", boot_scene_kernel);
	put_digest(out, "initrds", boot_scene_initrd);
	put_digest(out, "files", boot_scene_config);
}

struct boot_registers_shown boot_scene_shown(const struct boot_scene *scene)
{
	struct boot_registers_shown shown = {.kind = scene->kind,
					     .algorithm = TCG_SHA384};
	unsigned first = scene->kind == BOOT_RTMRS ? 1 : 0;
	unsigned last = scene->kind == BOOT_RTMRS ? 4 : 15;

	for (unsigned i = first; i <= last; i++)
		shown.values[i] =
		    (struct tobi_bytes){scene->registers[i], BOOT_SCENE_DIGEST};
	return shown;
}

void boot_scene_sha1_event(struct writer *out, uint32_t index, uint32_t type,
			   struct tobi_bytes data)
{
	uint8_t digest[20];

	must(EVP_Digest(data.ptr, data.size, digest, NULL, EVP_sha1(), NULL) == 1);
	le(out, 4, index);
	le(out, 4, type);
	wr_bytes(out, digest, sizeof(digest));
	le(out, 4, data.size);
	wr_bytes(out, data.ptr, data.size);
}

void boot_scene_ima_entry(struct writer *out, uint32_t pcr, struct tobi_bytes file_sha256,
			  const char *path, struct writer *ret_data)
{
	uint8_t digest[20];

	*ret_data = wr_init(1 << 16);
	le(ret_data, 4, 8 + file_sha256.size);
	wr_bytes(ret_data, "sha256:", 8);
	wr_bytes(ret_data, file_sha256.ptr, file_sha256.size);
	le(ret_data, 4, strlen(path) + 1);
	wr_bytes(ret_data, path, strlen(path) + 1);
	must(EVP_Digest(ret_data->ptr, ret_data->size, digest, NULL, EVP_sha1(), NULL) ==
	     1);
	le(out, 4, pcr);
	wr_bytes(out, digest, sizeof(digest));
	le(out, 4, 6);
	wr_bytes(out, "ima-ng", 6);
	le(out, 4, ret_data->size);
	wr_bytes(out, ret_data->ptr, ret_data->size);
}
