#include "appraise/policy_reference.h"

#include <string.h>

#include "appraise/policy_section.h"
#include "appraise/policy_yaml.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "corim/key.h"
#include "corim/match.h"

enum { HASH_DIGITS = 2 * SHA384_SIZE };

/* Line ends and blanks, as YAML's blocks bring them, are no part of base64. */
static enum tobi_err decode(const struct tobi_policy *policy, const char *text,
			    struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bare = wr_init(LIMIT_POLICY);

	for (; *text; text++) {
		if (*text != ' ' && *text != '\n' && *text != '\r')
			wr_u8(&bare, (uint8_t)*text);
	}
	if (wr_err(&bare))
		return policy_no_memory(policy, fault);
	return base64_read(wr_view(&bare), policy->name, out, fault);
}

static enum tobi_err take_hash(struct tobi_policy *policy, const char *text,
			       struct tobi_bytes *hashes, struct tobi_fault *fault)
{
	struct corim_signers *signers = &policy->reference->signers;
	uint8_t hash[SHA384_SIZE];

	if (!hex_read(text, hash, sizeof(hash)))
		return policy_wrong(policy, "reference-values.signers",
				    "an entry is neither 96 hexadecimal digits nor a PEM "
				    "key or certificate",
				    fault);
	hashes[signers->hash_count] =
	    arena_copy(&policy->arena, (struct tobi_bytes){hash, sizeof(hash)});
	if (!hashes[signers->hash_count].ptr)
		return policy_no_memory(policy, fault);
	signers->hash_count++;
	return TOBI_OK;
}

static enum tobi_err take_signers(struct tobi_policy *policy,
				  const struct yaml_reference *yaml,
				  struct tobi_fault *fault)
{
	struct corim_signers *signers = &policy->reference->signers;
	struct tobi_bytes *hashes =
	    arena_array(&policy->arena, yaml->signers_count + 1, sizeof(*hashes));
	enum tobi_err err = TOBI_OK;

	if (!hashes)
		return policy_no_memory(policy, fault);
	signers->hashes = hashes;
	for (unsigned i = 0; i < yaml->signers_count && !err; i++) {
		const char *text = yaml->signers[i];

		if (strstr(text, "-----BEGIN "))
			err = corim_signers_add_pem(signers, bytes_of_text(text),
						    policy->name, fault);
		else
			err = take_hash(policy, text, hashes, fault);
	}
	return err;
}

/* Of what holds: only that has keys to give. */
static const struct corim *vouched(const struct policy_reference *reference, size_t index)
{
	const struct reference_document *one = &reference->documents[index];

	if (!one->document ||
	    (one->document->is_signed ? !one->proof.holds : !reference->allow_unsigned))
		return NULL;
	return one->document->corim;
}

static size_t count_devices(const struct policy_reference *reference)
{
	size_t count = 0;

	for (size_t i = 0; i < reference->count; i++) {
		const struct corim *corim = vouched(reference, i);

		for (size_t j = 0; corim && j < corim->module_count; j++)
			count += corim->modules[j].attest_key_count;
	}
	return count;
}

static bool same_device(const struct corim_environment *a,
			const struct corim_environment *b)
{
	return a->class_id.kind == b->class_id.kind &&
	       bytes_equal(a->class_id.bytes, b->class_id.bytes) &&
	       a->instance.kind == b->instance.kind &&
	       bytes_equal(a->instance.bytes, b->instance.bytes) && !a->has_layer &&
	       !b->has_layer && !a->has_index && !b->has_index && !a->group.kind &&
	       !b->group.kind;
}

static struct reference_device *device_for(struct policy_reference *reference,
					   const struct corim_environment *environment)
{
	struct reference_device *device;

	for (size_t i = 0; i < reference->device_count; i++) {
		if (same_device(reference->devices[i].environment, environment))
			return &reference->devices[i];
	}
	device = &reference->devices[reference->device_count++];
	device->environment = environment;
	return device;
}

