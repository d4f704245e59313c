#include "cli/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "appraise/policy_files.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/cli.h"
#include "pki/cert.h"

static int64_t now(void)
{
	return time(NULL);
}

bool channel_split(const char *text, char *ret_host, size_t host_room, char *ret_port,
		   size_t port_room)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;
	char *end;
	long port;

	if (!colon || size == 0 || size >= host_room)
		return false;
	errno = 0;
	port = strtol(colon + 1, &end, 10);
	if (errno || *end || end == colon + 1 || port < 1 || port > 65535)
		return false;
	if (text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	}
	snprintf(ret_host, host_room, "%.*s", (int)size, text);
	snprintf(ret_port, port_room, "%ld", port);
	return true;
}

static enum tobi_err read_policy(struct channel *channel, struct tobi_fault *fault)
{
	return policy_read_file(channel->options.policy, &channel->policy, fault);
}

/* The client's own key, by which the enclave knows its owner, and a certificate for it.
 */
static enum tobi_err read_key(struct channel *channel, struct tobi_fault *fault)
{
	struct secret pem = {0};
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "tobichi client",
				       .not_before = now() - 3600,
				       .not_after = now() + 86400};
	enum tobi_err err;

	err = file_read_secret(channel->options.key, LIMIT_PEM, "key", &pem, fault);
	if (err)
		return err;
	err = key_read_private(secret_view(&pem), "key", &channel->endpoint.key, fault);
	secret_done(&pem);
	if (err)
		return err;
	request.key = channel->endpoint.key;
	err = cert_make(&request, NULL, NULL, &channel->certificate, fault);
	channel->endpoint.certificate = wr_view(&channel->certificate);
	return err;
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct channel *channel = context;

	(void)number;
	(void)what;
	channel->interrupted = true;
	event_base_loopbreak(channel->base);
}

static enum tobi_err set_up(struct channel *channel, struct tobi_fault *fault)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	struct atls_endpoint *endpoint = &channel->endpoint;
	enum tobi_err err;

	err = read_policy(channel, fault);
	if (!err && channel->options.key)
		err = read_key(channel, fault);
	if (!err)
		err = collateral_paths_load(&channel->options.collateral,
					    &channel->collateral, fault);
	if (err)
		return err;
	endpoint->role = TOBI_ROLE_CLIENT;
	endpoint->policy = channel->policy;
	endpoint->collateral = channel->collateral;
	endpoint->protocols = channel->options.protocols;
	endpoint->host_name =
	    channel->options.name ? channel->options.name : channel->host;
	endpoint->now = now;
	err = atls_tls_new(endpoint, &endpoint->tls, fault);
	if (err)
		return err;
	channel->base = event_base_new();
	for (size_t i = 0; channel->base && i < 2; i++) {
		channel->signals[i] =
		    evsignal_new(channel->base, numbers[i], on_signal, channel);
		if (channel->signals[i])
			event_add(channel->signals[i], NULL);
	}
	if (!channel->base || !channel->signals[0] || !channel->signals[1])
		return fault_set(fault, TOBI_E_MEMORY, "event loop", "", "out of memory");
	return TOBI_OK;
}

int channel_init(struct channel *channel, const char *command,
		 const struct channel_options *options)
{
	struct tobi_fault fault = {0};

	*channel = (struct channel){.options = *options,
				    .certificate = wr_init(LIMIT_CERTIFICATE)};
	if (!channel_split(options->target, channel->host, sizeof(channel->host),
			   channel->port, sizeof(channel->port)))
		return cli_usage(command, "'%s' is not HOST:PORT", options->target);
	if (!options->policy)
		return cli_usage(command,
				 "it needs --policy FILE: what the enclave must prove");
	signal(SIGPIPE, SIG_IGN);
	return set_up(channel, &fault) ? cli_fail(&fault) : 0;
}

