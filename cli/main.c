#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

/* The only list of commands: usage, `tobichi help` and dispatch all read it. */
static const struct command commands[] = {
    {"build", "[OPTION...] -- PROGRAM [ARGUMENT...]", "pack a program into an image",
     "  -o, --output FILE      the image (NAME.tobi); its policy is written beside it\n"
     "  --root FOLDER          a root folder instead of a program of this host\n"
     "  --add PATH[:INSIDE]    a file or folder more\n"
     "  --tier soft            a policy that accepts this host without TEE hardware\n"
     "  --port N               a TCP port on which the program listens\n"
     "  --env NAME=VALUE       environment\n"
     "  --user UID[:GID]       the program's user (1000)\n"
     "  --directory PATH       where it starts (/home)\n"
     "  --writable PATH        a writable path more (beside /home /run /tmp /var)\n"
     "  --writable-size SIZE   for all of them together (64M)\n"
     "  --memory SIZE          (512M)   --cpus N        (2)\n"
     "  --processes N          (256)    --files N       (1024)\n"
     "  --secret NAME          a secret to wait for before the start\n"
     "  --product N, --svn N   product id and security version\n"
     "  --key FILE             sign with this key\n"
     "  --name NAME, --discard-output, --debug\n",
     cmd_build},
    {"help", "[COMMAND]", "list the commands, or explain one", "", cmd_help},
    {"connect", "HOST:PORT --policy FILE [--listen ADDR:PORT | -- COMMAND [ARG...]]",
     "open a channel to an enclave that has proven itself",
     "  --policy FILE       what the enclave must prove\n"
     "  --listen ADDR:PORT  open a local port, once the enclave is accepted\n"
     "  -- COMMAND          run a command with the session as its standard streams\n"
     "  --key FILE          this client's private key\n"
     "  --name HOST         the name that a certificate must have (identity: ca)\n"
     "  --verbose           list every check\n"
     "  --quiet             say nothing after an acceptance\n",
     cmd_connect},
    {"run", "[OPTION...] IMAGE", "run an image in an enclave",
     "  -p, --publish [ADDRESS:]PORT[:INNER]  attested TLS on this port of the host\n"
     "  -d, --detach            print the enclave's id and return\n"
     "  --env NAME=VALUE, --arg ARGUMENT      added at launch; part of the config id\n"
     "  --name NAME\n",
     cmd_run},
    {"send", "HOST:PORT --policy FILE [--key FILE] NAME=FILE...",
     "hand secrets to an enclave that has proven itself",
     "  --policy FILE  what the enclave must prove\n"
     "  --key FILE     the owner's private key, where the launch config names an owner\n"
     "  --name HOST    the name that a certificate must have (identity: ca)\n"
     "  --verbose      list every check\n"
     "  NAME=FILE      a file that only you may read; - for standard input\n",
     cmd_send},
    {"verify",
     "EVIDENCE --policy FILE [--nonce HEX] [--at TIME] [--json | --html] [-o FILE]",
     "appraise an evidence file, and explain the verdict",
     "  --policy FILE  what the evidence must prove\n"
     "  --nonce HEX    the nonce that you chose\n"
     "  --at TIME      appraise as of 2026-05-17T12:00:00Z, not now\n"
     "  --json         an EAR claims-set, unsigned\n"
     "  --html         one self-contained page\n"
     "  -o FILE        write to a file\n",
     cmd_verify},
    {"version", "", "print the version", "", cmd_version},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static void print_overview(FILE *stream)
{
	fprintf(
	    stream,
	    "Usage: tobichi COMMAND ...\n\n"
	    "Runs programs in enclaves, proves what runs, and opens channels only to\n"
	    "what was proven.\n\nCommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fprintf(stream,
		"\n`tobichi help COMMAND` explains one; the manual is tobichi(1).\n");
}

int cmd_help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_overview(stdout);
		return EXIT_ACCEPTED;
	}
	command = find_command(argv[1]);
	if (!command)
		return cli_error("there is no command '%s'; `tobichi help` lists them",
				 argv[1]);
	printf("tobichi %s: %s\n\nUsage: tobichi %s %s\n", command->name,
	       command->summary, command->name, command->synopsis);
	if (command->options[0])
		printf("\nOptions:\n%s", command->options);
	printf("\nThe manual is tobichi-%s(1).\n", command->name);
	return EXIT_ACCEPTED;
}

int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return cli_usage("version", "it takes no argument");
	printf("tobichi " TOBICHI_VERSION "\n");
	return EXIT_ACCEPTED;
}

int cli_fail(const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	fprintf(stderr, "tobichi: error: %s\n", text);
	return EXIT_ERROR;
}

int cli_error(const char *format, ...)
{
	va_list args;

	fputs("tobichi: error: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_ERROR;
}

int cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tobichi %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; `tobichi help %s` shows how it is used\n", command);
	return EXIT_ERROR;
}

bool cli_color(FILE *stream)
{
	return isatty(fileno(stream)) && !getenv("NO_COLOR");
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_ERROR;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cmd_help(1, argv);
	if (strcmp(argv[1], "--version") == 0)
		return cmd_version(1, argv);
	command = find_command(argv[1]);
	if (!command)
		return cli_error("there is no command '%s'; `tobichi help` lists them",
				 argv[1]);
	if (argc > 2 && strcmp(argv[2], "--help") == 0) {
		argv[2] = argv[1];
		return cmd_help(2, &argv[1]);
	}
	return command->run(argc - 1, argv + 1);
}