/* A key that cannot be opened here is one that verifies nothing. A key of no class and no
 * device would be anybody's. */
static void add_keys(struct policy_reference *reference,
		     const struct corim_key_triple *triple)
{
	struct reference_device *device;

	if (!triple->environment.class_id.kind && !triple->environment.instance.kind)
		return;
	device = device_for(reference, &triple->environment);
	for (size_t i = 0; i < triple->keys.count; i++) {
		struct anchor_keys *keys = &device->keys;
		EVP_PKEY *key = NULL;

		if (keys->count == ANCHOR_KEYS_MAX ||
		    corim_key_open(&triple->keys.items[i], "key", &key, NULL))
			continue;
		if (key_spki_sha256(key, keys->spki[keys->count], NULL))
			EVP_PKEY_free(key);
		else
			keys->keys[keys->count++] = key;
	}
}

static void drop_keys(struct policy_reference *reference)
{
	for (size_t i = 0; i < reference->device_count; i++)
		anchor_keys_done(&reference->devices[i].keys);
	reference->device_count = 0;
}

static enum tobi_err collect_keys(struct tobi_policy *policy, struct tobi_fault *fault)
{
	struct policy_reference *reference = policy->reference;
	size_t total = count_devices(reference);

	drop_keys(reference);
	if (total > LIMIT_CORIM_DEVICES)
		return fault_set(fault, TOBI_E_LIMIT, policy->name, "reference-values",
				 "keys of over %d devices", LIMIT_CORIM_DEVICES);
	if (total == 0)
		return TOBI_OK;
	reference->devices =
	    arena_array(&policy->arena, total, sizeof(*reference->devices));
	if (!reference->devices)
		return policy_no_memory(policy, fault);
	for (size_t i = 0; i < reference->count; i++) {
		const struct corim *corim = vouched(reference, i);

		for (size_t j = 0; corim && j < corim->module_count; j++) {
			const struct corim_module *module = &corim->modules[j];

			for (size_t k = 0; k < module->attest_key_count; k++)
				add_keys(reference, &module->attest_keys[k]);
		}
	}
	return TOBI_OK;
}

bool policy_reference_has_keys(const struct tobi_policy *policy)
{
	return policy->reference && policy->reference->device_count;
}

const struct anchor_keys *policy_reference_keys(const void *context,
						const struct tee_environment *environment)
{
	const struct policy_reference *reference = context;

	for (size_t i = 0; i < reference->device_count; i++) {
		if (corim_environment_holds(reference->devices[i].environment,
					    environment))
			return &reference->devices[i].keys;
	}
	return NULL;
}

static enum tobi_err give(struct tobi_policy *policy, struct reference_document *to,
			  struct tobi_bytes bytes, struct tobi_fault *fault)
{
	CLEANUP(corim_document_freep) struct corim_document *document = NULL;
	struct corim_proof proof = {0};
	enum tobi_err err = corim_document_read(bytes, to->name, &document, fault);

	if (!err)
		err = corim_document_prove(document, &policy->reference->signers, &proof,
					   fault);
	if (err)
		return err;
	to->document = document;
	to->proof = proof;
	err = collect_keys(policy, fault);
	if (err) {
		drop_keys(policy->reference);
		to->document = NULL;
		return err;
	}
	(void)TAKE(document);
	return TOBI_OK;
}

static enum tobi_err add_document(struct tobi_policy *policy, const char *name,
				  bool is_file, struct tobi_fault *fault)
{
	struct policy_reference *reference = policy->reference;
	struct reference_document *one;

	if (reference->count == LIMIT_CORIM_DOCUMENTS)
		return fault_set(fault, TOBI_E_LIMIT, policy->name, "reference-values",
				 "over %d documents", LIMIT_CORIM_DOCUMENTS);
	one = &reference->documents[reference->count];
	one->is_file = is_file;
	one->name =
	    is_file ? arena_printf(&policy->arena, "%s", name)
		    : arena_printf(&policy->arena, "document %zu", reference->count + 1);
	if (!one->name)
		return policy_no_memory(policy, fault);
	reference->count++;
	return TOBI_OK;
}

