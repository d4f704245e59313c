#!/bin/sh
# The broker's web page: as a browser sees it, as an owner without a mouse uses it, and as
# one who means harm does.
# Usage: broker_page.sh BUILD_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/broker_lib.sh"
guest=$1/tests/tools/snp_report client=$here/../interop/kbs_client.py
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
	{ echo "skipped: python3-cryptography is not there"; exit 77; }
command -v curl >/dev/null || { echo "skipped: curl is not there"; exit 77; }
trap 'stop_broker TERM; clean_up' EXIT

# ---- a broker, two owners, and a release that is refused ----
port=$(free_port)
export TOBICHI_BROKER="https://127.0.0.1:$port"
check "a broker is made" exits 0 "$tobichi" broker init broker --host "127.0.0.1:$port" --listen "127.0.0.1:$port"
"$tobichi" broker serve --config broker/broker.yaml 2>broker.log &
serving=$!
as() { # KEY COMMAND ARGUMENT...
	who=$1 what=$2
	shift 2
	"$tobichi" "$what" "$@" --key "$who.key" --tls-ca broker/tls.pem
}
check "it answers its operator" eventually as broker/operator owner whoami
for name in alice bob; do "$tobichi" keygen -o "$name" >/dev/null; done
as broker/operator owner add alice --owner-key alice.pub --repository red >/dev/null
as broker/operator owner add bob --owner-key bob.pub --repository blue >/dev/null
printf 'the first s3cret' >value
chmod 600 value
as alice secret put red/key/db value >/dev/null
as alice secret put red/key/new value --expires +86400 --releases 3 >/dev/null
as bob secret put blue/key/his value >/dev/null
put_policy() { as alice secret put-policy red guest/policy.yaml >/dev/null; }
check "a guest of the policy's image is given the secret" ask red/key/db
put_policy() {
	sed 's/4d4d4d4d/4d4d4d4e/' guest/policy.yaml >other.yaml
	as alice secret put-policy red other.yaml >/dev/null
}
check "a guest of another image is not" exits 1 ask red/key/db

# ---- who may see what: by the certificate of a connection ----
for name in alice bob; do
	openssl req -x509 -new -key $name.key -subj "/CN=<img src=x onerror=alert(1)>" -days 1 -out $name.pem 2>/dev/null
done
openssl req -x509 -new -key broker/operator.key -subj /CN=any -days 1 -out operator.pem 2>/dev/null
get() { curl -s --path-as-is --cacert broker/tls.pem "$@"; }
page() { # KEY PATH ARGUMENT...: the page, and its status in the last line
	who=$1 path=$2
	shift 2
	case $who in
	nobody) get -w '\n%{http_code}\n' "$@" "$TOBICHI_BROKER$path" ;;
	operator) get --cert operator.pem --key broker/operator.key -w '\n%{http_code}\n' "$@" "$TOBICHI_BROKER$path" ;;
	*) get --cert "$who.pem" --key "$who.key" -w '\n%{http_code}\n' "$@" "$TOBICHI_BROKER$path" ;;
	esac
}
status() { page "$@" | tail -1; }
check "a certificate of an owner's key logs in" has "$(page alice /)" "by the certificate of this connection"
list=$(page alice "/decisions?resource=red%2Fkey&verdict=refused")
number=$(echo "$list" | sed -n 's|.*href="/decisions/\([0-9]*\)".*|\1|p' | head -1)
check "the refusal is in the owner's list" has "$list" "red/key/db"
check "and says why in its checklist" has "$(page alice "/decisions/$number")" "4d4d4d4e"
for who in bob operator nobody; do
	expected=404
	[ $who != nobody ] || expected=401
	check "$who has no such page" same "$(status $who "/decisions/$number")" $expected
	check "nor its evidence" same "$(status $who "/decisions/$number/evidence")" $expected
