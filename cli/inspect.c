/* What an image says of itself, after it was measured: nothing is shown of one that is
 * not whole. */
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "image/image.h"

DEFINE_CLEANUP(struct image *, image_free)

static void print_hex(const char *label, struct tobi_bytes bytes)
{
	char hex[2 * SHA384_SIZE + 1];

	hex_write(bytes, hex, sizeof(hex));
	printf("%-13s%s\n", label, hex);
}

static void print_texts(const char *label, const struct tobi_bytes *texts, size_t count)
{
	if (!count)
		return;
	printf("%-13s", label);
	for (size_t i = 0; i < count; i++) {
		printf("%s", i ? " " : "");
		cli_print_text(stdout, texts[i]);
	}
	printf("\n");
}

static void print_mebibytes(uint64_t bytes)
{
	printf("%.*f MiB", bytes % (1 << 20) ? 1 : 0, (double)bytes / (1 << 20));
}

static void print_limits(const struct manifest *manifest)
{
	printf("%-13s", "limits");
	print_mebibytes(manifest->limits.memory);
	printf(" memory, %llu processes, %.2f CPUs, %llu open files, ",
	       (unsigned long long)manifest->limits.processes,
	       (double)manifest->limits.cpu_milli / 1000,
	       (unsigned long long)manifest->limits.files);
	print_mebibytes(manifest->limits.writable);
	printf(" writable\n");
}

static void print_policy(struct tobi_bytes policy)
{
	if (bytes_equal_text(policy, POLICY_AT_LAUNCH)) {
		printf("the policy of the launch");
		return;
	}
	printf("the policy in ");
	cli_print_text(stdout, policy);
}

static void print_egress(const struct manifest *m)
{
	for (size_t i = 0; i < m->egress_count; i++) {
		const struct manifest_egress *entry = &m->egress[i];

		printf("%-13s", i ? "" : "egress");
		cli_print_text(stdout, entry->target);
		printf(" at port %u, ", entry->port);
		if (entry->policy.size) {
			printf("attested by ");
			print_policy(entry->policy);
		} else {
			printf("plain bytes");
		}
		printf("\n");
	}
	if (bytes_equal_text(m->clients, CLIENTS_BY_PROGRAM)) {
		printf("%-13sany; the program judges what they prove\n", "clients");
	} else if (m->clients.size) {
		printf("%-13sonly such as meet ", "clients");
		print_policy(m->clients);
		printf("\n");
	}
}

static int print_image(const struct image *image)
{
	const struct manifest *m = image->manifest;

	print_hex("image id", (struct tobi_bytes){image->image_id, SHA384_SIZE});
	for (size_t i = 0; i < image->signer_count; i++)
		print_hex("signer id",
			  (struct tobi_bytes){image->signers[i], SHA384_SIZE});
	if (!image->signer_count)
		printf("%-13snone; `tobichi sign` adds one\n", "signer id");
	print_texts("name", &m->name, 1);
	printf("%-13s%u, security version %u\n", "product", m->product, m->svn);
	print_texts("architecture", &m->architecture, 1);
	print_texts("program", m->arguments, m->argument_count);
	for (size_t i = 0; i < m->environment_count; i++) {
		printf("%-13s", i ? "" : "environment");
		cli_print_text(stdout, m->environment[i].name);
		printf("=");
		cli_print_text(stdout, m->environment[i].value);
		printf("\n");
	}
	printf("%-13s%u:%u, starts in ", "user", m->uid, m->gid);
	cli_print_text(stdout, m->directory);
	printf("\n");
	if (m->port_count)
		printf("%-13s", "ports");
	for (size_t i = 0; i < m->port_count; i++)
		printf("%s%u", i ? " " : "", m->ports[i]);
	if (m->port_count)
		printf("\n");
	print_texts("secrets", m->secrets, m->secret_count);
	print_texts("writable", m->writable, m->writable_count);
	print_egress(m);
	print_texts("volumes", m->volumes, m->volume_count);
	print_limits(m);
	printf("%-13s%s\n", "output",
	       m->output == OUTPUT_TO_HOST ? "to the host" : "discarded");
	printf("%-13s%s\n", "debug",
	       m->debug ? "YES: its operator can look in; do not trust it with secrets"
			: "no");
	printf("%-13s", "root");
	print_mebibytes(m->root.size);
	printf(", EROFS, measured and as declared\n");
	return EXIT_ACCEPTED;
}

