/* What the commands share. Each command is one file and one row of the table in main.c.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/writer.h"

enum cli_exit { EXIT_ACCEPTED = 0, EXIT_REFUSED = 1, EXIT_ERROR = 2 };

struct command {
	const char *name;
	const char *synopsis; /* after the name: "IMAGE [--json]" */
	const char *summary;  /* one line for `tobichi help` */
	const char
	    *options; /* one line each, "  --json   as JSON\n"; for `tobichi help NAME` */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

int cmd_build(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_connect(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* Prints the fault as "tobichi: error: ..." and returns EXIT_ERROR. */
int cli_fail(const struct tobi_fault *fault);
/* The same for a message of the command's own. */
int cli_error(const char *format, ...) TOBI_PRINTF(1, 2);
/* A wrong option or argument: the message, and where the usage is. EXIT_ERROR. */
int cli_usage(const char *command, const char *format, ...) TOBI_PRINTF(2, 3);

/* ANSI colours are wanted on this stream: a terminal, and NO_COLOR is not set. */
bool cli_color(FILE *stream);

#endif
