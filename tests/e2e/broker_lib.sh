# What the scripts of brokers share: a broker that ends, and a guest that asks it. Sourced
# after lib.sh.
serving=
# shellcheck disable=SC2329
stop_broker() { # SIGNAL
	[ -n "$serving" ] || return
	kill "-$1" "$serving" 2>/dev/null
	wait "$serving" 2>/dev/null
	serving=
}
# ask NAME: a guest comes, its policy is put by put_policy, and it asks by $client; what it
# gets is in got, what it is told in told.
ask() {
	wanted=$1
	rm -rf guest go told # what the one before was told
	mkdir guest
	mkfifo go
	/usr/bin/python3 "$client" --guest "$guest" --folder guest --ca broker/tls.pem --wait \
		"$TOBICHI_BROKER" "$wanted" <go >got 2>told &
	asking=$!
	exec 7>go
	eventually grep -q policy told && put_policy
	echo >&7
	exec 7>&-
	wait $asking
	status=$?
	sed -i 1d told
	return $status
}
