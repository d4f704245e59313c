# Of bench.sh: what it takes to start an enclave, to be in one, and to have one.
# ---- start: a static program that does nothing ----

# bwrap with what the soft tier has and bwrap knows, and control groups (bench/limited.c).
like_bwrap='limited bwrap --unshare-all --unshare-user --uid 1000 --gid 1000 --die-with-parent --new-session
	--cap-drop ALL --clearenv --hostname enclave --ro-bind root / --proc /proc --dev /dev --tmpfs /tmp --seccomp 9'

bundle() { # crun: the protections that the soft tier has
	install -d -m 755 bundle bundle/rootfs bundle/rootfs/proc bundle/rootfs/dev
	install -m 755 root/nothing bundle/rootfs/
	(cd bundle && crun spec)
	jq '.process.args = ["/nothing"] | .process.terminal = false | .process.noNewPrivileges = true
	| .process.capabilities = {} | .root.readonly = true
	| .mounts |= map(select(.destination == "/proc" or .destination == "/dev"))
	| .linux.namespaces = [["pid", "network", "ipc", "uts", "mount", "cgroup", "user"][] | {type: .}]
	| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
	| .linux.gidMappings = .linux.uidMappings
	| .linux.resources = {memory: {limit: 536870912}, pids: {limit: 256}, cpu: {quota: 200000, period: 100000}}
	| .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"], syscalls: [{
		action: "SCMP_ACT_ALLOW", names: ["read", "write", "close", "openat", "fstat", "lseek", "mmap",
		"mprotect", "munmap", "brk", "rt_sigaction", "rt_sigprocmask", "ioctl", "pread64", "access", "dup",
		"dup2", "getpid", "socket", "setsockopt", "connect", "accept", "accept4", "sendto", "recvfrom", "bind", "listen", "clone",
		"execve", "exit", "wait4", "uname", "fcntl", "getcwd", "chdir", "readlink", "getuid", "getgid",
		"geteuid", "getegid", "arch_prctl", "futex", "set_tid_address", "set_robust_list", "rseq",
		"prlimit64", "getrandom", "exit_group", "epoll_wait", "epoll_ctl", "clock_gettime", "nanosleep",
		"newfstatat", "statx", "prctl", "capset", "capget", "setresuid", "setresgid", "setgroups"]}]}' \
		bundle/config.json >config.json
	mv config.json bundle/
}
crun_works() {
	have crun && have jq && bundle && interleave 1 -- $unmount crun --cgroup-manager=cgroupfs run -b bundle try@
}
start_rows() {
	tobichi build --tier soft --quiet --root root -o nothing.tobi -- /nothing
	tobichi build --tier soft --quiet --root root --name other -o other.tobi -- /nothing
	tobichi build --tier soft --quiet -o sleep.tobi -- /bin/sleep 1000000
	tobichi run --detach sleep.tobi >/dev/null # so that the service stays
	# One that is measured anew, one that takes its place, and that one again. Then cold: each run
	# has a run folder, and so a private service, of its own.
	set -- -- tobichi run other.tobi -- tobichi run nothing.tobi -- tobichi run nothing.tobi \
		-- "TOBICHI_RUN_FOLDER=$work/run@" tobichi run nothing.tobi
	! have bwrap || set -- "$@" -- $like_bwrap /nothing
	if crun_works >/dev/null 2>crun.log; then
		set -- "$@" -- $unmount crun --cgroup-manager=cgroupfs run -b bundle bench@
	fi
	interleave $((rounds * 5)) "$@" >start.times
	sed -n 1p start.times >new
	sed -n 3p start.times >warm
	sed -n 4p start.times >cold
	line=5
	for peer in bwrap crun; do
		if [ $peer = crun ] && [ -s crun.log ] || ! have $peer; then
			skipped "start to end, service running, beside $peer" "$peer is missing or does not work here"
			continue
		fi
		sed -n "${line}p" start.times >$peer
		line=$((line + 1))
		row "start to end, service running, image as before" ms less warm $peer $peer
		row "start to end, service running, another image" ms less new $peer $peer
		row "start to end, with its private service" ms less cold $peer $peer
	done
}

