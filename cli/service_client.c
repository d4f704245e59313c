#include "cli/service_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "cli/cli.h"
#include "codec/cbor.h"
#include "root/root.h"

/* A service is there after some 30 ms: looked for each millisecond at first. */
enum { START_MS = 5000, AGAIN_MS = 500, SOON_MS = 100, PAUSE_MS = 20 };

enum tobi_err service_folders(struct service_folders *ret_folders,
			      struct tobi_fault *fault)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	struct service_folders folders;
	size_t room = sizeof(folders.run);
	int used;

	if (geteuid() == 0) {
		run = getenv("TOBICHI_RUN_FOLDER");
		data = getenv("TOBICHI_STATE_FOLDER");
		used = snprintf(folders.run, room, "%s", run ? run : "/run/tobichi");
		if (used < (int)room)
			used = snprintf(folders.state, room, "%s",
					data ? data : "/var/lib/tobichi");
	} else {
		used = run ? snprintf(folders.run, room, "%s/tobichi", run)
			   : snprintf(folders.run, room, "/tmp/tobichi-%u",
				      (unsigned)geteuid());
		if (!data && !home)
			return fault_set(fault, TOBI_E_NOT_FOUND, "service", "folders",
					 "HOME is not set");
		if (used < (int)room)
			used = data ? snprintf(folders.state, room, "%s/tobichi", data)
				    : snprintf(folders.state, room,
					       "%s/.local/share/tobichi", home);
	}
	if (used >= (int)room)
		return fault_set(fault, TOBI_E_LIMIT, "service", "folders",
				 "a path is too long");
	*ret_folders = folders;
	return TOBI_OK;
}

/* Somebody else who made the folder first would get the program and its input. */
static enum tobi_err check_run_folder(const char *path, struct tobi_fault *fault)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? TOBI_OK
				       : fault_errno(fault, "service", "run folder",
						     "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, "service", "run folder",
				 "%s must be a folder of yours that others cannot enter",
				 path);
	return TOBI_OK;
}

static enum tobi_err check_peer(int fd, const char *run_folder, struct tobi_fault *fault)
{
	uid_t uid = (uid_t)-1;
	pid_t pid = 0;
	enum tobi_err err = packet_peer(fd, &uid, &pid, fault);

	if (!err && uid != geteuid())
		err = fault_set(fault, TOBI_E_DENIED, "service", "socket",
				"another user listens in %s", run_folder);
	return err;
}

/* ret_fd is left as it is when nobody listens. */
static enum tobi_err try_connect(const char *run_folder, int *ret_fd,
				 struct tobi_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t room = sizeof(address.sun_path);
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = check_run_folder(run_folder, fault);

	if (err)
		return err;
	if ((size_t)snprintf(address.sun_path, room, "%s/service.sock", run_folder) >=
	    room)
		return fault_set(fault, TOBI_E_LIMIT, "service", "run folder",
				 "its path is too long");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return TOBI_OK;
	err = check_peer(fd, run_folder, fault);
	if (!err) {
		*ret_fd = fd;
		fd = -1;
	}
	return err;
}

static enum tobi_err make_platform(const char *state, struct tobi_fault *fault)
{
	struct tobi_fault ignored = {0};
	struct root *root = NULL;
	enum tobi_err err = root_open(state, &root, fault);

	root_free(err ? NULL : root);
	if (err != TOBI_E_NOT_FOUND)
		return err;
	err = root_init(state, "file", NULL, time(NULL), &ignored);
	/* Another run may have been faster. */
	if (err == TOBI_E_EXISTS)
		return TOBI_OK;
	if (err) {
		*fault = ignored;
		return err;
	}
	fprintf(stderr, "tobichi: made this host's platform keys in %s\n", state);
	return TOBI_OK;
}

/* A grandchild, so that it is nobody's zombie; its words go to a file in its folder. */
static enum tobi_err start_service(const struct service_folders *folders,
				   struct tobi_fault *fault)
{
	char program[2 * LIMIT_PATH], log[LIMIT_PATH];
	enum tobi_err err;
	pid_t pid;

