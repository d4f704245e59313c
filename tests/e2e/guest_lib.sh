# What the scripts of guests around enclaves share: a service whose devices are played, and
# policies that ask for its guest. Sourced after lib.sh with the build folder as $1.
serve=$1/tests/tools/attest-service
agent=$1/daemons/agent/tobichi-agent
export TOBICHI_TEST_FOLDER="$work"
nonce=000102030405060708090a0b0c0d0e0f

start() { # MACHINE OPTION...: a service of its own
	export TOBICHI_TEST_MACHINE="$1"
	shift
	mkdir -p -m 0700 run
	"$serve" --run-folder "$work/run" --state-folder "$work/state" --agent "$agent" "$@" 2>run/service.log &
	eventually grep -q "event=ready" run/service.log
}
stop() {
	pid=$(service)
	kill "$pid"
	eventually sh -c "! kill -0 $pid 2>/dev/null"
	: >run/service.log
}
# guest_policy TIER [image=HEX] [root=no] [LINE...]: web.policy.yaml with a guest of that
# tier, whose root and measurement are those of policy.yaml
guest_policy() {
	/usr/bin/python3 -B - "$@" <<-'END'
	import re, sys
	tier, more = sys.argv[1], sys.argv[2:]
	enclave, hardware = open("web.policy.yaml").read(), open("policy.yaml").read()
	image = re.search(r'images:\s*(?:\[|- )?"?([0-9a-f]{64,128})', hardware).group(1)
	pem = re.search(r" *-----BEGIN .*?-----END [A-Z ]*-----\n", hardware, re.S).group(0)
	root = f"  - tier: {tier}\n    anchors: |\n" + "".join(f"      {line.strip()}\n" for line in pem.splitlines())
	for option in [each for each in more if each.startswith(("image=", "root="))]:
	    name, _, value = option.partition("=")
	    image, root = (value, root) if name == "image" else (image, "")
	    more.remove(option)
	head, tail = enclave.split("roots:\n", 1)
	print(head + "roots:\n" + root + tail, end="")
	print(f"guest:\n  tiers: [{tier}]\n  images: [\"{image}\"]")
	print("\n".join(more))
	END
}
# Puts the guest's evidence of a second file into the first one's.
move_guest() { # FILE OTHER OUT
	/usr/bin/python3 -B - "$@" <<-'END'
	import sys
	one, other = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()


	def guest(whole):  # from the key to the end of the record's array
	    start = whole.index(b"\x65guest")
	    at = start + 6 + 1 + 22
	    size = {0x58: 1, 0x59: 2, 0x5a: 4}[whole[at - 1]]
	    return start, at + size + int.from_bytes(whole[at:at + size], "big") + 1


	a, b = guest(one)
	c, d = guest(other)
	open(sys.argv[3], "wb").write(one[:a] + other[c:d] + one[b:])
	END
}