done
get --cert alice.pem --key alice.key -o evidence "$TOBICHI_BROKER/decisions/$number/evidence"
digest=$(sha384sum evidence | cut -d' ' -f1)
check "the owner has the evidence, of the digest that is shown" has "$(page alice "/decisions/$number")" "$digest"
check "an owner's resources are listed" has "$(page alice /resources)" "red/key/new"
check "and nothing of another's" hasnt "$(page alice /resources)" "blue"
check "nor what is in them" hasnt "$(page alice /resources)$(page alice "/decisions/$number")$(page alice /policies)" "s3cret"
check "the policy is shown as it was put" has "$(page alice /policies/red)" "4d4d4d4e"
check "not to another owner" same "$(status bob /policies/red)" 404
check "the operator sees owners" has "$(page operator /operator)" "alice"
check "and no resources" same "$(status operator /resources)" 403
check "an owner sees no owners" same "$(status alice /operator)" 403

# ---- what is sent with each page ----
headers=$(get -D - -o /dev/null "$TOBICHI_BROKER/")
for line in "Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'" \
	"X-Content-Type-Options: nosniff" "Referrer-Policy: no-referrer" "Cache-Control: no-store" \
	"Cross-Origin-Opener-Policy: same-origin" "Cross-Origin-Resource-Policy: same-origin" \
	"Cross-Origin-Embedder-Policy: require-corp" "Strict-Transport-Security: max-age=31536000" "Permissions-Policy: "; do
	check "each page has: $line" has "$headers" "$line"
done

# ---- sessions ----
link() { as "$1" owner login; }
token_of() { link "$1" | sed 's/.*token=//'; }
check "the link as JSON" has "$(as alice owner login --json)" "\"url\": \"$TOBICHI_BROKER/login?token="
post() { # PATH BODY ARGUMENT...: as the page's own form sends it
	path=$1 body=$2
	shift 2
	get -D - -H "Sec-Fetch-Site: same-origin" --data "$body" "$@" "$TOBICHI_BROKER$path"
}
token=$(token_of alice)
check "the link's token is long" same "${#token}" 43
check "it is not in the database" sh -c "! grep -aqF -e '$token' broker/broker.db*"
check "another site cannot use it" has "$(get -D - -H 'Sec-Fetch-Site: cross-site' --data "token=$token" "$TOBICHI_BROKER/login")" "403 Forbidden"
check "nor who does not say where he comes from" has "$(get -D - --data "token=$token" "$TOBICHI_BROKER/login")" "403 Forbidden"
answer=$(post /login "token=$token")
check "the page's own form does" has "$answer" "303 See Other"
check "once" has "$(post /login "token=$token")" "403 Forbidden"
cookie=$(echo "$answer" | sed -n 's/^Set-Cookie: \([^;]*\);.*/\1/p')
check "the cookie is not in the database" sh -c "! grep -aqF -e '${cookie#*=}' broker/broker.db*"
check "it shows who it is" has "$(page nobody / -b "$cookie")" "<b>alice</b>"
check "a cookie that comes twice is nobody's" has "$(page nobody / -b "$cookie; $cookie")" "Nobody is logged in"
check "nor one that is cut" has "$(page nobody / -b "${cookie%?}")" "Nobody is logged in"
check "nor a token in the place of one" has "$(page nobody / -b "__Host-tobichi=$(token_of alice)")" "Nobody is logged in"
form=$(page nobody / -b "$cookie" | sed -n 's/.*name="form" value="\([^"]*\)".*/\1/p')
check "it is not logged out without the form's own value" has "$(post /logout form=x -b "$cookie")" "400 Bad Request"
check "nor by another site" has "$(get -D - -H 'Sec-Fetch-Site: same-site' -b "$cookie" --data "form=$form" "$TOBICHI_BROKER/logout")" "403 Forbidden"
check "nor by a link" same "$(status nobody /logout -b "$cookie")" 405
check "but with it" has "$(post /logout "form=$form" -b "$cookie")" "303 See Other"
check "and then the cookie is nobody's" has "$(page nobody / -b "$cookie")" "Nobody is logged in"

