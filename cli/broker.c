#include "cli/broker.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"

enum { ARGUMENTS_MAX = 8 };

int broker_become(char *const *arguments)
{
	char program[2 * LIMIT_PATH];

	if (!cli_find_program("tobichi-broker", "broker", program, sizeof(program)))
		return cli_error("tobichi-broker is not installed beside tobichi");
	execv(program, arguments);
	return cli_error("cannot start %s: %s", program, strerror(errno));
}

int broker_call(char *const *arguments)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return cli_error("cannot start a process: %s", strerror(errno));
	if (pid == 0)
		_exit(broker_become(arguments));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ERROR;
}

static int pass_on(const char *config, const char *command, bool json)
{
	char *const arguments[ARGUMENTS_MAX] = {(char *)"tobichi-broker",
						(char *)"--config",
						(char *)config,
						(char *)command,
						json ? (char *)"--json" : NULL,
						NULL};

	return broker_become(arguments);
}

static int cmd_pass(int argc, char **argv, bool is_status)
{
	static const struct option known[] = {{"config", required_argument, NULL, 'c'},
					      {"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	const char *config = BROKER_FOLDER "/" BROKER_CONFIG;
	bool json = false;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'c')
			config = optarg;
		else if (option == 'j' && is_status)
			json = true;
		else
			return cli_usage("broker", "wrong option");
	}
	if (optind != argc)
		return cli_usage("broker", "it takes no argument");
	return pass_on(config, is_status ? "status" : NULL, json);
}

static int cmd_init(int argc, char **argv)
{
	static const struct option known[] = {
	    {"name", required_argument, NULL, 'n'},
	    {"host", required_argument, NULL, 'h'},
	    {"listen", required_argument, NULL, 'l'},
	    {"database", required_argument, NULL, 'd'},
	    {"keys", required_argument, NULL, 'k'},
	    {"pin-file", required_argument, NULL, 'p'},
	    {"certificate", required_argument, NULL, 'c'},
	    {"tls-key", required_argument, NULL, 't'},
	    {"operator", required_argument, NULL, 'o'},
	    {"user", required_argument, NULL, 'u'},
	    {"metrics", required_argument, NULL, 'm'},
	    {"plain", no_argument, NULL, 'x'},
	    {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0}};
	struct broker_plan plan = {.folder = BROKER_FOLDER, .listen = "127.0.0.1:8443"};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'n':
			plan.name = optarg;
			break;
		case 'h':
			if (plan.host_count == BROKER_HOSTS)
				return cli_usage("broker", "there are too many --host");
			plan.hosts[plan.host_count++] = optarg;
			break;
		case 'l':
			plan.listen = optarg;
			break;
		case 'd':
			plan.database = optarg;
			break;
		case 'k':
			plan.keys = optarg;
			break;
		case 'p':
			plan.pin_file = optarg;
			break;
		case 'c':
			plan.certificate = optarg;
			break;
		case 't':
			plan.tls_key = optarg;
			break;
		case 'o':
			plan.operator_key = optarg;
			break;
		case 'u':
			plan.user = optarg;
			break;
		case 'm':
			plan.metrics = optarg;
			break;
		case 'x':
			plan.plain = true;
			break;
		case 'j':
			plan.json = true;
			break;
		default:
			return cli_usage("broker", "wrong option");
		}
	}
	if (argc - optind > 1)
		return cli_usage("broker", "init takes one folder");
	if (optind < argc)
		plan.folder = argv[optind];
	if (!plan.certificate != !plan.tls_key || (plan.plain && plan.certificate))
		return cli_usage("broker",
				 "--certificate and --tls-key go together, and not "
				 "with --plain");
	return broker_init(&plan);
}

int cmd_broker(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "init") == 0)
		return cmd_init(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "serve") == 0)
		return cmd_pass(argc - 1, argv + 1, false);
	if (argc > 1 && strcmp(argv[1], "status") == 0)
		return cmd_pass(argc - 1, argv + 1, true);
	if (argc > 1 && strcmp(argv[1], "rotate-keys") == 0)
		return broker_rotate_keys(argc - 1, argv + 1);
	return cli_usage("broker", "it needs init, serve, status or rotate-keys");
}
