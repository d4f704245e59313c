/* The platform service: what its files share. */
#ifndef PLATFORM_SERVICE_H
#define PLATFORM_SERVICE_H

#include <event2/event.h>

#include "daemons/platform/counter.h"
#include "daemons/platform/outbox.h"
#include "daemons/platform/output.h"
#include "daemons/platform/pace.h"
#include "daemons/platform/request.h"
#include "daemons/platform/signer.h"
#include "image/image.h"
#include "ipc/packet.h"
#include "isolate/isolate.h"

struct service;
struct client;
struct hardware;

enum enclave_state { ENCLAVE_STARTING, ENCLAVE_WAITING, ENCLAVE_RUNNING, ENCLAVE_ENDING };

struct enclave {
	struct service *service;
	struct client
	    *client; /* of an attached launch, until it goes; or waiting for the start */
	bool detached;
	char id[9];
	char name[LIMIT_NAME + 1];
	enum enclave_state state;
	int64_t started;
	struct image *image;
	struct launch_config *config;
	uint8_t config_id[SHA384_SIZE];
	uint8_t instance[16];
	uint8_t owner[SHA384_SIZE];
	char broker[LIMIT_TARGET + 1];
	struct isolate isolate;
	uint64_t protections;
	struct published ports[LIMIT_PORTS];
	size_t port_count;
	int channel;
	struct outbox outbox; /* to the agent */
	struct event *channel_event, *writable_event, *exit_event, *timer;
	bool was_ready;
	bool told;	/* ENDED, or a fault, has come */
	bool by_signal; /* how the program ended */
	unsigned status;
	const char *reason;	  /* of the end, a literal; NULL: none */
	struct tobi_fault fault;  /* code OK: none */
	struct client *attester;  /* waits for the evidence of the last ATTEST */
	uint64_t attest_number;	  /* of the last one */
	unsigned attest_open;	  /* how many have no answer yet */
	struct output output;	  /* of a detached one */
	struct courier *couriers; /* egress.c */
	size_t egress_open, egress_dialing;
	unsigned notes;
	struct pace messages, connects;
	struct enclave *next;
};

/* One of the service's own processes, watched. */
struct helper {
	pid_t pid;
	int pidfd;
	struct event *event;
};

struct service {
	struct event_base *base;
	const char *run_folder;
	bool private; /* ends when it is idle */
	struct signer signer;
	struct hardware *hardware; /* of the guest around; NULL: none is asked */
	struct counter_desk counters;
	int agent_fd;
	int kept_fd; /* measured last (measure.h); for KEPT_SECONDS after a launch */
	struct event *kept_timer;
	uint8_t agent_hash[SHA384_SIZE], own_hash[SHA384_SIZE];
	struct enclave *enclaves;
	struct client *clients;
	size_t enclave_count;
	size_t courier_count;
	const char *courier; /* the program; NULL: this one */
	int64_t courier_ms;  /* to look up and connect; 0: EGRESS_SECONDS */
	int listener;
	struct event *listen_event, *listen_timer, *idle_timer, *int_event, *term_event;
	bool stopping;
	int lock;	  /* of the run folder; the sweeper has it too */
	int sweeper_pipe; /* its other end is the sweeper's: closed when this process ends
			   */
	struct helper sweeper, signer_helper;
	struct tobi_fault fault; /* why the service ends; code OK: it was asked to */
};

/* enclave.c. Descriptors are taken from the packet. */
TOBI_MUST_USE enum tobi_err enclave_launch(struct service *service, struct client *client,
					   const struct launch_request *request,
					   struct packet *packet,
					   struct enclave **ret_enclave,
					   struct tobi_fault *fault);
void enclave_signal(struct enclave *enclave, unsigned number);
void enclave_stop(struct enclave *enclave, unsigned grace_seconds);
/* How long it has for what it does now. */
void enclave_set_timer(struct enclave *enclave, unsigned seconds);
enum { ENCLAVE_END_SECONDS = 5 }; /* for an agent whose program has ended */
enum { KEPT_SECONDS = 60 };	  /* a measured image, for its next launch */
/* The client has gone: an attached enclave ends with it. */
void enclave_client_gone(struct enclave *enclave, struct client *client);
/* By id, or by a name that only one has. */
struct enclave *enclave_find(struct service *service, struct tobi_bytes id);

/* agent_channel.c */
void enclave_attest(struct enclave *enclave, struct client *client,
		    struct tobi_bytes nonce);

/* report.c */
TOBI_MUST_USE enum tobi_err report_make(struct enclave *enclave,
					const uint8_t nonce[static 32],
					struct writer *out, struct tobi_fault *fault);

/* agent_channel.c: a report and the guest's evidence for it, or why not. */
void enclave_reported(struct enclave *enclave, const uint8_t hash[static 32],
		      struct tobi_bytes guest, const struct tobi_fault *why);

/* control.c */
TOBI_MUST_USE enum tobi_err control_open(struct service *service,
					 struct tobi_fault *fault);
/* Nobody is connected, and nobody can be from now on; else false, and all is as before.
 */
bool control_is_idle(struct service *service);
void control_close(struct service *service);
void client_send(struct client *client, const struct writer *message);
void client_send_fault(struct client *client, const struct tobi_fault *fault);
void client_started(struct client *client, const struct enclave *enclave);
void client_exited(struct client *client, const struct enclave *enclave);
/* Tells those who wait for its end, and forgets it. */
void control_enclave_gone(struct service *service, const struct enclave *enclave);
void client_evidence(struct client *client, struct tobi_bytes evidence);

/* helpers.c. The sweeper only waits for the service's end, however it comes, and then
 * takes away what a killed service leaves. It holds the lock meanwhile, so that no new
 * service starts among leftovers. */
TOBI_MUST_USE enum tobi_err sweeper_start(struct service *service,
					  struct tobi_fault *fault);
void sweeper_stop(struct service *service);
/* The service ends when its signer does. */
TOBI_MUST_USE enum tobi_err signer_watch(struct service *service,
					 struct tobi_fault *fault);
void signer_unwatch(struct service *service);

/* main.c: an enclave has ended, or a client has gone. */
void service_maybe_idle(struct service *service);
/* It cannot do its work any more: it ends its enclaves, then itself, with the first fault
 * that it was given. */
void service_fail(struct service *service, const struct tobi_fault *fault);

#endif
