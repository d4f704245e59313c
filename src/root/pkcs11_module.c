/* Loading a PKCS#11 module, and what its answers mean. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "root/pkcs11.h"

#define OBJECT "pkcs11"

/* What people meet; the rest is told by its number. */
static const struct answer {
	ck_rv_t status;
	enum tobi_err err;
	const char *name, *text;
} answers[] = {
    {CKR_PIN_INCORRECT, TOBI_E_DENIED, "PIN_INCORRECT", "the PIN is wrong"},
    {CKR_PIN_INVALID, TOBI_E_DENIED, "PIN_INVALID", "the token takes no such PIN"},
    {CKR_PIN_LEN_RANGE, TOBI_E_DENIED, "PIN_LEN_RANGE",
     "the PIN is too short or too long for the token"},
    {CKR_PIN_EXPIRED, TOBI_E_DENIED, "PIN_EXPIRED",
     "the PIN has expired; set a new one with the token's tool"},
    {CKR_PIN_LOCKED, TOBI_E_DENIED, "PIN_LOCKED",
     "the PIN is locked after too many wrong ones; the security officer can unlock it"},
    {CKR_USER_PIN_NOT_INITIALIZED, TOBI_E_DENIED, "USER_PIN_NOT_INITIALIZED",
     "the token has no user PIN yet; set one with its tool"},
    {CKR_TOKEN_NOT_PRESENT, TOBI_E_SYSTEM, "TOKEN_NOT_PRESENT", "the token is not there"},
    {CKR_TOKEN_NOT_RECOGNIZED, TOBI_E_SYSTEM, "TOKEN_NOT_RECOGNIZED",
     "the module does not know such a token"},
    {CKR_TOKEN_WRITE_PROTECTED, TOBI_E_DENIED, "TOKEN_WRITE_PROTECTED",
     "the token cannot be written to"},
    {CKR_DEVICE_REMOVED, TOBI_E_SYSTEM, "DEVICE_REMOVED", "the token has been removed"},
    {CKR_DEVICE_ERROR, TOBI_E_SYSTEM, "DEVICE_ERROR", "the token has failed"},
    {CKR_DEVICE_MEMORY, TOBI_E_SYSTEM, "DEVICE_MEMORY", "the token is full"},
    {CKR_HOST_MEMORY, TOBI_E_MEMORY, "HOST_MEMORY", "out of memory"},
    {CKR_SESSION_COUNT, TOBI_E_SYSTEM, "SESSION_COUNT",
     "others have all sessions of the token"},
    {CKR_SESSION_HANDLE_INVALID, TOBI_E_SYSTEM, "SESSION_HANDLE_INVALID",
     "the session is lost"},
    {CKR_SESSION_CLOSED, TOBI_E_SYSTEM, "SESSION_CLOSED", "the session is lost"},
    {CKR_USER_NOT_LOGGED_IN, TOBI_E_SYSTEM, "USER_NOT_LOGGED_IN", "the login is lost"},
    {CKR_KEY_HANDLE_INVALID, TOBI_E_SYSTEM, "KEY_HANDLE_INVALID", "the key is gone"},
    {CKR_OBJECT_HANDLE_INVALID, TOBI_E_SYSTEM, "OBJECT_HANDLE_INVALID",
     "the object is gone"},
    {CKR_MECHANISM_INVALID, TOBI_E_UNSUPPORTED, "MECHANISM_INVALID",
     "the token does not have this algorithm"},
    {CKR_GENERAL_ERROR, TOBI_E_SYSTEM, "GENERAL_ERROR", "the module has failed"},
    {CKR_FUNCTION_FAILED, TOBI_E_SYSTEM, "FUNCTION_FAILED", "the module has failed"},
};

enum tobi_err p11_fault(struct tobi_fault *fault, ck_rv_t status, const char *field,
			const char *what)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].status == status)
			return fault_set(fault, answers[i].err, OBJECT, field,
					 "%s: %s (CKR_%s)", what, answers[i].text,
					 answers[i].name);
	}
	return fault_set(fault, TOBI_E_SYSTEM, OBJECT, field,
			 "%s: the module answers 0x%lx", what, status);
}

