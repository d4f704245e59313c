#include "tee/tpm_signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/pinned.h"
#include "tee/tpm_verify.h"

enum { CERTIFICATES_MAX = 32 };

struct certificates {
	X509 *list[CERTIFICATES_MAX];
	size_t count;
};

static void certificates_done(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		X509_free(certificates->list[i]);
}

static void signer_free(struct memo_value *value)
{
	struct tpm_signer *signer = (struct tpm_signer *)value;

	verifying_done(&signer->own);
	EVP_PKEY_free(signer->key);
	free(signer);
}

static struct tpm_signer *signer_new(void)
{
	struct tpm_signer *signer = calloc(1, sizeof(*signer));

	if (signer) {
		atomic_init(&signer->head.references, 1);
		signer->head.free = signer_free;
		signer->window = (struct chain_window){INT64_MIN, INT64_MAX};
	}
	return signer;
}

static void signer_unref(struct tpm_signer **signer)
{
	if (*signer)
		memo_unref(&(*signer)->head);
}

/* Whom the policy names for TPMs' keys; else whom it names for the tier. */
static struct tobi_bytes anchors_of(const struct tee_request *request)
{
	return request->tpm_anchors_pem.size ? request->tpm_anchors_pem
					     : request->anchors_pem;
}

static const struct key_pins *pins_of(const struct tee_request *request)
{
	return request->tpm_anchors_pem.size ? request->tpm_pins : &request->pins;
}

static enum tobi_err make_name(const struct tee_request *request,
			       const struct tpm_parts *parts, struct tobi_bytes certified,
			       struct memo_name *ret_name)
{
	struct tobi_bytes list[TPM_PARTS_CERTIFICATES + 2 * TPM_PARTS_EACH + 6];
	const struct key_pins *pins = pins_of(request);
	uint8_t counts[2] = {(uint8_t)parts->publics.count, (uint8_t)parts->keys.count};
	size_t count = 0;

	list[count++] = (struct tobi_bytes){counts, sizeof(counts)};
	list[count++] = (struct tobi_bytes){(const uint8_t *)pins->keys,
					    pins->count * sizeof(pins->keys[0])};
	list[count++] = anchors_of(request);
	list[count++] = request->keys
			    ? (struct tobi_bytes){(const uint8_t *)request->keys->spki,
						  request->keys->count * SHA256_SIZE}
			    : (struct tobi_bytes){0};
	list[count++] = certified;
	for (size_t i = 0; i < parts->publics.count; i++)
		list[count++] = parts->publics.items[i];
	for (size_t i = 0; i < parts->keys.count; i++)
		list[count++] = parts->keys.items[i];
	for (size_t i = 0; i < parts->certificate_count; i++)
		list[count++] = parts->certificates[i];
	return memo_name_make("tpm-signer", list, count, ret_name);
}

bool tpm_is_named(struct tobi_bytes public, struct tobi_bytes name)
{
	uint8_t own[TPM_STRUCT_NAME_MAX];
	struct tpm_public key;
	size_t size = 0;

	return name.size && !tpm_public_parse(public, &key, NULL) &&
	       !tpm_name(public, key.name_alg, own, &size, NULL) &&
	       bytes_equal(name, (struct tobi_bytes){own, size});
}

static enum tobi_err take_public(const struct tpm_parts *parts,
				 struct tobi_bytes certified, struct tpm_signer *signer,
				 struct tobi_fault *fault)
{
	struct tpm_public public;
	size_t i = 0;
	enum tobi_err err;

	while (i < parts->publics.count &&
	       tpm_is_named(parts->publics.items[i], certified))
		i++;
	if (i == parts->publics.count)
		return TOBI_OK;
	err = tpm_public_parse(parts->publics.items[i], &public, fault);
	if (!err)
		err = tpm_public_key(&public, &signer->key, fault);
	if (err)
		return err;
	signer->has_public = true;
	signer->is_ak = tpm_public_is_ak(&public);
	if (public.scheme != TPM_ALG_NULL) {
		signer->scheme = public.scheme;
		signer->hash = public.scheme_hash;
	}
	return TOBI_OK;
}

