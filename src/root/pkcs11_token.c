/* Finding the token, and logging in to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/pkcs11.h"

#define OBJECT "pkcs11"

/* The standard's texts are padded with spaces and have no end. */
static void take_padded(char *out, const unsigned char *text, size_t size)
{
	while (size && text[size - 1] == ' ')
		size--;
	bytes_copy(out, size, text, size);
	out[size] = 0;
}

static bool is_wanted(const struct p11_place *place, const char *label,
		      const char *serial)
{
	if (place->serial[0])
		return strcmp(place->label, label) == 0 &&
		       strcmp(place->serial, serial) == 0;
	return strcmp(place->label, label) == 0 || strcmp(place->label, serial) == 0;
}

/* What was seen while looking for a token. */
struct seen {
	size_t tokens, found, same_label;
	ck_slot_id_t slot;
	char label[P11_LABEL + 1], serial[P11_SERIAL + 1];
};

static void look_at(struct p11 *p11, ck_slot_id_t slot, struct seen *seen)
{
	struct ck_token_info info = {0};
	char label[P11_LABEL + 1], serial[P11_SERIAL + 1];

	/* A token that cannot tell its name is not the one; nor is one without content.
	 */
	if (p11->call->C_GetTokenInfo(slot, &info) != CKR_OK ||
	    !(info.flags & CKF_TOKEN_INITIALIZED))
		return;
	take_padded(label, info.label, sizeof(info.label));
	take_padded(serial, info.serial_number, sizeof(info.serial_number));
	seen->tokens++;
	seen->same_label += strcmp(label, p11->place.label) == 0;
	if (!serial[0] || !is_wanted(&p11->place, label, serial))
		return;
	seen->found++;
	seen->slot = slot;
	snprintf(seen->label, sizeof(seen->label), "%s", label);
	snprintf(seen->serial, sizeof(seen->serial), "%s", serial);
}

static enum tobi_err not_found(const struct p11_place *place, const struct seen *seen,
			       struct tobi_fault *fault)
{
	if (seen->same_label && !place->serial[0])
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "token",
				 "the token '%s' has no serial number, by which it "
				 "could be known again",
				 place->label);
	if (seen->same_label)
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, "token",
				 "the token '%s' that is there has another serial number "
				 "than %s, which holds this platform's keys",
				 place->label, place->serial);
	return fault_set(fault, TOBI_E_SYSTEM, OBJECT, "token",
			 "the token '%s' is not there; the module shows %zu other%s",
			 place->label, seen->tokens, seen->tokens == 1 ? "" : "s");
}

enum tobi_err p11_find_token(struct p11 *p11, struct tobi_fault *fault)
{
	ck_slot_id_t slots[LIMIT_P11_SLOTS] = {0};
	unsigned long count = LIMIT_P11_SLOTS;
	struct seen seen = {0};
	ck_rv_t status = p11->call->C_GetSlotList(1, slots, &count);

	if (status == CKR_BUFFER_TOO_SMALL ||
	    (status == CKR_OK && count > LIMIT_P11_SLOTS))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "slots",
				 "there are more than %d", LIMIT_P11_SLOTS);
	if (status != CKR_OK)
		return p11_fault(fault, status, "slots", "they cannot be listed");
	for (size_t i = 0; i < count; i++)
		look_at(p11, slots[i], &seen);
	if (!seen.found)
		return not_found(&p11->place, &seen, fault);
	if (seen.found > 1)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "token",
				 "%zu tokens are called '%s'; name one by its serial "
				 "number",
				 seen.found, p11->place.label);
	p11->slot = seen.slot;
	bytes_copy(p11->place.label, sizeof(p11->place.label), seen.label,
		   sizeof(seen.label));
	bytes_copy(p11->place.serial, sizeof(p11->place.serial), seen.serial,
		   sizeof(seen.serial));
	return TOBI_OK;
}

/* An editor's line end is not part of the PIN. */
static size_t without_line_end(const struct secret *pin)
{
	size_t size = pin->size;

	if (size && pin->ptr[size - 1] == '\n')
		size--;
	if (size && size < pin->size && pin->ptr[size - 1] == '\r')
		size--;
	return size;
}

