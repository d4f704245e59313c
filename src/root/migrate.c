#include "root/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "pki/cert.h"
#include "root/counters.h"
#include "root/provider.h"
#include "root/settle.h"

#define OBJECT "migration"

enum { PRK_SIZE = 32 };

DEFINE_CLEANUP(struct root *, root_free)

static enum tobi_err identify(const struct root *root, struct root_identity *ret_identity,
			      struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *ca = NULL;
	struct root_identity identity = {.kind = root_kind(root)};
	const struct tobi_bytes *chain;
	size_t count = root_chain(root, &chain);
	enum tobi_err err =
	    chain_read_certificate(chain[count - 1], "platform CA", &ca, fault);

	if (err)
		return err;
	root_ueid(root, identity.ueid);
	X509_NAME_get_text_by_NID(X509_get_subject_name(ca), NID_commonName, identity.ca,
				  sizeof(identity.ca));
	*ret_identity = identity;
	return TOBI_OK;
}

static enum tobi_err check_kinds(const struct root *old,
				 const struct root_migration *migration,
				 struct tobi_fault *fault)
{
	const struct root_provider *to = NULL;
	enum tobi_err err = root_provider_usable(migration->kind, &to, fault);

	if (err)
		return err;
	/* One token can follow another; there is one set of files, and one TPM. */
	if (to == old->provider && to != &root_pkcs11_provider)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "root of trust",
				 "this platform is of kind '%s' already", to->kind);
	if (migration->new_seal_root)
		return TOBI_OK;
	if (!old->provider->take_seal)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "seal root",
				 "it cannot leave the device ('%s'): what enclaves have "
				 "sealed on this "
				 "host could never be opened again; --new-seal-root says "
				 "that this may "
				 "be lost",
				 old->provider->kind);
	if (to == &root_file_provider)
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "seal root",
				 "files take no seal root of another provider");
	return TOBI_OK;
}

/* Both derive the same: else what was sealed would be lost after all. */
static enum tobi_err compare_seals(struct root *old, struct root *made,
				   struct tobi_fault *fault)
{
	static const char text[] = "tobichi migration";
	const struct tobi_bytes info = {(const uint8_t *)text, sizeof(text)};
	uint8_t before[32], after[32];
	enum tobi_err err = root_derive(old, info, before, fault);

	if (!err)
		err = root_derive(made, info, after, fault);
	if (!err && !bytes_equal_secret((struct tobi_bytes){before, 32},
					(struct tobi_bytes){after, 32}))
		err = fault_set(fault, TOBI_E_MISMATCH, OBJECT, "seal root",
				"the new device derives other keys from it");
	explicit_bzero(before, sizeof(before));
	explicit_bzero(after, sizeof(after));
	return err;
}

/* Their file is authenticated by a key of the seal root: without that it is of no use. In
 * a hardware's counter they begin anew at its present value. */
static enum tobi_err move_counters(const char *folder, struct root *old,
				   const char *stage, struct root *made,
				   struct root_migrated *migrated,
				   struct tobi_fault *fault)
{
	struct counters_setup from = {0}, to = {0};
	enum tobi_err err;

	migrated->had_counters =
	    access(root_in_folder(folder, COUNTERS_FILE).text, F_OK) == 0;
	/* Where the hardware counts, a file that is missing was taken away. */
	if (!migrated->kept_seal_root ||
	    (!migrated->had_counters && !root_has_counter(old)))
		return TOBI_OK;
	err = counters_setup_of(old, folder, &from, fault);
	if (!err)
		err = counters_setup_of(made, stage, &to, fault);
	if (!err)
		err = counters_move(&from, &to, fault);
	explicit_bzero(from.key, sizeof(from.key));
	explicit_bzero(to.key, sizeof(to.key));
	return err;
}

/* The new platform, whole, in migrate.new. */
static enum tobi_err make_new(const char *stage, const struct root_migration *migration,
			      struct tobi_bytes prk, struct tobi_fault *fault)
{
	const struct root_provider *to = root_provider_find(migration->kind);
	struct root_options options = migration->options;

