# Of bench.sh: the log of decisions as it grows. BENCH_LOG: how many leaves, in place of ten
# million, which take some minutes and 4 GB. The plot is log.svg in the build folder.

log_rows() {
	most=${BENCH_LOG:-10000000}
	mkdir -m 700 log-bench
	log log-bench "$most" >log.times
	/usr/bin/python3 "$here/plot_log.py" <log.times >"$build/log.svg"
	for n in 2 3 4 5 6; do
		head -1 log.times | cut -d' ' -f$n >log.first.$n
		tail -1 log.times | cut -d' ' -f$n >log.last.$n
	done
	row "a leaf more in a log of $most, of a batch of 1000" µs less log.last.2 "in a log of 1000" log.first.2
	row "a leaf more in a log of $most, of a batch of 1000" µs less log.last.2 "its hashes alone" log.last.3
	row "inclusion proof in a log of $most" µs less log.last.4 "in a log of 1000" log.first.4
	row "consistency proof in a log of $most" µs less log.last.5 "in a log of 1000" log.first.5
	row "verifying an inclusion proof in a log of $most" µs less log.last.6 "in a log of 1000" log.first.6
}
