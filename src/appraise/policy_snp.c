#include "appraise/policy.h"
#include "appraise/policy_section.h"
#include "appraise/policy_yaml.h"

#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"

enum { VMPL_MOST = 3, HEX_MAX = 64, BITS = 64 };

/* Where the values go, and what to say of them. */
struct taker {
	struct arena *arena;
	const char *name;
	struct tobi_fault *fault;
};

static enum tobi_err wrong(const struct taker *taker, const char *field, const char *what)
{
	return fault_set(taker->fault, TOBI_E_MALFORMED, taker->name, field, "%s", what);
}

static enum tobi_err no_memory(const struct taker *taker)
{
	return fault_set(taker->fault, TOBI_E_MEMORY, taker->name, "snp",
			 "out of memory, or too large");
}

/* Decimal digits without a leading zero, up to an end mark; NULL where there are none. */
static const char *take_digits(const char *text, unsigned long most,
			       unsigned long *ret_value)
{
	size_t size = text ? strspn(text, "0123456789") : 0;
	unsigned long value = 0;

	if (size == 0 || size > 4 || (size > 1 && text[0] == '0'))
		return NULL;
	for (size_t i = 0; i < size; i++)
		value = 10 * value + (unsigned long)(text[i] - '0');
	if (value > most)
		return NULL;
	*ret_value = value;
	return text + size;
}

static bool take_number(const char *text, unsigned long most, unsigned long *ret_value)
{
	const char *end = take_digits(text, most, ret_value);

	return end && !*end;
}

/* Numbers of a byte each with dots between: "1.55". */
static bool take_dotted(const char *text, uint8_t *ret_numbers, size_t count)
{
	unsigned long value;

	for (size_t i = 0; i < count; i++) {
		text = take_digits(text, UINT8_MAX, &value);
		if (!text || *text != (i + 1 < count ? '.' : 0))
			return false;
		ret_numbers[i] = (uint8_t)value;
		text++;
	}
	return true;
}

static enum tobi_err take_word(const struct taker *taker, const char *field,
			       const char *text, const char *yes, const char *no,
			       bool *ret_yes)
{
	if (!text)
		return TOBI_OK;
	*ret_yes = strcmp(text, yes) == 0;
	if (!*ret_yes && strcmp(text, no) != 0)
		return fault_set(taker->fault, TOBI_E_MALFORMED, taker->name, field,
				 "it is one of: %s %s", no, yes);
	return TOBI_OK;
}

static enum tobi_err take_words(const struct taker *taker, const struct yaml_snp *yaml,
				struct policy_snp *policy)
{
	enum tobi_err err = take_word(taker, "snp.crl", yaml->crl, "not-required",
				      "required", &policy->without_crl);

	if (!err)
		err = take_word(taker, "snp.provisional-firmware",
				yaml->provisional_firmware, "allowed", "refused",
				&policy->provisional);
	if (!err)
		err = take_word(taker, "snp.migration", yaml->migration, "allowed",
				"refused", &policy->migration);
	return err;
}

static enum tobi_err take_numbers(const struct taker *taker, const struct yaml_snp *yaml,
				  struct policy_snp *policy)
{
	unsigned long vmpl = 0;

	if (yaml->max_vmpl && !take_number(yaml->max_vmpl, VMPL_MOST, &vmpl))
		return wrong(taker, "snp.max-vmpl", "0 to 3 is needed");
	policy->max_vmpl = (uint32_t)vmpl;
	policy->has_abi = yaml->min_abi != NULL;
	if (policy->has_abi && !take_dotted(yaml->min_abi, policy->abi, 2))
		return wrong(taker, "snp.min-abi",
			     "a version like 1.55 is needed: major.minor");
	policy->has_firmware = yaml->min_firmware != NULL;
	if (policy->has_firmware && !take_dotted(yaml->min_firmware, policy->firmware, 3))
		return wrong(taker, "snp.min-firmware",
			     "a version like 1.55.29 is needed: major.minor.build");
	return TOBI_OK;
}

static enum tobi_err take_hex(const struct taker *taker, const char *field,
			      const char *text, const size_t *sizes,
			      struct tobi_bytes *ret_bytes)
{
	uint8_t value[HEX_MAX];

	for (size_t i = 0; sizes[i]; i++) {
		if (!hex_read(text, value, sizes[i]))
			continue;
		*ret_bytes =
		    arena_copy(taker->arena, (struct tobi_bytes){value, sizes[i]});
		return ret_bytes->ptr ? TOBI_OK : no_memory(taker);
	}
	return fault_set(taker->fault, TOBI_E_MALFORMED, taker->name, field,
			 sizes[1] ? "an entry is not %zu or %zu hexadecimal digits"
				  : "an entry is not %zu hexadecimal digits",
			 2 * sizes[0], 2 * sizes[1]);
}

static enum tobi_err take_text(const struct taker *taker, const char *text,
			       struct tobi_bytes *ret_bytes)
{
	*ret_bytes = arena_copy(taker->arena, bytes_of_text(text));
	return ret_bytes->ptr ? TOBI_OK : no_memory(taker);
}

