# Software TPMs for the end-to-end scripts, each in a folder of $work with its own makers' CA.
tpm_make() { # FOLDER certificates|""
	mkdir -p "$work/$1/state" "$work/$1/ca"
	cat >"$work/$1/localca.conf" <<-END
		statedir = $work/$1/ca
		signingkey = $work/$1/ca/signkey.pem
		issuercert = $work/$1/ca/issuercert.pem
		certserial = $work/$1/ca/certserial
	END
	: >"$work/$1/localca.options"
	cat >"$work/$1/setup.conf" <<-END
		create_certs_tool = $(command -v swtpm_localca)
		create_certs_tool_config = $work/$1/localca.conf
		create_certs_tool_options = $work/$1/localca.options
		active_pcr_banks = sha256
	END
	swtpm_setup --tpm2 --tpmstate "$work/$1/state" --config "$work/$1/setup.conf" --overwrite \
		${2:+--create-ek-cert} --pcr-banks sha256 >"$work/$1/setup.log" 2>&1 ||
		{ cat "$work/$1/setup.log"; exit 1; }
}
tpm_start() { # FOLDER
	swtpm socket --tpm2 --tpmstate "dir=$work/$1/state" --flags not-need-init,startup-clear \
		--server "type=unixio,path=$work/$1/socket" --ctrl "type=unixio,path=$work/$1/socket.ctrl" \
		--pid "file=$work/$1/pid" --daemon
	eventually test -S "$work/$1/socket.ctrl"
}
tpm_stop() { # FOLDER
	[ -f "$work/$1/pid" ] || return 0
	pid=$(cat "$work/$1/pid")
	kill -CONT "$pid" 2>/dev/null
	kill "$pid" 2>/dev/null
	eventually sh -c "! kill -0 $pid 2>/dev/null || grep -q zombie /proc/$pid/status"
	rm -f "$work/$1/pid"
}
tpm_property() { tpm2_getcap properties-variable | sed -n "s/^$1: //p"; }
# All that a TPM holds, in one line.
tpm_handles() {
	for kind in persistent transient loaded-session saved-session nv-index; do
		tpm2_getcap handles-$kind
	done | sed 's/- //' | tr '\n' ' '
}
# Until the TPM has no room for another persistent object.
tpm_fill() {
	tpm2_createprimary -C o -G ecc -c fill.context >/dev/null 2>&1
	slot=0
	while tpm2_evictcontrol -C o -c 0x80000000 "$(printf '0x8100%04x' $((slot + 0x9000)))"; do
		slot=$((slot + 1))
	done >/dev/null 2>&1
	tpm2_flushcontext -t
}