# Each script ends when a byte has come; what is left is taken away after it.
first_byte_scripts() {
	cat >first.ours <<-END
		id=\$(tobichi run --detach --publish $port:9000 serve.tobi)
		tobichi connect 127.0.0.1:$port --policy serve.policy.yaml --quiet -- bulk first -
		echo \$id >id
	END
	echo 'tobichi stop $(cat id) --grace 0 >/dev/null' >after.ours
	cat >first.bwrap <<-END
		$(echo $like_bwrap) --share-net /serve $plain &
		echo \$! >pid
		bulk first $plain
	END
	echo 'kill $(cat pid)' >after.bwrap
	cat >first.crun <<-END
		crun --cgroup-manager=cgroupfs run -b served bench-$plain 2>crun.log &
		bulk first $plain
	END
	echo "crun --cgroup-manager=cgroupfs delete -f bench-$plain" >after.crun
}
first_byte_rows() {
	what="launch to first byte served (attested TLS; peer: plain TCP)"
	port=$(free_port) plain=$(free_port)
	peers=
	! have bwrap || peers=bwrap
	if crun_works >/dev/null 2>&1; then
		cp -r bundle served
		install -m 755 root/serve served/rootfs/
		jq ".process.args = [\"/serve\", \"$plain\"] | .linux.namespaces |= map(select(.type != \"network\"))" \
			bundle/config.json >served/config.json
		peers="$peers crun"
	fi
	first_byte_scripts
	for _ in $(seq $((rounds * 2))); do
		for side in ours $peers; do
			[ $side = crun ] && prefix=$unmount || prefix=
			interleave 1 -- $prefix sh first.$side >>times.$side
			interleave 1 -- $prefix sh after.$side >/dev/null 2>&1 || true
		done
	done
	for peer in bwrap crun; do
		case $peers in
		*$peer*) row "$what" ms less times.ours $peer times.$peer ;;
		*) skipped "$what, beside $peer" "$peer is missing or does not work here" ;;
		esac
	done
}

# ---- inside ----

cpu_row() {
	tobichi build --tier soft --quiet --root root -o cpu.tobi -- /cpu
	for _ in $(seq $((rounds * 3))); do
		tobichi run cpu.tobi >>cpu.ours
		root/cpu >>cpu.theirs
	done
	row "CPU-bound work inside, million steps" /s more cpu.ours "outside" cpu.theirs
}

group_usage() { # PIDS: what their control groups have been charged with, the kernel's share too, MiB
	for pid; do
		path=$(sed -n 's/^[0-9]*:memory://p; s/^0:://p' "/proc/$pid/cgroup" | head -1)
		cat "/sys/fs/cgroup/memory$path/memory.usage_in_bytes" "/sys/fs/cgroup$path/memory.current" 2>/dev/null |
			head -1
	done | awk '{ n += $1 } END { print n / 1048576 }'
}
service_pids() {
	main=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' run/service.log | tail -1)
	echo "$main" $(descendants "$main" tobichid)
}
added() { # by each of the enclaves beside the program itself, MiB
	pids=$(tobichi ps --json | jq -r '.[] | select(.name == "serve") | .pid')
	echo "$(group_usage $pids) $(group_usage $bare) $(pss $(service_pids)) $before $count" |
		awk '{ print ($1 - $2 + $3 - $4) / $5 }'
}
load() { # PORT: of an enclave
	tobichi connect "127.0.0.1:$1" --policy serve.policy.yaml --listen "127.0.0.1:$plain" 2>listen.log &
	load=$!
	wait_for_port "$plain" $load
	for _ in $(seq 10); do bulk first "$plain"; done
	bulk down "$plain" 64 >/dev/null
	bulk up "$plain" 64 >/dev/null
	kill $load
	wait $load 2>/dev/null || true
}
# Several of one image, beside the same program in as many groups without an enclave.
memory_rows() {
	count=8 ports= ids= bare=
	tobichi build --tier soft --quiet -o sleep.tobi -- /bin/sleep 1000000
	tobichi run --detach sleep.tobi >/dev/null
	before=$(pss $(service_pids))
	for _ in $(seq $count); do
		port=$(free_port) plain=$(free_port)
		ports="$ports $port"
		ids="$ids $(tobichi run --detach --publish "$port:9000" serve.tobi)"
		limited - root/serve "$plain" &
		helpers="$helpers $!"
		wait_for_port "$plain" $!
		bare="$bare $(cat "/proc/$!/task/$!/children")"
	done
	# An agent that has given evidence has its key, and waits.
	for id in $ids; do tobichi attest "$id" -o evidence >/dev/null; done
	echo 4 >limit
	added >memory.idle
	plain=$(free_port)
	for port in $ports; do load "$port"; done
	added >memory.loaded
	row "memory that an enclave adds, idle ($count of one image)" MiB less memory.idle "limit" limit
	row "the same, after 11 sessions and 128 MiB each" MiB less memory.loaded "limit" limit
	for id in $ids; do tobichi stop "$id" --grace 0 >/dev/null; done
}
