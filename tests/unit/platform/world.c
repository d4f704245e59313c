#include "tests/unit/platform/world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemons/platform/egress.h"
#include "ipc/control.h"

struct world world;

/* Of main.c, which the tests are linked without. */
void service_maybe_idle(struct service *service)
{
	(void)service;
	world.idle++;
}

void service_fail(struct service *service, const struct tobi_fault *fault)
{
	(void)service, (void)fault;
	world.failed++;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
}

static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static struct enclave *make_enclave(void)
{
	struct enclave *enclave = calloc(1, sizeof(*enclave));
	struct image *image = calloc(1, sizeof(*image));
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	packet_make_room(pair[0]);
	packet_make_room(pair[1]);
	image->manifest = calloc(1, sizeof(*image->manifest));
	image->manifest->svn = 7;
	image->manifest->product = 3;
	image->image_id[0] = 0xaa;
	image->signers[0][0] = 0x11;
	image->signers[1][0] = 0x22;
	image->signer_count = 2;
	enclave->image = image;
	enclave->config = calloc(1, sizeof(*enclave->config));
	enclave->service = &world.service;
	snprintf(enclave->id, sizeof(enclave->id), "01020304");
	snprintf(enclave->name, sizeof(enclave->name), "played");
	enclave->state = ENCLAVE_RUNNING;
	enclave->was_ready = enclave->detached = true;
	enclave->isolate = (struct isolate){.pid = start_process(), .pidfd = -1};
	enclave->channel = pair[0];
	world.agent = pair[1];
	output_init(&enclave->output);
	enclave->timer = evtimer_new(world.service.base, on_timer, NULL);
	assert_int_equal(agent_channel_watch(enclave, NULL), 0);
	return enclave;
}

int world_enter(void **state)
{
	char path[128];

	(void)state;
	world = (struct world){.folder = "/tmp/tobichi-world-XXXXXX"};
	world.service.listener = world.service.agent_fd = world.service.kept_fd = -1;
	assert_non_null(mkdtemp(world.folder));
	snprintf(path, sizeof(path), "%s/state", world.folder);
	assert_int_equal(root_init(path, "file", NULL, time(NULL), NULL), 0);
	assert_int_equal(signer_start(path, &world.service.signer, NULL), 0);
	snprintf(world.state, sizeof(world.state), "%s", path);
	world.service.counters.state_folder = world.state;
	world.service.run_folder = world.folder;
	world.service.base = event_base_new();
	assert_int_equal(control_open(&world.service, NULL), 0);
	world.enclave = make_enclave();
	world.service.enclaves = world.enclave;
	world.service.enclave_count = 1;
	return 0;
}

static void free_enclave(struct enclave *enclave)
{
	kill(enclave->isolate.pid, SIGKILL);
	waitpid(enclave->isolate.pid, NULL, 0);
	egress_done(enclave);
	agent_channel_done(enclave);
	event_free(enclave->timer);
	image_free(enclave->image);
	free(enclave->config);
	free(enclave);
}

int world_leave(void **state)
{
	static const char *const names[] = {"platform-ca.key", "platform-ca.pem",
					    "platform.key",    "platform.pem",
					    "seal-root",       "lock",
					    "counters",	       "counters.lock"};
	char path[128];

	(void)state;
	control_close(&world.service);
	free_enclave(world.enclave);
	fd_close(&world.agent);
	counter_desk_done(&world.service.counters);
	signer_stop(&world.service.signer);
	event_base_free(world.service.base);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/state/%s", world.folder, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/state", world.folder);
	return rmdir(path) || rmdir(world.folder) ? -1 : 0;
}

void world_run(void)
{
	/* Each round handles what the round before has made ready. They are counted: a
	 * service that spins is a failure, not a test without end. */
	for (int n = 0; n < 16; n++)
		event_base_loop(world.service.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

void world_say(const struct writer *message)
{
	assert_int_equal(packet_send(world.agent, wr_view(message), NULL, 0, NULL), 0);
	world_run();
}

bool world_hear(struct packet *ret_packet)
{
	return packet_receive(world.agent, LIMIT_CHANNEL, ret_packet, NULL) == TOBI_OK;
}

uint64_t world_kind(const struct packet *packet)
{
	struct cbor cbor = cbor_init(wr_view(&packet->bytes), CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 16, "packet");
	int64_t key = -1;

	assert_true(cbor_map_int(&cbor, &map, &key, "kind") && key == 0);
	return cbor_uint(&cbor, "kind");
}

bool world_enclave_is_killed(void)
{
	siginfo_t info = {0};

	/* Told to end, it is no longer listened to. */
	if (event_pending(world.enclave->channel_event, EV_READ, NULL))
		return false;
	assert_int_equal(
	    waitid(P_PID, (id_t)world.enclave->isolate.pid, &info, WEXITED | WNOWAIT), 0);
	return info.si_code == CLD_KILLED && info.si_status == SIGKILL;
}

int world_ask(const struct writer *request)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/service.sock",
		 world.folder);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(packet_send(fd, wr_view(request), NULL, 0, NULL), 0);
	world_run();
	return fd;
}

int world_ask_for_evidence(const char *nonce)
{
	struct writer out = wr_init(128);
	int client;

	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, REQUEST_ATTEST);
	cbor_write_uint(&out, 1);
	cbor_write_text(&out, world.enclave->id);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, text_bytes(nonce));
	client = world_ask(&out);
	wr_done(&out);
	return client;
}

bool world_answer(int client, struct packet *ret_packet)
{
	return packet_receive(client, LIMIT_CONTROL_REPLY, ret_packet, NULL) == TOBI_OK;
}

void world_hang_up(int client)
{
	close(client);
	world_run();
}