/* The certificates that came, and those of the policy: among them may be the root. */
static enum tobi_err read_all(const struct tee_request *request,
			      const struct tpm_parts *parts,
			      struct certificates *certificates,
			      struct tpm_signer *signer)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct tobi_fault fault = {0};
	size_t count = 0;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < parts->certificate_count; i++) {
		X509 **to = &certificates->list[certificates->count];

		err = chain_read_certificate(parts->certificates[i], "certificate", to,
					     &fault);
		certificates->count += !err;
		if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
			return err;
	}
	if (fault.code)
		tobi_fault_print(&fault, signer->path, sizeof(signer->path));
	if (anchors_of(request).size)
		err = chain_read_pem(anchors_of(request), "roots", &der, list,
				     LIMIT_COSE_CHAIN, &count, NULL);
	for (size_t i = 0; i < count && certificates->count < CERTIFICATES_MAX; i++) {
		err = chain_read_certificate(
		    list[i], "root", &certificates->list[certificates->count], NULL);
		certificates->count += !err;
	}
	return err == TOBI_E_MEMORY ? err : TOBI_OK;
}

static bool is_self_signed(X509 *certificate)
{
	return X509_get_extension_flags(certificate) & EXFLAG_SS;
}

/* Of the key; without one, the first that is neither a CA's nor an endorsement key's. */
static X509 *find_leaf(const struct certificates *certificates, EVP_PKEY *key)
{
	for (size_t i = 0; i < certificates->count; i++) {
		X509 *certificate = certificates->list[i];

		if (key && EVP_PKEY_eq(X509_get0_pubkey(certificate), key) == 1)
			return certificate;
		if (!key && !(X509_get_extension_flags(certificate) & EXFLAG_CA) &&
		    !is_self_signed(certificate) && !tpm_certificate_is_ek(certificate))
			return certificate;
	}
	return NULL;
}

static X509 *find_ek(const struct certificates *certificates, const X509 *leaf)
{
	for (size_t i = 0; i < certificates->count; i++) {
		if (certificates->list[i] != leaf &&
		    tpm_certificate_is_ek(certificates->list[i]))
			return certificates->list[i];
	}
	return NULL;
}

static enum tobi_err verify(const struct tee_request *request,
			    const struct certificates *certificates, X509 *leaf,
			    struct pinned_chain *ret_path, char *ret_wrong, size_t room)
{
	const struct pinned_request pinned = {
	    .leaf = leaf,
	    .others = certificates->list,
	    .count = certificates->count,
	    .pins = pins_of(request),
	    .time = request->time,
	};
	struct tobi_fault fault = {0};
	enum tobi_err err = pinned_chain_verify(&pinned, "certificate", ret_path, &fault);

	if (err && err != TOBI_E_MEMORY && err != TOBI_E_CRYPTO) {
		tobi_fault_print(&fault, ret_wrong, room);
		err = TOBI_OK;
	}
	return err;
}

static void narrow(struct chain_window *window, const struct chain_window *other)
{
	if (other->not_before > window->not_before)
		window->not_before = other->not_before;
	if (other->not_after < window->not_after)
		window->not_after = other->not_after;
}

static void take_words(X509 *leaf, const struct pinned_chain *path,
		       struct tpm_signer *signer)
{
	struct tobi_fault fault = {0};

	signer->certified = true;
	certificate_name(leaf, signer->name, sizeof(signer->name));
	certificate_name(path->certificates[path->count - 1], signer->root,
			 sizeof(signer->root));
	tpm_certificate_maker(leaf, &signer->maker);
	signer->has_ek = tpm_certificate_read_ek(leaf, signer->ek);
	if (!gce_identity_is(leaf))
		return;
	signer->has_gce = !gce_identity_read(leaf, &signer->gce, &fault);
	if (!signer->has_gce)
		signer->profile = "an instance identity that cannot be read";
}

static enum tobi_err examine_leaf(const struct tee_request *request,
				  const struct certificates *certificates, X509 *leaf,
				  struct tpm_signer *signer)
{
	CLEANUP(pinned_chain_done) struct pinned_chain path = {0};
	const char *wrong = tpm_certificate_wrong_ak(leaf);
	enum tobi_err err = verify(request, certificates, leaf, &path, signer->path,
				   sizeof(signer->path));

	signer->profile = wrong ? wrong : "";
	if (err || path.count == 0)
		return err;
	signer->path[0] = 0;
	narrow(&signer->window, &path.window);
	take_words(leaf, &path, signer);
	return TOBI_OK;
}

static enum tobi_err examine_ek(const struct tee_request *request,
				const struct certificates *certificates, X509 *ek,
				struct tpm_signer *signer)
{
	CLEANUP(pinned_chain_done) struct pinned_chain path = {0};
	enum tobi_err err = verify(request, certificates, ek, &path, signer->ek_path,
				   sizeof(signer->ek_path));

	signer->ek_came = true;
	tpm_certificate_maker(ek, &signer->ek_maker);
	if (!err && path.count)
		narrow(&signer->window, &path.window);
	return err;
}

