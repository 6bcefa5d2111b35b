(umask 077; openssl rand -hex 24 > radius.secret)
cat >> /etc/freeradius/3.0/clients.conf <<EOF
client maui-nas-04 {
	ipaddr = 192.0.2.9
	secret = "$(cat radius.secret)"
	require_message_authenticator = yes
	nas_type = other
}
EOF
