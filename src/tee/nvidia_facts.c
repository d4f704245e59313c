#include "tee/nvidia_facts.h"

#include "base/hex.h"
#include "tee/spdm_report.h"

enum { IN_FULL = 2 };

static const char *rim_text(enum nvidia_rim_state state)
{
	switch (state) {
	case NVIDIA_RIM_ABSENT:
		return "not compared: no reference values came";
	case NVIDIA_RIM_MATCHED:
		return "as NVIDIA has published";
	case NVIDIA_RIM_WRONG:
		return "not proven to be NVIDIA's";
	case NVIDIA_RIM_NEEDLESS:
		break;
	}
	return "none";
}

static const char *answer_text(const struct nvidia_device *device)
{
	if (!device->answer_of)
		return "not asked";
	switch (device->answer) {
	case NVIDIA_ANSWER_GOOD:
		return "no certificate is revoked";
	case NVIDIA_ANSWER_GRACE:
		return "no certificate was revoked, when it was last asked";
	case NVIDIA_ANSWER_HOLD:
		return "a certificate is on hold";
	case NVIDIA_ANSWER_STALE:
		return "not known: an answer is of another time";
	case NVIDIA_ANSWER_NONE:
		return "not known: not for all certificates an answer came";
	case NVIDIA_ANSWER_FORGED:
		return "not known: an answer is not genuine";
	case NVIDIA_ANSWER_REVOKED:
		break;
	}
	return "REVOKED";
}

static const char *switch_text(uint8_t value)
{
	return value == SPDM_ON ? "on" : value == SPDM_OFF ? "off" : "not said";
}

static const char *or_none(const char *text)
{
	return text[0] ? text : "not said";
}

static const char *label(struct arena *arena, const struct nvidia_claims *nvidia,
			 size_t index, const char *name)
{
	const char *kind = nvidia->devices[index].is_switch ? "switch" : "GPU";
	const char *text = arena_printf(arena, "%s %zu, %s", kind, index + 1, name);

	return nvidia->count > 1 && text ? text : name;
}

static void tell_in_full(const struct nvidia_claims *nvidia, size_t i,
			 struct arena *arena, struct tee_claims *claims)
{
	const struct nvidia_device *device = &nvidia->devices[i];

	tee_fact(claims, arena, label(arena, nvidia, i, "chip"), "%s%s%s",
		 or_none(device->chip), nvidia_architecture(device->chip)[0] ? ", " : "",
		 nvidia_architecture(device->chip));
	tee_fact_hex(claims, arena, label(arena, nvidia, i, "chip's number"),
		     (struct tobi_bytes){device->ueid, sizeof(device->ueid)});
	if (!device->is_switch)
		tee_fact(claims, arena, label(arena, nvidia, i, "driver"), "%s, %s",
			 or_none(device->driver), rim_text(device->driver_rim));
	tee_fact(claims, arena, label(arena, nvidia, i, "firmware"), "%s, %s",
		 or_none(device->vbios), rim_text(device->vbios_rim));
	tee_fact_hex(claims, arena, label(arena, nvidia, i, "firmware's hash (FWID)"),
		     (struct tobi_bytes){device->fwid, sizeof(device->fwid)});
	tee_fact(claims, arena, label(arena, nvidia, i, "revocation"), "%s",
		 answer_text(device));
	if (device->is_switch)
		return;
	tee_fact(claims, arena, label(arena, nvidia, i, "board"),
		 "%u, project %s, its SKU %s, chip SKU %s", (unsigned)device->board,
		 or_none(device->project), or_none(device->project_sku),
		 or_none(device->chip_sku));
	tee_fact(claims, arena, label(arena, nvidia, i, "protected PCIe"), "%s",
		 switch_text(device->protected_pcie));
}

static void tell_short(const struct nvidia_claims *nvidia, size_t i, struct arena *arena,
		       struct tee_claims *claims)
{
	const struct nvidia_device *device = &nvidia->devices[i];
	char number[2 * NVIDIA_UEID_SIZE + 1];
	bool matched = device->vbios_rim == NVIDIA_RIM_MATCHED &&
		       device->driver_rim >= NVIDIA_RIM_MATCHED &&
		       device->driver_rim != NVIDIA_RIM_WRONG;

	hex_write((struct tobi_bytes){device->ueid, sizeof(device->ueid)}, number,
		  sizeof(number));
	tee_fact(claims, arena, label(arena, nvidia, i, "is"),
		 "%s %s, driver %s, firmware %s: %s", or_none(device->chip), number,
		 device->is_switch ? "none" : or_none(device->driver),
		 or_none(device->vbios),
		 rim_text(matched				   ? NVIDIA_RIM_MATCHED
			  : device->vbios_rim == NVIDIA_RIM_ABSENT ? NVIDIA_RIM_ABSENT
								   : NVIDIA_RIM_WRONG));
}

void nvidia_facts(const struct nvidia_claims *nvidia, struct arena *arena,
		  struct tee_claims *claims)
{
	for (size_t i = 0; i < nvidia->count; i++) {
		if (nvidia->count <= IN_FULL)
			tell_in_full(nvidia, i, arena, claims);
		else
			tell_short(nvidia, i, arena, claims);
	}
}