static enum tobi_err make(const struct tee_request *request,
			  const struct tpm_parts *parts, struct tobi_bytes certified,
			  struct tpm_signer *signer, struct tobi_fault *fault)
{
	CLEANUP(certificates_done) struct certificates certificates = {0};
	enum tobi_err err = take_public(parts, certified, signer, fault);
	X509 *leaf, *ek;

	if (!err && !signer->key && parts->keys.count)
		err = tpm_spki_key(parts->keys.items[0], "attestation key", &signer->key,
				   fault);
	if (!err)
		err = read_all(request, parts, &certificates, signer);
	if (err)
		return err;
	leaf = find_leaf(&certificates, signer->key);
	if (!signer->key && leaf && tpm_key_is_supported(X509_get0_pubkey(leaf)))
		signer->key = X509_get_pubkey(leaf);
	if (!signer->key)
		return TOBI_OK;
	err = key_spki_sha256(signer->key, signer->spki, fault);
	signer->named = anchor_keys_find(request->keys, signer->spki) != NULL;
	if (!err && leaf)
		err = examine_leaf(request, &certificates, leaf, signer);
	else if (!signer->path[0])
		snprintf(signer->path, sizeof(signer->path),
			 "no certificate of this key came with it");
	ek = find_ek(&certificates, leaf);
	return err || !ek ? err : examine_ek(request, &certificates, ek, signer);
}

/* What is wrong is worked out each time. */
static bool is_right(const struct tpm_signer *signer)
{
	bool trusted = signer->certified || (signer->named && !signer->profile);

	return signer->key && trusted && (!signer->profile || !signer->profile[0]) &&
	       !signer->ek_path[0];
}

static bool signs(EVP_PKEY *key, const struct verifying *made,
		  const struct tpm_parts *parts)
{
	struct tpm_signature signature;

	for (size_t i = 0; i < parts->signatures.count; i++) {
		if (!tpm_signature_read(parts->signatures.items[i], key, 0, 0, &signature,
					NULL) &&
		    !tpm_signature_verify(&signature, key, made, parts->quote, NULL))
			return true;
	}
	return false;
}

/* Without a key beside the quote: the one of the policy's that signed it; where there is
 * only one, that one, and whether it signed is another check. */
static enum tobi_err take_named(const struct tee_request *request,
				const struct tpm_parts *parts, struct tpm_signer *signer,
				struct tobi_fault *fault)
{
	const struct anchor_keys *keys = request->keys;

	for (size_t i = 0; keys && i < keys->count && !signer->key; i++) {
		if (!tpm_key_is_supported(keys->keys[i]) ||
		    (keys->count > 1 &&
		     !signs(keys->keys[i], &keys->verifying[i], parts)))
			continue;
		if (EVP_PKEY_up_ref(keys->keys[i]) != 1)
			return fault_openssl(fault, "attestation key", "",
					     "cannot be used");
		signer->key = keys->keys[i];
		signer->verifying = &keys->verifying[i];
		signer->named = true;
		bytes_copy(signer->spki, sizeof(signer->spki), keys->spki[i],
			   SHA256_SIZE);
	}
	return TOBI_OK;
}

static bool brings_a_key(const struct tpm_parts *parts)
{
	return parts->publics.count || parts->keys.count || parts->certificate_count;
}

enum tobi_err tpm_signer_get(const struct tee_request *request,
			     const struct tpm_parts *parts, struct tobi_bytes certified,
			     struct tpm_signer **ret_signer, struct tobi_fault *fault)
{
	CLEANUP(signer_unref) struct tpm_signer *signer = NULL;
	struct memo_name name = {0};
	enum tobi_err err = TOBI_OK;

	if (brings_a_key(parts) && make_name(request, parts, certified, &name))
		return fault_set(fault, TOBI_E_CRYPTO, "attestation key", "",
				 "cannot hash it");
	*ret_signer = (struct tpm_signer *)memo_find(request->memo, &name, request->time);
	if (*ret_signer)
		return TOBI_OK;
	signer = signer_new();
	if (!signer)
		return fault_set(fault, TOBI_E_MEMORY, "attestation key", "",
				 "out of memory");
	if (brings_a_key(parts))
		err = make(request, parts, certified, signer, fault);
	if (!err && is_right(signer)) {
		signer->own = verifying_usual(signer->key);
		signer->verifying = &signer->own;
		memo_keep(request->memo, &name, &signer->window, &signer->head);
	}
	if (!err && !signer->key)
		err = take_named(request, parts, signer, fault);
	if (!err)
		*ret_signer = TAKE(signer);
	return err;
}
