users=/etc/freeradius/3.0/mods-config/files/authorize
cat - $users > users.new <<'EOF'
# called back at a fixed number, without a second login
austin-01	Cleartext-Password := "maui-1993"
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001",
	Cisco-AVPair += "shell:nocallback-verify=1"

# types the number, and logs in again when called back
austin-02	Cleartext-Password := "hana-1993"
	Service-Type = Callback-NAS-Prompt,
	Cisco-AVPair += "shell:callback-dialstring="

# over PPP: the computer gives the number, and logs in again when called back
lahaina-05	Cleartext-Password := "banyan-05"
	Service-Type = Callback-Framed-User,
	Framed-Protocol = PPP,
	Cisco-AVPair += "lcp:callback-dialstring="

EOF
cat users.new > $users
rm users.new
