install -o freerad -g freerad -m 640 ca.pem radius.example.net.pem radius.example.net.key /etc/freeradius/3.0/certs/
cat > /etc/freeradius/3.0/sites-enabled/radsec <<'EOF'
listen {
	ipaddr = *
	port = 2083
	proto = tcp
	type = auth+acct
	virtual_server = default
	clients = radsec
	tls {
		private_key_file = ${certdir}/radius.example.net.key
		certificate_file = ${certdir}/radius.example.net.pem
		ca_file = ${certdir}/ca.pem
		tls_min_version = "1.2"
		tls_max_version = "1.3"
		require_client_cert = yes
	}
}
clients radsec {
	client maui-nas-04 {
		ipaddr = 192.0.2.9
		proto = tls
		secret = radsec
	}
}
EOF