static json_t *json_hex(struct tobi_bytes bytes)
{
	char hex[2 * SHA384_SIZE + 1];

	hex_write(bytes, hex, sizeof(hex));
	return json_string(hex);
}

static json_t *json_text(struct tobi_bytes text)
{
	return json_stringn(text.size ? (const char *)text.ptr : "", text.size);
}

static json_t *json_texts(const struct tobi_bytes *texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_text(texts[i]));
	return list;
}

static json_t *json_environment(const struct manifest *m)
{
	json_t *map = json_object();

	for (size_t i = 0; i < m->environment_count; i++) {
		char name[260];

		snprintf(name, sizeof(name), "%.*s", (int)m->environment[i].name.size,
			 (const char *)m->environment[i].name.ptr);
		json_object_set_new(map, name, json_text(m->environment[i].value));
	}
	return map;
}

static json_t *json_egress(const struct manifest *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->egress_count; i++)
		json_array_append_new(list,
				      json_pack("{s:o,s:i,s:o}", "target",
						json_text(m->egress[i].target), "port",
						(int)m->egress[i].port, "policy",
						json_text(m->egress[i].policy)));
	return list;
}

static json_t *json_image(const struct image *image)
{
	const struct manifest *m = image->manifest;
	json_t *signers = json_array(), *ports = json_array();

	for (size_t i = 0; i < image->signer_count; i++)
		json_array_append_new(signers, json_hex((struct tobi_bytes){
						   image->signers[i], SHA384_SIZE}));
	for (size_t i = 0; i < m->port_count; i++)
		json_array_append_new(ports, json_integer(m->ports[i]));
	return json_pack(
	    "{s:o,s:o,s:o,s:o,s:i,s:i,s:o,s:o,s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
	    "s:{s:I,s:I,s:I,s:I,s:I},s:b,s:b,s:{s:I,s:o,s:o}}",
	    "image-id", json_hex((struct tobi_bytes){image->image_id, SHA384_SIZE}),
	    "signers", signers, "name", json_text(m->name), "architecture",
	    json_text(m->architecture), "product", (int)m->product, "svn", (int)m->svn,
	    "arguments", json_texts(m->arguments, m->argument_count), "environment",
	    json_environment(m), "uid", (int)m->uid, "gid", (int)m->gid, "directory",
	    json_text(m->directory), "ports", ports, "secrets",
	    json_texts(m->secrets, m->secret_count), "writable",
	    json_texts(m->writable, m->writable_count), "egress", json_egress(m),
	    "clients", json_text(m->clients), "volumes",
	    json_texts(m->volumes, m->volume_count), "limits", "memory",
	    (json_int_t)m->limits.memory, "processes", (json_int_t)m->limits.processes,
	    "cpu-milli", (json_int_t)m->limits.cpu_milli, "files",
	    (json_int_t)m->limits.files, "writable", (json_int_t)m->limits.writable,
	    "output-to-host", m->output == OUTPUT_TO_HOST, "debug", m->debug, "root",
	    "size", (json_int_t)m->root.size, "sha384", json_hex(m->root.sha384),
	    "tree-root", json_hex(m->root.tree_root));
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(fd_close) int fd = -1;
	struct tobi_fault fault = {0};
	bool json = false;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("inspect", "wrong option");
		json = true;
	}
	if (optind + 1 != argc)
		return cli_usage("inspect", "one image is needed");
	fd = open(argv[optind], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		fault_errno(&fault, "image", "", "cannot open %s", argv[optind]);
		return cli_fail(&fault);
	}
	if (image_open(fd, &image, &fault) || image_measure(fd, image, &fault))
		return cli_fail(&fault);
	return json ? cli_put_json(NULL, json_image(image)) : print_image(image);
}
