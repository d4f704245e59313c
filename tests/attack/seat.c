/*
 * Sits in the agent's seat: what an agent that was taken over could do after it has
 * confined itself, as the real one does. Started by the service in the agent's place; the
 * image's arguments say which attack.
 *
 * Usage, without a wall: seat KIND [ARGUMENT], with a service that believes everything at
 * descriptor 3.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/hex.h"
#include "codec/cbor.h"
#include "daemons/agent/channel.h"
#include "daemons/agent/message.h"
#include "daemons/agent/program.h"
#include "ipc/packet.h"
#include "isolate/isolate.h"
#include "tests/attack/attack.h"
#include "token/soft_token.h"

enum {
	REPORT = 4,
	TOKEN = 5,
	KEY = 6,
	KEY_REPLY = 7,
	EVIDENCE = 9,
	FAULT = 13,
	COUNTER = 14,
	COUNTER_REPLY = 15,
	HASH = 32
};
enum { FLOOD = 20000, DESCRIPTORS = 16 };

static void head(struct writer *out, unsigned entries, unsigned kind)
{
	cbor_write_map(out, entries);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
	cbor_write_uint(out, 1);
}

static void write_report(struct writer *out, struct tobi_bytes name)
{
	const uint8_t hash[HASH] = {0};

	head(out, name.size ? 3 : 2, REPORT);
	cbor_write_bytes(out, (struct tobi_bytes){hash, HASH});
	if (name.size) {
		cbor_write_uint(out, 2);
		cbor_write_bytes(out, name);
	}
}

static void write_key(struct writer *out, unsigned kind, struct tobi_bytes name,
		      unsigned svn)
{
	head(out, 5, KEY);
	cbor_write_uint(out, kind);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, name);
	cbor_write_uint(out, 3);
	cbor_write_uint(out, svn);
	cbor_write_uint(out, 4);
	cbor_write_text(out, "attack");
}

/* Moves a signer's counter on. */
static void write_counter(struct writer *out, struct tobi_bytes name)
{
	head(out, 5, COUNTER);
	cbor_write_bool(out, true);
	cbor_write_uint(out, 2);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, 3);
	cbor_write_bytes(out, name);
	cbor_write_uint(out, 4);
	cbor_write_text(out, "attack");
}

/* The message of this kind, in the name of the image or signer with this id. */
static int write_message(struct writer *out, const char *kind, struct tobi_bytes name,
			 unsigned svn)
{
	if (strcmp(kind, "report") == 0)
		write_report(out, name);
	else if (strcmp(kind, "key-image") == 0)
		write_key(out, 0, name, svn);
	else if (strcmp(kind, "key-signer") == 0)
		write_key(out, 1, name, svn);
	else if (strcmp(kind, "counter") == 0)
		write_counter(out, name);
	else if (strcmp(kind, "token") == 0) {
		head(out, 2, TOKEN);
		cbor_write_bytes(out, name);
	} else if (strcmp(kind, "evidence") == 0) {
		head(out, 3, EVIDENCE);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 2);
		cbor_write_bytes(out, name);
	} else {
		return -1;
	}
	return wr_err(out) ? -1 : 0;
}

static enum outcome hear(void)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_fault fault = {0};

	if (packet_receive(CHANNEL_FD, LIMIT_CHANNEL, &packet, &fault))
		return refused_because("the service hangs up");
	switch (packet.bytes.size > 2 ? packet.bytes.ptr[2] : 0) {
	case TOKEN:
		return worked("a report in its name");
	case KEY_REPLY:
		return worked("its key");
	case COUNTER_REPLY:
		return worked("its counter is moved");
	case EVIDENCE:
		return worked("the evidence is passed on");
	case FAULT:
		IGNORE(packet_read_fault(wr_view(&packet.bytes), &fault));
		return refused_because(fault.message);
	default:
		return refused_because("the service answers something else");
	}
}