/* Of hexadecimal digits; or of texts, for sizes NULL. */
static enum tobi_err take_list(const struct taker *taker, const char *field, char **texts,
			       unsigned count, const size_t *sizes,
			       struct bytes_list *ret_list)
{
	enum tobi_err err = TOBI_OK;

	if (count == 0)
		return TOBI_OK;
	ret_list->items = arena_array(taker->arena, count, sizeof(*ret_list->items));
	if (!ret_list->items)
		return no_memory(taker);
	for (unsigned i = 0; i < count && !err; i++)
		err = sizes ? take_hex(taker, field, texts[i], sizes, &ret_list->items[i])
			    : take_text(taker, texts[i], &ret_list->items[i]);
	ret_list->count = count;
	return err;
}

static const struct snp_product *find_product(const char *name)
{
	const struct snp_product *product;

	for (size_t i = 0; (product = snp_product_at(i)); i++) {
		if (strcmp(product->name, name) == 0)
			return product;
	}
	return NULL;
}

static enum tobi_err take_generations(const struct taker *taker, const char *field,
				      char **texts, unsigned count,
				      struct bytes_list *ret_list)
{
	for (unsigned i = 0; i < count; i++) {
		if (!find_product(texts[i]))
			return wrong(taker, field,
				     "an entry is one of: Milan Genoa Turin");
	}
	return take_list(taker, field, texts, count, NULL, ret_list);
}

static enum tobi_err take_keys(const struct taker *taker, char **texts, unsigned count,
			       struct policy_snp *policy)
{
	policy->has_keys = count > 0;
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(texts[i], "vcek") == 0)
			policy->vcek = true;
		else if (strcmp(texts[i], "vlek") == 0)
			policy->vlek = true;
		else
			return wrong(taker, "snp.keys", "an entry is one of: vcek vlek");
	}
	return TOBI_OK;
}

static enum tobi_err take_lists(const struct taker *taker, const struct yaml_snp *yaml,
				struct policy_snp *policy)
{
	static const size_t chip_sizes[] = {8, SNP_CHIP_SIZE, 0};
	static const size_t digest_sizes[] = {48, 0};
	static const size_t id_sizes[] = {16, 0};
	enum tobi_err err =
	    take_generations(taker, "snp.generations", yaml->generations,
			     yaml->generations_count, &policy->generations);

	if (!err)
		err = take_generations(
		    taker, "snp.refused-generations", yaml->refused_generations,
		    yaml->refused_generations_count, &policy->refused_generations);
	if (!err)
		err = take_list(taker, "snp.chips", yaml->chips, yaml->chips_count,
				chip_sizes, &policy->chips);
	if (!err)
		err = take_list(taker, "snp.csp-ids", yaml->csps, yaml->csps_count, NULL,
				&policy->csps);
	if (!err)
		err = take_list(taker, "snp.id-keys", yaml->id_keys, yaml->id_keys_count,
				digest_sizes, &policy->id_keys);
	if (!err)
		err = take_list(taker, "snp.author-keys", yaml->author_keys,
				yaml->author_keys_count, digest_sizes,
				&policy->author_keys);
	if (!err && yaml->family_id)
		err = take_hex(taker, "snp.family-id", yaml->family_id, id_sizes,
			       &policy->family_id);
	if (!err && yaml->image_id)
		err = take_hex(taker, "snp.image-id", yaml->image_id, id_sizes,
			       &policy->image_id);
	return err ? err : take_keys(taker, yaml->keys, yaml->keys_count, policy);
}

/* Words for bits that must be set, or clear. */
struct bit_word {
	const char *word;
	uint64_t bit;
	bool set;
};

static const struct bit_word guest_words[] = {
    {"no-smt", SNP_POLICY_SMT, false},
    {"single-socket", SNP_POLICY_SINGLE_SOCKET, true},
    {"no-cxl", SNP_POLICY_CXL, false},
    {"aes-256-xts", SNP_POLICY_AES_256_XTS, true},
    {"rapl-off", SNP_POLICY_RAPL_OFF, true},
    {"ciphertext-hiding", SNP_POLICY_HIDING, true},
    {"no-page-swap", SNP_POLICY_NO_PAGE_SWAP, true},
    {NULL, 0, false},
};
static const struct bit_word platform_words[] = {
    {"alias-check", SNP_PLATFORM_ALIAS_CHECK, true},
    {"no-smt", SNP_PLATFORM_SMT, false},
    {"ecc", SNP_PLATFORM_ECC, true},
    {"tsme", SNP_PLATFORM_TSME, true},
    {"rapl-off", SNP_PLATFORM_RAPL_OFF, true},
    {"ciphertext-hiding", SNP_PLATFORM_HIDING, true},
    {"no-tio", SNP_PLATFORM_TIO, false},
    {NULL, 0, false},
};

static const char *named_word(const struct bit_word *words, uint64_t set, uint64_t clear,
			      size_t index)
{
	for (; words->word; words++) {
		if (((words->set ? set : clear) & words->bit) && index-- == 0)
			return words->word;
	}
	return NULL;
}

