#include "tee/arm_facts.h"

#include <inttypes.h>

#include "base/hex.h"
#include "base/writer.h"

enum { NAME_MAX_SHOWN = 40 };

static void add_text(const struct arm_claims *claims, enum arm_claim claim,
		     const char *name, struct arena *arena, struct tee_claims *out)
{
	if (claims->values[claim].ptr)
		tee_fact(out, arena, name, "%s",
			 tee_text(arena, claims->values[claim], TEE_TEXT_MAX));
}

static void add_bytes(const struct arm_claims *claims, enum arm_claim claim,
		      const char *name, struct arena *arena, struct tee_claims *out)
{
	struct tobi_bytes value = claims->values[claim];

	if (value.size > 128)
		tee_fact(out, arena, name, "%zu bytes", value.size);
	else if (value.ptr)
		tee_fact_hex(out, arena, name, value);
}

void arm_facts_device(const struct arm_claims *claims, struct arena *arena,
		      struct tee_claims *out)
{
	int64_t lifecycle = claims->numbers[ARM_LIFECYCLE];

	add_text(claims, ARM_PROFILE, "token's profile", arena, out);
	add_bytes(claims, ARM_IMPLEMENTATION, "implementation id", arena, out);
	add_bytes(claims, ARM_INSTANCE, "instance id", arena, out);
	if (claims->has[ARM_LIFECYCLE])
		tee_fact(out, arena, "security lifecycle", "%s (0x%04" PRIx64 ")",
			 arm_lifecycle_name(lifecycle), (uint64_t)lifecycle);
	if (claims->has[ARM_CLIENT])
		tee_fact(out, arena, "client", "%" PRId64 ", %s",
			 claims->numbers[ARM_CLIENT],
			 claims->numbers[ARM_CLIENT] < 0 ? "outside the secure world"
							 : "in the secure world");
	add_bytes(claims, ARM_CONFIG, "platform configuration", arena, out);
	add_text(claims, ARM_HASH, "platform's hash", arena, out);
	add_bytes(claims, ARM_BOOT_SEED, "boot seed", arena, out);
	add_text(claims, ARM_CERTIFICATION, "certification reference", arena, out);
	add_text(claims, ARM_HARDWARE_VERSION, "hardware version", arena, out);
	add_text(claims, ARM_SERVICE, "asks to be verified by", arena, out);
}

void arm_facts_components(const struct arm_claims *claims, struct arena *arena,
			  struct tee_claims *out)
{
	for (size_t i = 0; i < claims->component_count; i++) {
		const struct arm_component *component = &claims->components[i];
		char value[2 * 64 + 1] = "", signer[2 * 64 + 1] = "";
		const char *name =
		    component->type.size
			? arena_printf(arena, "component %s",
				       tee_text(arena, component->type, NAME_MAX_SHOWN))
			: arena_printf(arena, "component %zu", i + 1);

		if (!name || component->value.size > 64 || component->signer.size > 64)
			continue;
		hex_write(component->value, value, sizeof(value));
		hex_write(component->signer, signer, sizeof(signer));
		tee_fact(out, arena, name, "%s, signer %s%s%s%s%s", value, signer,
			 component->version.size ? ", version " : "",
			 tee_text(arena, component->version, NAME_MAX_SHOWN),
			 component->hash.size ? ", " : "",
			 tee_text(arena, component->hash, NAME_MAX_SHOWN));
	}
	if (claims->has[ARM_NO_COMPONENTS])
		tee_fact(out, arena, "components", "none was measured, it says");
}

uint64_t arm_digest_algorithm(size_t size)
{
	if (size == 48)
		return TEE_SHA384;
	return size == 64 ? TEE_SHA512 : TEE_SHA256;
}

struct tee_environment arm_environment(const struct arm_claims *claims)
{
	return (struct tee_environment){.class_kind = TEE_CLASS_BYTES,
					.class_id = claims->values[ARM_IMPLEMENTATION],
					.instance = claims->values[ARM_INSTANCE]};
}

void arm_measurements(const struct arm_claims *claims, struct arena *arena,
		      struct tee_claims *out)
{
	for (size_t i = 0; i < claims->component_count; i++) {
		const struct arm_component *component = &claims->components[i];
		struct tee_measurement *measurement = tee_measurement_add(out, arena);

		if (!measurement)
			return;
		measurement->mkey = TEE_MKEY_TEXT;
		measurement->text = "psa.software-component";
		measurement->digests[0] = (struct tee_digest){
		    arm_digest_algorithm(component->value.size), component->value};
		measurement->digest_count = 1;
		measurement->signer = component->signer;
		measurement->name =
		    component->type.size ? arena_text(arena, component->type) : NULL;
		measurement->version = component->version.size
					   ? arena_text(arena, component->version)
					   : NULL;
	}
}
