/* Setting a broker up: tobichi broker init. */
#ifndef CLI_BROKER_H
#define CLI_BROKER_H

#include "cli/cli.h"

#define BROKER_FOLDER "/var/lib/tobichi-broker"
#define BROKER_CONFIG "broker.yaml"

enum { BROKER_HOSTS = 8 };

struct broker_plan {
	const char *folder;
	const char *name; /* NULL: the first host's address */
	const char *hosts[BROKER_HOSTS];
	size_t host_count;
	const char *listen, *database, *keys, *pin_file;
	const char *certificate, *tls_key; /* NULL: a self-signed one is made */
	const char *operator_key;	   /* public; NULL: a pair is made */
	const char *user, *metrics;
	bool plain, json;
};

int broker_init(const struct broker_plan *plan);
int broker_rotate_keys(int argc, char **argv);
/* Becomes tobichi-broker with these arguments (NULL ends them); returns an exit status
 * only when that fails. */
int broker_become(char *const *arguments);
/* The same in a child: its exit status. */
int broker_call(char *const *arguments);

/* A self-signed certificate for a TLS server (PEM), for a year. hosts: DNS names and
 * addresses, the port left out. */
TOBI_MUST_USE enum tobi_err broker_certificate(EVP_PKEY *key, const char *const *hosts,
					       size_t count, struct writer *out,
					       struct tobi_fault *fault);

#endif