	options.seal = prk;
	if (mkdir(stage, 0700))
		return fault_errno(fault, OBJECT, "folder", "cannot make %s", stage);
	return root_make_in(stage, to, &options, migration->now, fault);
}

static enum tobi_err make_and_check(const char *folder, struct root *old,
				    const struct root_migration *migration,
				    struct root_migrated *migrated,
				    struct tobi_fault *fault)
{
	struct root_path stage = root_in_folder(folder, SETTLE_NEW);
	CLEANUP(root_freep) struct root *made = NULL;
	struct secret prk = {0};
	enum tobi_err err = TOBI_OK;

	migrated->kept_seal_root = !migration->new_seal_root;
	if (migrated->kept_seal_root) {
		err = secret_new(PRK_SIZE, &prk, fault);
		if (!err)
			err = old->provider->take_seal(old, prk.ptr, fault);
	}
	if (!err)
		err = make_new(stage.text, migration, secret_view(&prk), fault);
	secret_done(&prk);
	if (!err)
		err = root_open_unlocked(stage.text, &made, fault);
	if (!err && migrated->kept_seal_root)
		err = compare_seals(old, made, fault);
	if (!err)
		err = move_counters(folder, old, stage.text, made, migrated, fault);
	return err ? err : identify(made, &migrated->after, fault);
}

static enum tobi_err look_at_old(const char *folder,
				 const struct root_migration *migration,
				 struct root **ret_old, struct root_migrated *migrated,
				 struct tobi_fault *fault)
{
	const struct tobi_bytes *owner;
	enum tobi_err err = root_open_unlocked(folder, ret_old, fault);

	if (!err)
		err = check_kinds(*ret_old, migration, fault);
	if (!err)
		err = identify(*ret_old, &migrated->before, fault);
	if (err)
		return err;
	migrated->lost_owner = root_owner_chain(*ret_old, &owner) > 0;
	migrated->from_files = (*ret_old)->provider == &root_file_provider;
	return TOBI_OK;
}

/* It counts already, and whoever opens it next does the rest. */
static enum tobi_err not_ended(enum tobi_err err, struct tobi_fault *fault)
{
	char why[sizeof(fault->message)];

	snprintf(why, sizeof(why), "%s", fault ? fault->message : "");
	return fault_set(
	    fault, err, OBJECT, "",
	    "the new platform stands; taking away the old one failed, and is "
	    "tried again at the next start: %s",
	    why);
}

static enum tobi_err migrate(const char *folder, const struct root_migration *migration,
			     struct root_migrated *migrated, struct tobi_fault *fault)
{
	CLEANUP(root_freep) struct root *old = NULL;
	CLEANUP(fd_close) int use = -1;
	enum tobi_err err = root_settle(folder, &migrated->left_keys, fault);

	if (!err && root_find_marker(folder))
		err = root_folder_use(folder, true, &use, fault);
	if (!err)
		err = look_at_old(folder, migration, &old, migrated, fault);
	if (err)
		return err;
	err = make_and_check(folder, old, migration, migrated, fault);
	if (!err)
		err = root_commit(folder, fault);
	root_free(TAKE(old)); /* its session would keep its keys from being removed */
	/* Before it is decided the new one goes, after that the old one. */
	if (err && !root_is_decided(folder))
		IGNORE(root_settle(folder, &migrated->left_keys, NULL));
	else if (!err)
		err = root_settle(folder, &migrated->left_keys, fault);
	if (err && root_is_decided(folder))
		return not_ended(err, fault);
	return err;
}

enum tobi_err root_migrate(const char *folder, const struct root_migration *migration,
			   struct root_migrated *ret_migrated, struct tobi_fault *fault)
{
	struct root_migrated migrated = {0};
	CLEANUP(fd_close) int lock = -1;
	enum tobi_err err = root_folder_check(folder, fault);

	if (err == TOBI_E_NOT_FOUND)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, "platform", "",
		    "there is no platform in %s; run `tobichi platform init`", folder);
	if (!err)
		err = root_folder_lock(folder, &lock, fault);
	if (!err)
		err = migrate(folder, migration, &migrated, fault);
	if (!err)
		*ret_migrated = migrated;
	return err;
}