void channel_done(struct channel *channel)
{
	for (size_t i = 0; i < 2; i++) {
		if (channel->signals[i])
			event_free(channel->signals[i]);
	}
	if (channel->base) {
		/* Freed streams close on the loop. */
		event_base_loop(channel->base, EVLOOP_NONBLOCK);
		event_base_free(channel->base);
	}
	SSL_CTX_free(channel->endpoint.tls);
	EVP_PKEY_free(channel->endpoint.key);
	wr_done(&channel->certificate);
	tobi_policy_free(channel->policy);
	tobi_collateral_free(channel->collateral);
}

enum tobi_err channel_connect(struct channel *channel, const struct atls_events *events,
			      void *context, struct atls_conn **ret_conn,
			      struct tobi_fault *fault)
{
	enum tobi_err err;
	int fd = -1;

	err = channel->address.size
		  ? dial_again(&channel->address, &fd, fault)
		  : dial_first(channel->base, &channel->interrupted, channel->host,
			       channel->port, &channel->address, &fd, fault);
	if (err) {
		snprintf(fault->object, sizeof(fault->object), "%s",
			 channel->options.target);
		return err;
	}
	return atls_conn_new(channel->base, &channel->endpoint, fd, events, context,
			     ret_conn, fault);
}

static void print_list(const struct tobi_result *result)
{
	CLEANUP(freep) char *text = NULL;
	struct tobi_fault fault = {0};

	if (tobi_result_write(
		result, cli_color(stderr) ? TOBI_FORMAT_TEXT_COLOR : TOBI_FORMAT_TEXT,
		&text, &fault))
		IGNORE(cli_fail(&fault));
	else
		fputs(text, stderr);
}

/* The codes of what failed: names to look for in the list, or to tell somebody. */
static void print_failed(const struct tobi_result *result)
{
	const char *before = "  failed: ";

	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome != TOBI_FAILED)
			continue;
		fprintf(stderr, "%s%s", before, check->code);
		before = ", ";
	}
	fputs(before[0] == ',' ? " (--verbose explains each check)\n"
			       : "  --verbose lists each check\n",
	      stderr);
}

static void print_text(const char *text)
{
	cli_print_text(stderr, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

/* How far the acceptance goes: a reader of the verdict alone would take it for more. */
static void print_extent(const struct tobi_result *result)
{
	fputs("  tier ", stderr);
	print_text(tobi_result_tier(result));
	fputs(": ", stderr);
	print_text(tobi_result_tier_meaning(result));
	fputs("; identity: ", stderr);
	print_text(tobi_result_identity(result));
	fputc('\n', stderr);
}

static void print_allowances(const struct tobi_result *result)
{
	const char *allowance;

	for (size_t i = 0; (allowance = tobi_result_allowance(result, i)); i++) {
		fputs("warning: ", stderr);
		print_text(allowance);
		fputc('\n', stderr);
	}
}

static void report_acceptance(const struct channel *channel,
			      const struct tobi_result *result)
{
	bool verbose = channel->options.verbose;

	if (!channel->options.quiet)
		fprintf(stderr, "accepted: %s has proven what '%s' asks for%s\n",
			channel->options.target, channel->options.policy,
			verbose ? "" : " (--verbose lists each check)");
	/* The list has said all of it. */
	if (verbose)
		return;
	if (!channel->options.quiet)
		print_extent(result);
	print_allowances(result);
}

int channel_report(const struct channel *channel, const struct atls_conn *conn,
		   const struct tobi_fault *fault)
{
	const struct tobi_result *result = conn ? atls_conn_result(conn) : NULL;
	bool refused =
	    fault && (fault->code == TOBI_E_REFUSED || fault->code == TOBI_E_DENIED);

	if (result && channel->options.verbose)
		print_list(result);
	if (!fault) {
		report_acceptance(channel, result);
		return EXIT_ACCEPTED;
	}
	if (!refused)
		return cli_fail(fault);
	fprintf(stderr, "refused: %s: ", channel->options.target);
	print_text(fault->message);
	fputc('\n', stderr);
	if (result && !channel->options.verbose)
		print_failed(result);
	return EXIT_REFUSED;
}
