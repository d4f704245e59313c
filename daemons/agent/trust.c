#include "trust.h"

#include <stdio.h>

#include "appraise/policy_files.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"

static enum tobi_err read_policy(struct tobi_bytes source,
				 const struct launch_config *launch,
				 struct tobi_bytes name, struct tobi_policy **ret_policy,
				 struct tobi_fault *fault)
{
	char path[LIMIT_PATH + 1];
	enum tobi_err err;

	if (!source.size || bytes_equal_text(source, CLIENTS_BY_PROGRAM))
		return TOBI_OK;
	if (bytes_equal_text(source, POLICY_AT_LAUNCH)) {
		err = tobi_policy_parse(launch_config_policy(launch, name),
					"launch config", ret_policy, fault);
		return err ? err : policy_is_whole(*ret_policy, "launch config", fault);
	}
	snprintf(path, sizeof(path), "%.*s", (int)source.size, (const char *)source.ptr);
	return policy_read_file(path, ret_policy, fault);
}

enum tobi_err trust_read(const struct manifest *manifest,
			 const struct launch_config *launch, struct trust *ret_trust,
			 struct tobi_fault *fault)
{
	const struct tobi_bytes clients = {(const uint8_t *)LAUNCH_CLIENTS,
					   sizeof(LAUNCH_CLIENTS) - 1};
	const struct tobi_bytes broker = bytes_of_text(LAUNCH_BROKER);
	const struct tobi_bytes at_launch = bytes_of_text(POLICY_AT_LAUNCH);
	enum tobi_err err =
	    read_policy(manifest->clients, launch, clients, &ret_trust->clients, fault);

	for (size_t i = 0; i < manifest->egress_count && !err; i++)
		err =
		    read_policy(manifest->egress[i].policy, launch,
				manifest->egress[i].target, &ret_trust->egress[i], fault);
	if (!err && launch_config_policy(launch, broker).size)
		err = read_policy(at_launch, launch, broker, &ret_trust->broker, fault);
	return err;
}

void trust_host(struct tobi_bytes target, char *ret_host, size_t room)
{
	size_t size = target.size;

	while (size > 0 && target.ptr[size - 1] != ':')
		size--;
	size = size ? size - 1 : 0;
	if (size > 2 && target.ptr[0] == '[') {
		target.ptr++;
		size -= 2;
	}
	snprintf(ret_host, room, "%.*s", (int)size, (const char *)target.ptr);
}

enum tobi_err trust_endpoint(const struct tobi_policy *policy, const char *host,
			     const struct atls_endpoint *like,
			     struct atls_endpoint *ret_endpoint, struct tobi_fault *fault)
{
	enum tobi_err err = policy ? policy_is_whole(policy, "policy", fault) : TOBI_OK;

	if (err)
		return err;
	*ret_endpoint =
	    (struct atls_endpoint){.role = TOBI_ROLE_CLIENT,
				   .key = like->key,
				   .certificate = like->certificate,
				   .policy = policy,
				   /* In ra-tls only the server does. */
				   .attests = !policy || policy->channel == CHANNEL_ATLS,
				   .host_name = host,
				   .now = like->now,
				   .handshake_ms = like->handshake_ms,
				   .max_age_ms = like->max_age_ms};
	return atls_tls_new(ret_endpoint, &ret_endpoint->tls, fault);
}

enum tobi_err trust_make_endpoints(struct trust *trust, const struct manifest *manifest,
				   const struct atls_endpoint *like,
				   struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < manifest->egress_count && !err; i++) {
		if (!trust->egress[i])
			continue;
		trust_host(manifest->egress[i].target, trust->hosts[i],
			   sizeof(trust->hosts[i]));
		err = trust_endpoint(trust->egress[i], trust->hosts[i], like,
				     &trust->endpoints[i], fault);
	}
	return err;
}

enum tobi_err trust_way(const struct manifest *manifest, struct tobi_bytes target,
			bool has_policy, size_t *ret_way, struct tobi_fault *fault)
{
	size_t way = 0;

	while (way < manifest->egress_count &&
	       !bytes_equal(manifest->egress[way].target, target))
		way++;
	if (way == manifest->egress_count)
		return fault_set(fault, TOBI_E_DENIED, "egress", "target",
				 "the image does not list %.*s; build it with --egress",
				 (int)target.size,
				 target.size ? (const char *)target.ptr : "");
	if (manifest->egress[way].policy.size && has_policy)
		return fault_set(fault, TOBI_E_DENIED, "egress", "policy",
				 "the image has its own policy for it; leave yours out");
	if (!manifest->egress[way].policy.size && !has_policy)
		return fault_set(fault, TOBI_E_ARGUMENT, "egress", "policy",
				 "the image has no policy for it; give one");
	*ret_way = way;
	return TOBI_OK;
}

void trust_done(struct trust *trust)
{
	for (size_t i = 0; i < LIMIT_PORTS; i++) {
		SSL_CTX_free(trust->endpoints[i].tls);
		tobi_policy_free(trust->egress[i]);
	}
	tobi_policy_free(trust->clients);
	tobi_policy_free(trust->broker);
	*trust = (struct trust){0};
}