# ---- who means harm ----
unknown=$(page nobody /decisions/1)
for query in "resource=' OR '1'='1" 'resource=1;DROP TABLE log_leaves--' 'resource=%27%20UNION%20SELECT%20*%20FROM%20owner--' \
	'resource=%3Cscript%3Ealert(1)%3C/script%3E' 'resource=%22%20autofocus%20onfocus=alert(1)%20x=%22' \
	'resource=%e2%80%ae' 'resource=..%2f..%2fetc%2fpasswd' 'before=1%20OR%201=1' 'before=-1' 'before=99999999999999999999' \
	"verdict=refused'" 'verdict[]=refused' 'of=operator' 'verdict=refused&verdict=accepted' 'x=1' 'resource=%00' \
	'resource=%ff' 'resource=%c0%af' 'resource' '%' 'before=0x10' "$(printf '%0900d' 0)"; do
	answer=$(page alice "/decisions?$(echo "$query" | sed 's/ /%20/g; s/\[/%5b/; s/\]/%5d/')")
	check "'$query' is answered or refused, and no more" \
		sh -c 'case $1 in 200|400) ;; *) echo "  $1"; exit 1 ;; esac' sh "$(echo "$answer" | tail -1)"
	check "without a trace of it as markup" hasnt "$answer" "<script"
	check "or as an attribute" hasnt "$answer" '" autofocus'
	check "and nothing of another owner's" hasnt "$answer" "blue/key"
	check "nor of the database" sh -c '! echo "$1" | grep -qiE "sqlite|syntax error|no such column|postgres"' sh "$answer"
done
for path in /decisions/..%2f..%2f /decisions/%00 /decisions/1%2fevidence /../decisions //decisions /decisions/%ff \
	/decisions/1e3 /decisions/-1 /decisions/+1 /decisions/01 "/decisions/1'--" /decisions/999999999999999999999 /style/../login \
	/style/x.css /policies/red%00 '/policies/%e2%80%ae' "/policies/red'--" /policies/..%2fred /policies/blue /resources/x; do
	check "$path is nothing" sh -c 'case $1 in 400|404) ;; *) echo "  $1"; exit 1 ;; esac' sh "$(status alice "$path")"
done
check "a header that comes twice is refused" same "$(status nobody / -H "Cookie: a=b" -H "Cookie: c=d")" 400
check "a cookie of 7 KiB is no matter" same "$(status nobody / -b "x=$(printf '%07000d' 0)")" 200
check "one of 100 KiB is refused" same "$(status nobody / -H "Cookie: x=$(printf '%0100000d' 0)")" 431
check "a body that is no form is refused" has "$(post /login '{"token":"x"}')" "400 Bad Request"
check "one that is too long, too" has "$(post /login "token=$(printf '%05000d' 0)")" "413 "
check "and one with an escape that is none" has "$(post /login 'token=%zz')" "400 Bad Request"
check "who is nobody is told the same everywhere" same "$(page nobody /decisions/2)" "$unknown"
check "each request is in the server's log" grep -q '"path":"/decisions/01"' broker.log
check "no token and no cookie is" sh -c "! grep -qF -e '$token' -e '${cookie#*=}' broker.log"
check "the log of decisions is whole" exits 0 "$tobichi" log follow --once --entries --state state.head \
	--broker "$TOBICHI_BROKER" --tls-ca broker/tls.pem

# ---- with a browser ----
if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then
	axe=
	if command -v npm >/dev/null && timeout 60 npm pack --silent axe-core@4.10.2 >/dev/null 2>npm.log; then
		tar xzf axe-core-*.tgz package/axe.min.js && axe=package/axe.min.js
	fi
	[ -n "$axe" ] || echo "skipped: axe-core does not come: $(tail -1 npm.log 2>/dev/null)"
	mkdir -p "${TOBICHI_PICTURES:-pictures}"
	check "a browser sees and does it all" /usr/bin/python3 "$here/broker_page.py" "$TOBICHI_BROKER" \
		"${TOBICHI_PICTURES:-pictures}" "$(link alice)" "$number" ${axe:+"$axe"}
else
	echo "skipped: chromium is not there"
fi
stop_broker TERM
[ $failed = 0 ] || tail -40 broker.log
exit $failed