static enum tobi_err read_pin(const char *path, struct secret *ret_pin, size_t *ret_size,
			      struct tobi_fault *fault)
{
	struct stat st;
	enum tobi_err err;

	if (stat(path, &st))
		return fault_errno(fault, OBJECT, "PIN file", "cannot look at %s", path);
	if (st.st_uid != geteuid())
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "PIN file",
				 "%s belongs to another user", path);
	err = file_read_secret(path, LIMIT_PIN, "PIN file", ret_pin, fault);
	/* "Not found" means that there is no platform. */
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(fault, TOBI_E_SYSTEM, OBJECT, "PIN file", "%s has gone",
				 path);
	if (err)
		return err;
	*ret_size = without_line_end(ret_pin);
	if (!*ret_size) {
		secret_done(ret_pin);
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "PIN file",
				 "%s is empty", path);
	}
	return TOBI_OK;
}

/* A service that is started again and again must not lock the token: the last try is left
 * to people. */
static enum tobi_err check_tries(struct p11 *p11, struct tobi_fault *fault)
{
	struct ck_token_info info = {0};
	ck_rv_t status = p11->call->C_GetTokenInfo(p11->slot, &info);

	if (status != CKR_OK)
		return p11_fault(fault, status, "token", "it cannot be looked at");
	if (info.flags & CKF_USER_PIN_LOCKED)
		return p11_fault(fault, CKR_PIN_LOCKED, "PIN", "it is not tried");
	if (info.flags & CKF_USER_PIN_FINAL_TRY)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "PIN",
				 "it is not tried: one try is left before the token "
				 "locks it; log in with the token's own tool first");
	return TOBI_OK;
}

static enum tobi_err refused(struct p11 *p11, ck_rv_t status, struct tobi_fault *fault)
{
	struct ck_token_info info = {0};
	const char *what = "it was tried once";

	p11->pin_refused = true;
	if (p11->call->C_GetTokenInfo(p11->slot, &info) == CKR_OK) {
		if (info.flags & CKF_USER_PIN_LOCKED)
			what = "it was tried once, and the token has locked it";
		else if (info.flags & CKF_USER_PIN_FINAL_TRY)
			what = "it was tried once, and one try is left";
		else if (info.flags & CKF_USER_PIN_COUNT_LOW)
			what = "it was tried once, and few tries are left";
	}
	return p11_fault(fault, status, "PIN", what);
}

static enum tobi_err try_pin(struct p11 *p11, struct tobi_fault *fault)
{
	struct secret pin = {0};
	size_t size = 0;
	enum tobi_err err = read_pin(p11->place.pin_file, &pin, &size, fault);
	ck_rv_t status;

	if (err)
		return err;
	status = p11->call->C_Login(p11->session, CKU_USER, pin.ptr, size);
	secret_done(&pin);
	/* Another session of this process has logged in. */
	if (status == CKR_OK || status == CKR_USER_ALREADY_LOGGED_IN)
		return TOBI_OK;
	if (status == CKR_PIN_INCORRECT || status == CKR_PIN_LOCKED ||
	    status == CKR_PIN_INVALID || status == CKR_PIN_LEN_RANGE)
		return refused(p11, status, fault);
	return p11_fault(fault, status, "PIN", "no login");
}

enum tobi_err p11_log_in(struct p11 *p11, bool writable, struct tobi_fault *fault)
{
	ck_flags_t flags = CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0);
	enum tobi_err err;
	ck_rv_t status;

	if (p11->pin_refused)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "PIN",
				 "it was wrong, and is not tried again");
	err = check_tries(p11, fault);
	if (err)
		return err;
	status = p11->call->C_OpenSession(p11->slot, flags, NULL, NULL, &p11->session);
	if (status != CKR_OK)
		return p11_fault(fault, status, "session", "it cannot be opened");
	p11->has_session = true;
	err = try_pin(p11, fault);
	if (err)
		p11_close_session(p11);
	return err;
}

void p11_close_session(struct p11 *p11)
{
	if (p11->has_session)
		p11->call->C_CloseSession(p11->session);
	p11->has_session = false;
	p11->key = p11->public_key = p11->seal = 0;
}
