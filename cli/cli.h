/* What the commands share. Each command is one file and one row of the table in main.c.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/writer.h"
#include "codec/json.h"
#include "pki/key.h"

enum cli_exit { EXIT_ACCEPTED = 0, EXIT_REFUSED = 1, EXIT_ERROR = 2 };

struct command {
	const char *name;
	const char *synopsis; /* after the name: "IMAGE [--json]" */
	const char *summary;  /* one line for `tobichi help` */
	const char
	    *options; /* one line each, "  --json   as JSON\n"; for `tobichi help NAME` */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

/* The tool inside an enclave (daemons/agent/meson.build) has only some of them. */
#ifdef CLI_INSIDE
#define COMMAND __attribute__((weak))
#else
#define COMMAND
#endif

COMMAND int cmd_attest(int argc, char **argv);
COMMAND int cmd_broker(int argc, char **argv);
COMMAND int cmd_build(int argc, char **argv);
COMMAND int cmd_certificate(int argc, char **argv);
COMMAND int cmd_collateral(int argc, char **argv);
COMMAND int cmd_connect(int argc, char **argv);
COMMAND int cmd_corim(int argc, char **argv);
COMMAND int cmd_counter(int argc, char **argv);
COMMAND int cmd_help(int argc, char **argv);
COMMAND int cmd_inspect(int argc, char **argv);
COMMAND int cmd_keygen(int argc, char **argv);
COMMAND int cmd_log(int argc, char **argv);
COMMAND int cmd_logs(int argc, char **argv);
COMMAND int cmd_owner(int argc, char **argv);
COMMAND int cmd_platform(int argc, char **argv);
COMMAND int cmd_ps(int argc, char **argv);
COMMAND int cmd_run(int argc, char **argv);
COMMAND int cmd_seal(int argc, char **argv);
COMMAND int cmd_secret(int argc, char **argv);
COMMAND int cmd_send(int argc, char **argv);
COMMAND int cmd_sign(int argc, char **argv);
COMMAND int cmd_stop(int argc, char **argv);
COMMAND int cmd_trust(int argc, char **argv);
COMMAND int cmd_unseal(int argc, char **argv);
COMMAND int cmd_verify(int argc, char **argv);
COMMAND int cmd_version(int argc, char **argv);

/* Prints the fault as "tobichi: error: ..." and returns EXIT_ERROR. */
int cli_fail(const struct tobi_fault *fault);
/* The same for a message of the command's own. */
int cli_error(const char *format, ...) TOBI_PRINTF(1, 2);
/* A wrong option or argument: the message, and where the usage is. EXIT_ERROR. */
int cli_usage(const char *command, const char *format, ...) TOBI_PRINTF(2, 3);

/* ANSI colours are wanted on this stream: a terminal, and NO_COLOR is not set. */
bool cli_color(FILE *stream);
/* To a file, or to standard output when path is NULL. EXIT_ACCEPTED or EXIT_ERROR. */
int cli_put(const char *path, struct tobi_bytes bytes);
/* The same, indented; takes the reference. */
int cli_put_json(const char *path, json_t *json);
/* Text from outside, for people: control characters become \xNN. */
void cli_print_text(FILE *stream, struct tobi_bytes text);

/* Another program of ours: beside this one, after an installation in ../libexec/tobichi,
 * or in the build tree's daemons/FOLDER. False when it is in none of these. */
bool cli_find_program(const char *name, const char *folder, char *ret_path, size_t room);

enum { CLI_TIME_SIZE = 24 };
/* 2026-05-17T12:00:00Z */
void cli_format_time(int64_t seconds, char out[static CLI_TIME_SIZE]);
/* Decimal digits only, at most max. */
bool cli_read_number(const char *text, uint64_t max, uint64_t *ret_number);

/* A private key file (mode 0600, PKCS#8 PEM). EVP_PKEY_free() it. */
TOBI_MUST_USE enum tobi_err cli_read_private_key(const char *path, EVP_PKEY **ret_key,
						 struct tobi_fault *fault);
/* Whose key somebody has to have: SHA-384 of its SubjectPublicKeyInfo, in 96 hexadecimal
 * digits, or a file with the public key or with a certificate of it. */
TOBI_MUST_USE enum tobi_err cli_read_key_hash(const char *value, const char *object,
					      uint8_t ret_hash[static SHA384_SIZE],
					      struct tobi_fault *fault);

#endif
