/* A policy as its owner gives it: parsed, named by its hash, and sealed as a row. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/policy_source.h"
#include "broker/resource.h"
#include "broker/row_seal.h"

DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

static const struct policy_file *find_file(const struct policy_source *source,
					   const char *name)
{
	for (size_t i = 0; i < source->file_count; i++) {
		if (strcmp(source->files[i].name, name) == 0)
			return &source->files[i];
	}
	return NULL;
}

/* The fault says which file it was. */
static enum tobi_err give(struct tobi_policy *policy, size_t index,
			  const struct policy_source *source, struct tobi_fault *fault)
{
	const char *name = tobi_policy_reference_file(policy, index);
	const struct policy_file *file = find_file(source, name);

	return file ? tobi_policy_give_reference(policy, index, file->content, fault)
		    : fault_set(fault, TOBI_E_NOT_FOUND, "policy",
				"reference-values.files", "%.200s did not come with it",
				name);
}

static enum tobi_err check_sizes(const struct policy_source *source,
				 struct tobi_fault *fault)
{
	size_t total = 0;

	if (source->text.size > LIMIT_POLICY)
		return fault_set(fault, TOBI_E_LIMIT, "policy", "", "over %d bytes",
				 LIMIT_POLICY);
	if (source->file_count > LIMIT_CORIM_DOCUMENTS)
		return fault_set(fault, TOBI_E_LIMIT, "policy", "files", "over %d",
				 LIMIT_CORIM_DOCUMENTS);
	for (size_t i = 0; i < source->file_count; i++)
		total += source->files[i].content.size;
	return total > LIMIT_BROKER_REFERENCES
		   ? fault_set(fault, TOBI_E_LIMIT, "policy", "files",
			       "over %d bytes together", LIMIT_BROKER_REFERENCES)
		   : TOBI_OK;
}

enum tobi_err policy_source_parse(const struct policy_source *source,
				  struct tobi_policy **ret_policy,
				  struct tobi_fault *fault)
{
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	enum tobi_err err = check_sizes(source, fault);
	size_t given = 0;

	if (!err)
		err = tobi_policy_parse(source->text, source->scope, &policy, fault);
	while (!err && tobi_policy_reference_file(policy, given))
		err = give(policy, given++, source, fault);
	if (!err && given != source->file_count)
		err = fault_set(fault, TOBI_E_ARGUMENT, "policy", "files",
				"%zu came, and the policy names %zu", source->file_count,
				given);
	if (!err)
		*ret_policy = TAKE(policy);
	return err;
}

static bool hash_part(EVP_MD_CTX *md, struct tobi_bytes part)
{
	uint8_t size[8];

	for (size_t i = 0; i < sizeof(size); i++)
		size[i] = (uint8_t)((uint64_t)part.size >> (56 - 8 * i));
	return EVP_DigestUpdate(md, size, sizeof(size)) == 1 &&
	       EVP_DigestUpdate(md, part.ptr, part.size) == 1;
}

enum tobi_err policy_source_hash(const struct policy_source *source,
				 uint8_t ret_hash[static SHA384_SIZE],
				 uint8_t ret_text_hash[static SHA384_SIZE],
				 struct tobi_fault *fault)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestInit_ex(md, EVP_sha384(), NULL) == 1 &&
		    hash_part(md, bytes_of_text(source->scope)) &&
		    hash_part(md, source->text);

	for (size_t i = 0; i < source->file_count && good; i++)
		good = hash_part(md, bytes_of_text(source->files[i].name)) &&
		       hash_part(md, source->files[i].content);
	good = good && EVP_DigestFinal_ex(md, ret_hash, NULL) == 1 &&
	       hash_sha384(source->text, ret_text_hash) == TOBI_OK;
	return good ? TOBI_OK : fault_openssl(fault, "policy", "", "cannot be hashed");
}

enum { SEALED_PARTS = 4 };

/* What the row's MAC is over. */
static void list_parts(const char *scope, const char *owner,
		       const uint8_t hash[static SHA384_SIZE],
		       const uint8_t text_hash[static SHA384_SIZE],
		       struct tobi_bytes ret_parts[static SEALED_PARTS])
{
	ret_parts[0] = bytes_of_text(scope);
	ret_parts[1] = bytes_of_text(owner);
	ret_parts[2] = (struct tobi_bytes){hash, SHA384_SIZE};
	ret_parts[3] = (struct tobi_bytes){text_hash, SHA384_SIZE};
}

enum tobi_err policy_prepare(const struct broker *broker, const char *owner,
			     const struct policy_source *source, int64_t now,
			     struct policy_row *ret_row, struct tobi_fault *fault)
{
	struct policy_row row = {.source = *source, .owner = owner, .changed = now};
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	struct tobi_bytes parts[SEALED_PARTS];
	struct resource_name name;
	enum tobi_err err = resource_scope_read(source->scope, &name, fault);

	if (!err)
		err = policy_source_parse(source, &policy, fault);
	if (!err)
		err = policy_source_hash(source, row.hash, row.text_hash, fault);
	if (err)
		return err;
	list_parts(source->scope, owner, row.hash, row.text_hash, parts);
	err = row_seal(broker, "policy", parts, SEALED_PARTS, row.mac, fault);
	if (!err)
		*ret_row = row;
	return err;
}

enum tobi_err policy_info_check(const struct broker *broker,
				const struct policy_info *info, struct tobi_fault *fault)
{
	struct tobi_bytes parts[SEALED_PARTS];

	list_parts(info->scope, info->owner, info->hash, info->text_hash, parts);
	return row_seal_check(broker, "policy", parts, SEALED_PARTS,
			      (struct tobi_bytes){info->mac, sizeof(info->mac)}, fault);
}