/* In a sticky folder (/tmp) others cannot take away what is this user's. */
static bool is_ours(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	       (!(st->st_mode & 022) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX));
}

/* What is loaded here acts with the platform's keys. */
static enum tobi_err check_file(const char *path, struct tobi_fault *fault)
{
	char part[PATH_MAX];
	struct stat st;
	char *end;

	bytes_copy(part, sizeof(part), path, strlen(path) + 1);
	if (stat(part, &st))
		return fault_errno(fault, OBJECT, "module", "cannot look at %s", part);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "module",
				 "%s is not a file", part);
	for (;;) {
		if (stat(part, &st))
			return fault_errno(fault, OBJECT, "module", "cannot look at %s",
					   part);
		if (!is_ours(&st))
			return fault_set(fault, TOBI_E_DENIED, OBJECT, "module",
					 "others can change %s: a module must be root's "
					 "or your own, and so must all folders above it",
					 part);
		end = strrchr(part, '/');
		if (!part[1])
			return TOBI_OK;
		end[end == part] = 0; /* the folder above; "/" last */
	}
}

/* Those that are used here. */
static bool is_complete(const struct ck_function_list *call)
{
	return call->C_Initialize && call->C_Finalize && call->C_GetSlotList &&
	       call->C_GetTokenInfo && call->C_OpenSession && call->C_CloseSession &&
	       call->C_Login && call->C_GenerateKeyPair && call->C_GenerateKey &&
	       call->C_CreateObject && call->C_DestroyObject && call->C_FindObjectsInit &&
	       call->C_FindObjects && call->C_FindObjectsFinal &&
	       call->C_GetAttributeValue && call->C_SignInit && call->C_Sign;
}

static enum tobi_err take_functions(void *library, const char *path,
				    struct ck_function_list **ret_call,
				    struct tobi_fault *fault)
{
	struct ck_function_list *call = NULL;
	union {
		void *symbol;
		CK_C_GetFunctionList get;
	} entry = {dlsym(library, "C_GetFunctionList")};
	ck_rv_t status;

	if (!entry.symbol)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "module",
				 "%s is not a PKCS#11 module: it has no "
				 "C_GetFunctionList",
				 path);
	status = entry.get(&call);
	if (status != CKR_OK)
		return p11_fault(fault, status, "module", "it gives no functions");
	if (!call || call->version.major != 2 || !is_complete(call))
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "module",
				 "%s does not have all functions of PKCS#11 version 2",
				 path);
	*ret_call = call;
	return TOBI_OK;
}

enum tobi_err p11_load(struct p11 *p11, struct tobi_fault *fault)
{
	CLEANUP(freep) char *path = NULL;
	enum tobi_err err;
	ck_rv_t status;
	void *library;

	if (p11->place.module[0] != '/')
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "module",
				 "give the module's whole path, from / on");
	/* Links are followed once, here: what is checked is what is loaded. */
	path = realpath(p11->place.module, NULL);
	if (!path)
		return fault_errno(fault, OBJECT, "module", "cannot find %s",
				   p11->place.module);
	err = check_file(path, fault);
	if (err)
		return err;
	/* It stays loaded until the process ends: modules are not made to be unloaded. */
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "module",
				 "%s cannot be loaded: %s", path, dlerror());
	err = take_functions(library, path, &p11->call, fault);
	if (err)
		return err;
	status = p11->call->C_Initialize(NULL);
	p11->started = status == CKR_OK;
	if (!p11->started && status != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		p11->call = NULL;
		return p11_fault(fault, status, "module", "it does not start");
	}
	return TOBI_OK;
}

enum tobi_err p11_restart(struct p11 *p11, struct tobi_fault *fault)
{
	ck_rv_t status;

	if (p11->started)
		p11->call->C_Finalize(NULL);
	status = p11->call->C_Initialize(NULL);
	p11->started |= status == CKR_OK;
	if (status != CKR_OK && status != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return p11_fault(fault, status, "module", "it does not start again");
	return TOBI_OK;
}

void p11_unload(struct p11 *p11)
{
	if (p11->started)
		p11->call->C_Finalize(NULL);
	p11->started = false;
	p11->call = NULL;
}