static enum tobi_err take_documents(struct tobi_policy *policy,
				    const struct yaml_reference *yaml,
				    struct tobi_fault *fault)
{
	struct policy_reference *reference = policy->reference;
	enum tobi_err err = TOBI_OK;

	for (unsigned i = 0; i < yaml->files_count && !err; i++)
		err = add_document(policy, yaml->files[i], true, fault);
	for (unsigned i = 0; i < yaml->documents_count && !err; i++) {
		CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_CORIM);

		err = add_document(policy, NULL, false, fault);
		if (!err)
			err = decode(policy, yaml->documents[i], &bytes, fault);
		if (!err)
			err = give(policy, &reference->documents[reference->count - 1],
				   wr_view(&bytes), fault);
	}
	return err;
}

enum tobi_err policy_reference_take(struct tobi_policy *policy,
				    const struct yaml_policy *all,
				    struct tobi_fault *fault)
{
	const struct yaml_reference *yaml = all->reference;
	struct policy_reference *reference;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	if (!yaml->files_count && !yaml->documents_count)
		return policy_wrong(policy, "reference-values",
				    "name at least one of files, or give documents",
				    fault);
	if (yaml->unsigned_documents && strcmp(yaml->unsigned_documents, "allowed") != 0)
		return policy_wrong(policy, "reference-values.unsigned",
				    "the only value is: allowed", fault);
	if (!yaml->signers_count && !yaml->unsigned_documents)
		return policy_wrong(
		    policy, "reference-values.signers",
		    "name who may sign them; or write unsigned: allowed, if "
		    "you trust whoever can write the files",
		    fault);
	reference = arena_alloc(&policy->arena, sizeof(*reference));
	if (!reference)
		return policy_no_memory(policy, fault);
	policy->reference = reference;
	reference->allow_unsigned = yaml->unsigned_documents != NULL;
	err = take_signers(policy, yaml, fault);
	if (!err)
		err = policy_text_list(policy, yaml->profiles, yaml->profiles_count,
				       &reference->profiles, fault);
	if (!err)
		err = policy_text_list(policy, yaml->endorsed, yaml->endorsed_count,
				       &reference->endorsed, fault);
	return err ? err : take_documents(policy, yaml, fault);
}

void policy_reference_done(struct tobi_policy *policy)
{
	struct policy_reference *reference = policy->reference;

	if (!reference)
		return;
	drop_keys(reference);
	for (size_t i = 0; i < reference->count; i++)
		corim_document_free(reference->documents[i].document);
	corim_signers_done(&reference->signers);
}

/* The file of that index among the documents; NULL past the last. */
static struct reference_document *file_at(const struct tobi_policy *policy, size_t index)
{
	struct policy_reference *reference = policy ? policy->reference : NULL;

	for (size_t i = 0; reference && i < reference->count; i++) {
		if (reference->documents[i].is_file && index-- == 0)
			return &reference->documents[i];
	}
	return NULL;
}

const char *tobi_policy_reference_file(const struct tobi_policy *policy, size_t index)
{
	const struct reference_document *one = file_at(policy, index);

	return one ? one->name : NULL;
}

enum tobi_err tobi_policy_give_reference(struct tobi_policy *policy, size_t index,
					 struct tobi_bytes bytes,
					 struct tobi_fault *fault)
{
	struct reference_document *one = file_at(policy, index);

	if (!one || (bytes.size && !bytes.ptr))
		return fault_set(fault, TOBI_E_ARGUMENT, "reference values", "",
				 "the policy names no file of this number");
	if (one->document)
		return fault_set(fault, TOBI_E_ARGUMENT, one->name, "",
				 "it was given already");
	return give(policy, one, bytes, fault);
}
