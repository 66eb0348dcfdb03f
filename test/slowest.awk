# slowest.awk: what a log of `go test -v` says of time: the packages, and the thirty
# slowest tests. A test whose subtests run beside others is shown by those.
$1 == "---" && $NF ~ /^\([0-9.]+s\)$/ {
	seconds = substr($NF, 2) + 0
	if (seconds >= 1) waiting[++n] = sprintf("%9.2f  %-4s  %%s  %s", seconds, substr($2, 1, 4), $3)
}
# A package's line comes after its tests.
($1 == "ok" || $1 == "FAIL") && $3 ~ /^[0-9.]+s$/ {
	packages[++p] = sprintf("%9.2f  %-4s  %s", $3 + 0, $1, $2)
	for (i = 1; i <= n; i++) tests[++t] = sprintf(waiting[i], $2)
	n = 0
}
function table(title, rows, count, most,   sort, i) {
	if (count == 0) return
	print title
	fflush()
	sort = "sort -rn | head -n " most
	for (i = 1; i <= count; i++) print rows[i] | sort
	close(sort)
}
END {
	table("seconds of the slowest packages", packages, p, 15)
	table("seconds of the slowest tests", tests, t, 30)
}