/* ask KIND [NAME-IN-HEX [SVN]] */
static enum outcome ask(char **arguments)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	const char *text = arguments[1] ? arguments[1] : "";
	unsigned svn = arguments[1] && arguments[2] ? (unsigned)number(arguments[2]) : 0;
	uint8_t name[64];
	size_t size = strlen(text) / 2;

	for (size_t i = 0; i < size && i < sizeof(name); i++) {
		unsigned byte = 0;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1) /* NOLINT: of the suite */
			return absent("the name is no hexadecimal number");
		name[i] = (uint8_t)byte;
	}
	if (write_message(&out, need(arguments, 0), (struct tobi_bytes){name, size}, svn))
		return absent("there is no such message");
	if (packet_send(CHANNEL_FD, wr_view(&out), NULL, 0, NULL))
		return refused("send");
	return hear();
}

/* Descriptors that nobody has asked for, with messages that are in order. */
static enum outcome pass_descriptors(void)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	int fds[DESCRIPTORS], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return refused("open /dev/null");
	write_report(&out, (struct tobi_bytes){NULL, 0});
	for (int i = 0; i < DESCRIPTORS; i++)
		fds[i] = null;
	for (int i = 0; i < DESCRIPTORS; i++) {
		CLEANUP(packet_done) struct packet packet = {0};

		if (packet_send(CHANNEL_FD, wr_view(&out), fds, DESCRIPTORS, NULL) ||
		    packet_receive(CHANNEL_FD, LIMIT_CHANNEL, &packet, NULL))
			return refused("send of descriptors");
	}
	return worked("%d descriptors were taken", DESCRIPTORS * DESCRIPTORS);
}

/* Questions without an ear for the answers. */
static enum outcome flood_service(void)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	write_report(&out, (struct tobi_bytes){NULL, 0});
	for (int i = 0; i < FLOOD; i++) {
		if (packet_send(CHANNEL_FD, wr_view(&out), NULL, 0, NULL))
			return refused("send");
	}
	return worked("%d questions wait", FLOOD);
}

static void attack_from_here(char **arguments)
{
	if (strcmp(arguments[0], "batch") == 0)
		attack_batch(need(arguments, 1), "1");
	else if (strcmp(arguments[0], "descriptors") == 0)
		pass_descriptors();
	else if (strcmp(arguments[0], "flood-service") == 0)
		flood_service();
	else
		ask(arguments);
}

static void say(const struct writer *message)
{
	if (wr_err(message) || packet_send(CHANNEL_FD, wr_view(message), NULL, 0, NULL))
		_exit(1);
}

static int fail(const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	packet_write_fault(&out, FAULT, fault);
	IGNORE(packet_send(CHANNEL_FD, wr_view(&out), NULL, 0, NULL));
	return 1;
}

int main(int argc, char **argv)
{
	CLEANUP(agent_config_freep) struct agent_config *config = NULL;
	CLEANUP(wr_done) struct writer ready = wr_init(64);
	CLEANUP(wr_done) struct writer running = wr_init(64);
	CLEANUP(wr_done) struct writer ended = wr_init(64);
	struct program_vectors vectors;
	struct tobi_fault fault = {0};
	uint64_t protections = 0;
	enum tobi_err err;

	if (argc > 1)
		return attack_from_here(argv + 1), 0;
	err = agent_config_receive(CHANNEL_FD, &config, &fault);
	if (!err)
		err = program_vectors_make(&config->manifest, &config->launch, &vectors,
					   &fault);
	if (!err)
		err = isolate_confine_agent(&config->manifest, &protections, &fault);
	if (err)
		return fail(&fault);
	if (dup2(config->stdio[1], 1) < 0 || dup2(config->stdio[2], 2) < 0)
		return 1;
	/* As the real one: ready, running, and at the end as if a program had ended. */
	message_write_ready(&ready, protections | SOFT_OWN_USER);
	say(&ready);
	message_write_running(&running);
	say(&running);
	if (vectors.arguments[0] && vectors.arguments[1])
		attack_from_here(vectors.arguments + 1);
	fflush(stdout);
	message_write_ended(&ended, 0);
	say(&ended);
	return 0;
}
