#include "collateral/needs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

#define V4 "/certification/v4"

static const char object[] = "fetch";

enum tobi_err needs_add(struct needs *needs, const struct need *need,
			struct tobi_fault *fault)
{
	for (size_t i = 0; i < needs->count; i++) {
		if (needs->list[i].service == need->service &&
		    strcmp(needs->list[i].path, need->path) == 0)
			return TOBI_OK;
	}
	if (needs->count == NEEDS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "more than %d documents at once", NEEDS_MAX);
	needs->list[needs->count++] = *need;
	return TOBI_OK;
}

static struct need intel(enum collateral_kind kind, const char *name)
{
	struct need need = {.service = SERVICE_PCS, .kind = kind};
	const char *tee =
	    kind == COLLATERAL_TDX_TCB_INFO || kind == COLLATERAL_TDX_QE_IDENTITY ? "tdx"
										  : "sgx";

	snprintf(need.name, sizeof(need.name), "%s", name);
	switch (kind) {
	case COLLATERAL_SGX_TCB_INFO:
	case COLLATERAL_TDX_TCB_INFO:
		snprintf(need.path, sizeof(need.path), "/%s" V4 "/tcb?fmspc=%s", tee,
			 name);
		break;
	case COLLATERAL_PCK_CRL:
		snprintf(need.path, sizeof(need.path),
			 "/sgx" V4 "/pckcrl?ca=%s&encoding=der", name);
		break;
	case COLLATERAL_INTEL_ROOT_CRL:
		need.service = SERVICE_PCS_ROOT;
		snprintf(need.path, sizeof(need.path), "/sgx" V4 "/rootcacrl");
		break;
	default:
		snprintf(need.path, sizeof(need.path), "/%s" V4 "/qe/identity", tee);
	}
	return need;
}

enum tobi_err needs_of_platform(const char *fmspc, const char *ca, bool tdx,
				struct needs *needs, struct tobi_fault *fault)
{
	char upper[13] = {0};
	uint8_t bytes[6];
	const struct {
		enum collateral_kind kind;
		const char *name;
	} wanted[] = {
	    {tdx ? COLLATERAL_TDX_TCB_INFO : COLLATERAL_SGX_TCB_INFO, upper},
	    {tdx ? COLLATERAL_TDX_QE_IDENTITY : COLLATERAL_SGX_QE_IDENTITY, ""},
	    {COLLATERAL_PCK_CRL, ca},
	    {COLLATERAL_INTEL_ROOT_CRL, ""},
	};
	enum tobi_err err = TOBI_OK;

	if (!hex_read(fmspc, bytes, sizeof(bytes)))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "fmspc",
				 "12 hexadecimal digits are needed");
	for (size_t i = 0; i < 12; i++)
		upper[i] = (char)toupper((unsigned char)fmspc[i]);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && !err; i++) {
		const struct need need = intel(wanted[i].kind, wanted[i].name);

		err = needs_add(needs, &need, fault);
	}
	return err;
}

/* With a capital, as the service spells them: Milan, Genoa, Turin, and what comes. */
static bool is_product(const char *product)
{
	size_t size = strlen(product);

	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)product[i]))
			return false;
	}
	return size > 0 && size <= NEED_NAME_MAX && isupper((unsigned char)product[0]);
}

static struct need amd(enum collateral_kind kind, const char *product, bool vlek)
{
	struct need need = {.service = SERVICE_KDS, .kind = kind};

	snprintf(need.name, sizeof(need.name), "%s", product);
	snprintf(need.path, sizeof(need.path), "/%s/v1/%s/%s", vlek ? "vlek" : "vcek",
		 need.name, kind == COLLATERAL_SNP_CRL ? "crl" : "cert_chain");
	return need;
}

enum tobi_err needs_of_product(const char *product, bool vlek, struct needs *needs,
			       struct tobi_fault *fault)
{
	struct need need;
	enum tobi_err err;

	if (!is_product(product))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "product",
				 "a name such as Milan, Genoa or Turin is needed");
	need = amd(COLLATERAL_SNP_ISSUER, product, vlek);
	err = needs_add(needs, &need, fault);
	need = amd(COLLATERAL_SNP_CRL, product, vlek);
	return err ? err : needs_add(needs, &need, fault);
}

/* AMD 57230, section 4.1: decimal, two digits at least. Chips with ids of 8 bytes have
 * the other layout of TCB versions. */
enum tobi_err needs_of_chip(const char *product, struct tobi_bytes chip,
			    struct tobi_bytes tcb, struct needs *needs,
			    struct tobi_fault *fault)
{
	struct need need = {.service = SERVICE_KDS, .kind = COLLATERAL_SNP_LEAF};
	char id[2 * CHIP_ID_SIZE + 1], version[96];
	const uint8_t *svn = tcb.ptr;
	enum tobi_err err = needs_of_product(product, false, needs, fault);

	if (err)
		return err;
	if ((chip.size != CHIP_ID_SIZE && chip.size != 8) || tcb.size != 8)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "chip",
				 "an id of 64 or 8 bytes and a TCB version of 8 bytes "
				 "are needed");
	hex_write(chip, id, sizeof(id));
	if (chip.size == 8)
		snprintf(version, sizeof(version),
			 "fmcSPL=%02u&blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u",
			 svn[0], svn[1], svn[2], svn[3], svn[7]);
	else
		snprintf(version, sizeof(version),
			 "blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", svn[0],
			 svn[1], svn[6], svn[7]);
	snprintf(need.name, sizeof(need.name), "%s", product);
	snprintf(need.path, sizeof(need.path), "/vcek/v1/%s/%s?%s", need.name, id,
		 version);
	bytes_copy(need.chip, sizeof(need.chip), chip.ptr, chip.size);
	need.chip_size = chip.size;
	return needs_add(needs, &need, fault);
}

/* Two kinds of issuers have one name: the certificate's own says which. */
static bool is_of_vlek(const struct collateral_item *item)
{
	return strstr(item->source, "/vlek/") != NULL;
}

bool need_of_item(const struct collateral_item *item, struct need *ret_need)
{
	switch (item->kind) {
	case COLLATERAL_SGX_TCB_INFO:
	case COLLATERAL_TDX_TCB_INFO:
	case COLLATERAL_SGX_QE_IDENTITY:
	case COLLATERAL_TDX_QE_IDENTITY:
	case COLLATERAL_INTEL_ROOT_CRL:
	case COLLATERAL_PCK_CRL:
		*ret_need = intel(item->kind, item->name);
		return true;
	case COLLATERAL_SNP_ISSUER:
	case COLLATERAL_SNP_CRL:
		*ret_need = amd(item->kind, item->name, is_of_vlek(item));
		return true;
	default:
		return false;
	}
}
