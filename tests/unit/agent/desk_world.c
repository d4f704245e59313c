#include "desk_world.h"

#include "base/fault.h"

struct desk_world world;

const uint8_t key[SEAL_KEY_SIZE] = {9, 9, 9};

static enum tobi_err begin(void *context, struct tobi_fault *fault)
{
	(void)context, (void)fault;
	return world.begun;
}

static void on_key(void *context, const struct key_wanted *wanted)
{
	(void)context;
	world.keys_asked++;
	world.key = *wanted;
}

static void on_counter(void *context, const struct counter_wanted *wanted)
{
	(void)context;
	world.counters_asked++;
	world.counter = *wanted;
	memcpy(world.name, wanted->name.ptr, wanted->name.size);
	world.name[wanted->name.size] = 0;
}

static bool counts_elsewhere;

static void on_count(void *context, uint64_t number, const struct counter_wanted *wanted)
{
	(void)context;
	assert_true(world.counts_asked < 4);
	world.counts[world.counts_asked++] = number;
	world.counter = *wanted;
}

static void on_connect(void *context, uint64_t number, struct tobi_bytes target,
		       struct tobi_bytes policy)
{
	(void)context, (void)policy;
	assert_true(world.connects_asked < 4);
	world.connects[world.connects_asked++] = number;
	snprintf(world.target, sizeof(world.target), "%.*s", (int)target.size,
		 (const char *)target.ptr);
}

static enum tobi_err on_peer(void *context, const struct ask *ask,
			     struct peer_told *ret_told, int *ret_collection,
			     struct tobi_fault *fault)
{
	(void)context;
	world.source = ask->source;
	world.port = ask->port;
	if (world.no_peer)
		return fault_set(fault, world.no_peer, "peer", "", "no such connection");
	*ret_told = world.told;
	return memfile_new(world.collection, ret_collection, fault);
}

int enter_with(int idle_ms)
{
	struct desk_setup setup = {.folder = world.folder,
				   .uid = (uid_t)-1,
				   .gid = (gid_t)-1,
				   .identity = &world.identity,
				   .idle_ms = idle_ms,
				   .begin = begin,
				   .ask_key = on_key,
				   .ask_counter = on_counter,
				   .count = counts_elsewhere ? on_count : NULL,
				   .connect = on_connect,
				   .peer = on_peer};

	memset(&world, 0, sizeof(world));
	snprintf(world.folder, sizeof(world.folder), "/tmp/tobichi-desk-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.path, sizeof(world.path), "%s/" ASK_SOCKET, world.folder);
	world.identity.image[0] = 0xaa;
	world.identity.signers[0][0] = 0x11;
	world.identity.signer_count = 1;
	world.identity.product = 3;
	world.identity.svn = 7;
	world.base = event_base_new();
	setup.base = world.base;
	return desk_new(&setup, &world.desk, NULL) ? -1 : 0;
}

int enter(void **state)
{
	(void)state;
	return enter_with(60000);
}

int enter_counting(void **state)
{
	int status;

	counts_elsewhere = true;
	status = enter(state);
	counts_elsewhere = false;
	return status;
}

int leave(void **state)
{
	(void)state;
	desk_free(world.desk);
	event_base_free(world.base);
	return rmdir(world.folder);
}

void run(void)
{
	for (int i = 0; i < 64; i++)
		event_base_loop(world.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

int visit(void)
{
	int fd = -1;

	assert_int_equal(client_connect_to(world.path, &fd, NULL), TOBI_OK);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	run();
	return fd;
}

void say(int fd, const struct ask *ask, int content)
{
	struct writer out = wr_init(LIMIT_ASK);

	ask_write(&out, ask);
	assert_int_equal(packet_send(fd, wr_view(&out), &content, content >= 0, NULL),
			 TOBI_OK);
	wr_done(&out);
	run();
}

/* A new visitor, who asks with this content. */
int visit_with(const struct ask *ask, struct tobi_bytes content)
{
	int fd = visit(), file = -1;

	assert_int_equal(memfile_new(content, &file, NULL), TOBI_OK);
	say(fd, ask, file);
	close(file);
	return fd;
}

/* TOBI_E_TIMEOUT: no answer yet. */
enum tobi_err hear(int fd, struct answer *ret_answer, int *ret_content)
{
	struct packet packet = {0};
	enum tobi_err err = packet_receive(fd, LIMIT_ASK, &packet, NULL);

	if (!err)
		err = answer_parse(wr_view(&packet.bytes), ret_answer, NULL);
	if (!err)
		*ret_content = packet_take_fd(&packet, 0);
	packet_done(&packet);
	return err;
}

enum tobi_err told(int fd)
{
	struct answer answer;
	int none = -1;
	enum tobi_err err = hear(fd, &answer, &none);

	assert_int_equal(none, -1);
	return err;
}

void give_key(void)
{
	assert_int_equal(desk_key(world.desk, key, NULL), TOBI_OK);
	run();
}

const struct ask seal = {.kind = ASK_SEAL}, unseal = {.kind = ASK_UNSEAL};

struct block content_of(int fd)
{
	struct block block;
	struct answer answer;
	size_t size = 0;
	int file = -1;

	assert_int_equal(hear(fd, &answer, &file), TOBI_OK);
	assert_int_equal(answer.kind, ANSWER_CONTENT);
	assert_int_equal(memfile_size(file, SEAL_OBJECT_MAX, &size, NULL), TOBI_OK);
	block = (struct block){malloc(size + 1), size};
	assert_int_equal(fd_pread_all(file, block.ptr, size, 0, "content", NULL),
			 TOBI_OK);
	close(file);
	return block;
}

struct block seal_text(const char *text)
{
	int fd = visit_with(&seal, text_bytes(text));
	struct block sealed;

	give_key();
	sealed = content_of(fd);
	close(fd);
	run();
	return sealed;
}
