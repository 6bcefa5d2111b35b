# A subscriber's computer with pppd and a modem: it dials, asks for a callback, answers the callback and uses the
# network. Lines that begin with "RESULT" are for the test; the rest is pppd's log.
#
# The test sets: pppd (the program), tty, main (the number to dial), user, password, options (of pppd), callback (the
# own number), host4, host6, port (the server), size (octets of a transfer over IPv4), work (a directory), stay (not
# empty: online until the file work/leave is there). It runs under busybox's shell.

mount -t tmpfs tmpfs /etc/ppp && touch /etc/ppp/options # neither the machine's options nor its scripts
mount -t tmpfs tmpfs /run && mkdir /run/lock

dial() { # the rest are options of pppd
	$pppd "$tty" 115200 local nodetach noauth user "$user" password "$password" nocrtscts nolock debug logfd 1 \
		lcp-echo-interval 5 lcp-echo-failure 12 $options "$@"
}

dial callback "$callback" \
	connect "chat -v -t 90 ABORT BUSY ABORT 'NO CARRIER' ABORT ERROR '' ATZ OK ATDT$main CONNECT '\\d\\c'"
status=$?
echo "RESULT first call: exit $status"
[ "$status" = 14 ] || exit 0

dial passive defaultroute connect "chat -v -t 90 RING ATA CONNECT '\\c'" &
second=$!
# both addresses, and the prefix that the server advertises
for try in $(seq 900); do
	addresses=$(ip address show ppp0 2>/dev/null)
	case $addresses in *"inet "*"inet6 2001:"* | *"inet6 2001:"*"inet "*) break ;; esac
	kill -0 $second 2>/dev/null || break
	usleep 100000
done
echo "RESULT address: $(echo "$addresses" | sed -n 's/.*inet \([0-9.]*\).*/\1/p')"
echo "RESULT IPv6 address: $(echo "$addresses" | sed -n 's/.*inet6 \(2001:[0-9a-f:]*\).*/\1/p')"

try() { # name command …: the command's success
	name=$1
	shift
	if "$@"; then echo "RESULT $name: ok"; else echo "RESULT $name: failed"; fi
}
try "ping server" ping -c 3 -W 60 10.8.0.1
try "ping host" ping -c 3 -W 60 "$host4"
try "ping host by IPv6" ping -6 -c 3 -W 60 "$host6"

transfer() { # name host octets: both ways
	echo "GET $3" | timeout 400 nc "$2" "$port" >"$work/down"
	echo "RESULT download by $1: $(wc -c <"$work/down") octets $(sha256sum <"$work/down" | cut -d' ' -f1)"
	head -c "$3" /dev/urandom >"$work/up"
	echo "RESULT uploaded by $1: $(sha256sum <"$work/up" | cut -d' ' -f1)"
	echo "RESULT server received by $1: $({ echo "PUT $3"; cat "$work/up"; } | timeout 400 nc "$2" "$port")"
}
transfer IPv4 "$host4" "$size"
transfer IPv6 "$host6" 65536

[ -z "$stay" ] || until [ -e "$work/leave" ]; do usleep 100000; done
kill "$(cat /var/run/ppp0.pid)"
wait $second
echo "RESULT second call: exit $?"