const char *policy_snp_guest_word(const struct policy_snp *policy, size_t index)
{
	return named_word(guest_words, policy->policy_set, policy->policy_clear, index);
}

const char *policy_snp_platform_word(const struct policy_snp *policy, size_t index)
{
	return named_word(platform_words, policy->platform_set, policy->platform_clear,
			  index);
}

static enum tobi_err take_bits(const struct taker *taker, const char *field, char **texts,
			       unsigned count, const struct bit_word *words,
			       uint64_t *set, uint64_t *clear)
{
	for (unsigned i = 0; i < count; i++) {
		const struct bit_word *word = words;

		while (word->word && strcmp(word->word, texts[i]) != 0)
			word++;
		if (!word->word)
			return fault_set(taker->fault, TOBI_E_MALFORMED, taker->name,
					 field,
					 "an entry is not a word for one of its flags "
					 "(tobichi-policy(5))");
		*(word->set ? set : clear) |= word->bit;
	}
	return TOBI_OK;
}

static enum tobi_err take_mitigations(const struct taker *taker, char **texts,
				      unsigned count, uint64_t *bits)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned long bit;

		if (!take_number(texts[i], BITS - 1, &bit))
			return wrong(taker, "snp.mitigations",
				     "an entry is no number of a bit, 0 to 63");
		*bits |= UINT64_C(1) << bit;
	}
	return TOBI_OK;
}

static enum tobi_err take_tcb(const struct taker *taker, const char *field,
			      const struct yaml_snp_tcb *yaml,
			      struct snp_least_tcb *ret_least)
{
	const struct snp_product *product = find_product(yaml->generation);
	const char *const classic[SNP_TCB_SIZE] = {
	    yaml->boot_loader, yaml->tee,      NULL, NULL, NULL, NULL,
	    yaml->snp,	       yaml->microcode};
	const char *const fmc[SNP_TCB_SIZE] = {
	    yaml->fmc, yaml->boot_loader, yaml->tee, yaml->snp, NULL, NULL,
	    NULL,      yaml->microcode};
	const char *const *texts;

	if (!product)
		return wrong(taker, field, "the generation is one of: Milan Genoa Turin");
	if (yaml->fmc && !product->has_fmc)
		return wrong(taker, field, "only Turin has an FMC");
	texts = product->has_fmc ? fmc : classic;
	ret_least->product = product;
	for (size_t i = 0; i < SNP_TCB_SIZE; i++) {
		unsigned long value = 0;

		if (texts[i] && !take_number(texts[i], UINT8_MAX, &value))
			return wrong(taker, field, "a version is a number, 0 to 255");
		ret_least->tcb[i] = (uint8_t)value;
	}
	return TOBI_OK;
}

static enum tobi_err take_tcbs(const struct taker *taker, const char *field,
			       const struct yaml_snp_tcb *yaml, unsigned count,
			       struct snp_least_list *ret_list)
{
	enum tobi_err err = TOBI_OK;

	if (count == 0)
		return TOBI_OK;
	ret_list->items = arena_array(taker->arena, count, sizeof(*ret_list->items));
	if (!ret_list->items)
		return no_memory(taker);
	for (unsigned i = 0; i < count && !err; i++) {
		err = take_tcb(taker, field, &yaml[i], &ret_list->items[i]);
		for (unsigned j = 0; j < i && !err; j++) {
			if (ret_list->items[j].product == ret_list->items[i].product)
				err = wrong(taker, field, "a generation is there twice");
		}
	}
	ret_list->count = count;
	return err;
}

enum tobi_err policy_snp_take(struct tobi_policy *whole, const struct yaml_policy *all,
			      struct tobi_fault *fault)
{
	const struct taker taker = {&whole->arena, whole->name, fault};
	const struct yaml_snp *yaml = all->snp;
	struct policy_snp *policy = &whole->snp;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(whole, "snp") && !policy_names_tier(whole, "azure-snp") &&
	    !policy_names_tier(whole, "tpm"))
		return wrong(&taker, "snp",
			     "it belongs to the tiers snp, azure-snp and tpm, which are "
			     "not among the tiers");
	err = take_words(&taker, yaml, policy);
	if (!err)
		err = take_numbers(&taker, yaml, policy);
	if (!err)
		err = take_lists(&taker, yaml, policy);
	if (!err)
		err = take_bits(&taker, "snp.guest-policy", yaml->guest_policy,
				yaml->guest_policy_count, guest_words,
				&policy->policy_set, &policy->policy_clear);
	if (!err)
		err = take_bits(&taker, "snp.platform", yaml->platform,
				yaml->platform_count, platform_words,
				&policy->platform_set, &policy->platform_clear);
	if (!err)
		err = take_mitigations(&taker, yaml->mitigations, yaml->mitigations_count,
				       &policy->mitigations);
	if (!err)
		err = take_tcbs(&taker, "snp.min-tcb", yaml->min_tcb, yaml->min_tcb_count,
				&policy->tcb);
	if (!err)
		err = take_tcbs(&taker, "snp.min-launch-tcb", yaml->min_launch_tcb,
				yaml->min_launch_tcb_count, &policy->launch_tcb);
	return err;
}