	if (!cli_find_program("tobichid", "platform", program, sizeof(program)))
		return fault_set(fault, TOBI_E_NOT_FOUND, "service", "",
				 "tobichid is not installed beside tobichi");
	if (mkdir(folders->run, 0700) && errno != EEXIST)
		return fault_errno(fault, "service", "run folder", "cannot make %s",
				   folders->run);
	err = check_run_folder(folders->run, fault);
	if (err)
		return err;
	snprintf(log, sizeof(log), "%s/service.log", folders->run);
	pid = fork();
	if (pid < 0)
		return fault_errno(fault, "service", "", "cannot be started");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		int words = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);

		if (fork() != 0)
			_exit(0);
		setsid();
		if (null < 0 || words < 0 || chdir("/") || dup2(null, 0) < 0 ||
		    dup2(null, 1) < 0 || dup2(words, 2) < 0)
			_exit(1);
		closefrom(3);
		execl(program, "tobichid", "--private", "--run-folder", folders->run,
		      "--state-folder", folders->state, (char *)NULL);
		_exit(1);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return TOBI_OK;
}

enum tobi_err service_connect(bool start, int *ret_fd, struct tobi_fault *fault)
{
	struct service_folders folders;
	enum tobi_err err = service_folders(&folders, fault);
	int fd = -1;

	if (!err)
		err = try_connect(folders.run, &fd, fault);
	if (err)
		return err;
	if (fd < 0 && !start)
		return fault_set(fault, TOBI_E_NOT_FOUND, "service", "",
				 "no platform service runs; `tobichi run` starts one");
	if (fd < 0)
		err = make_platform(folders.state, fault);
	for (int waited = 0, next = 0, pause = 1; fd < 0 && !err && waited < START_MS;
	     waited += pause) {
		/* Again now and then: the one that was ending may have held the lock. */
		if (waited >= next) {
			err = start_service(&folders, fault);
			next += AGAIN_MS;
		}
		if (waited >= SOON_MS)
			pause = PAUSE_MS;
		poll(NULL, 0, pause);
		if (!err)
			err = try_connect(folders.run, &fd, fault);
	}
	if (err)
		return err;
	if (fd < 0)
		return fault_set(fault, TOBI_E_TIMEOUT, "service", "",
				 "it did not start; see %s/service.log", folders.run);
	*ret_fd = fd;
	return TOBI_OK;
}

void service_request(struct writer *out, enum control_request kind, unsigned more)
{
	cbor_write_map(out, 1 + more);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
}

uint64_t service_reply_kind(struct tobi_bytes reply)
{
	struct cbor cbor = cbor_init(reply, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 16, "reply");
	int64_t key = -1;

	return cbor_map_int(&cbor, &map, &key, "kind") && key == 0
		   ? cbor_uint(&cbor, "kind")
		   : 0;
}

enum tobi_err service_ask(int fd, const struct writer *request, unsigned expected,
			  struct packet *ret_reply, struct tobi_fault *fault)
{
	struct packet reply = {0};
	uint64_t kind;
	enum tobi_err err = wr_err(request);

	if (err)
		return fault_set(fault, err, "request", "", "it is too large");
	err = packet_send(fd, wr_view(request), NULL, 0, fault);
	if (!err)
		err = packet_receive(fd, LIMIT_CONTROL_REPLY, &reply, fault);
	if (err)
		return err;
	kind = service_reply_kind(wr_view(&reply.bytes));
	if (kind == REPLY_FAULT)
		err = packet_read_fault(wr_view(&reply.bytes), fault);
	else if (kind != expected)
		err = fault_set(fault, TOBI_E_PROTOCOL, "service", "",
				"it gave another answer");
	if (err) {
		packet_done(&reply);
		return err;
	}
	*ret_reply = reply;
	return TOBI_OK;
}
