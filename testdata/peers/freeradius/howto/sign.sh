site=/etc/freeradius/3.0/sites-available/default
sed -i '/^post-auth {/r /dev/stdin' $site <<'EOF'
	update reply {
		&Message-Authenticator := 0x00
	}
EOF
sed -i '/^	Post-Auth-Type REJECT {/r /dev/stdin' $site <<'EOF'
		update reply {
			&Message-Authenticator := 0x00
		}
EOF
sed -i '/^	Post-Auth-Type Challenge {/r /dev/stdin' $site <<'EOF'
		update reply {
			&Message-Authenticator := 0x00
		}
EOF
